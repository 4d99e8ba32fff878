import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { now } from "../ui/clock";
import { Calendar, Flag, Plus, Tag } from "../ui/icons";
import { dayOf, describeDue } from "./due";
import { parseQuickAdd } from "./quick-add";
import { LIMITS, PRIORITIES, PRIORITY_NAMES, type Priority, type TaskContent } from "./task";

export const COMPOSER_ID = "new-task";

interface ComposerProps {
  readonly onAdd: (content: TaskContent) => void;
  /** Moves the focus down to the list. */
  readonly onDown: () => void;
}

/** A form for a new task: a line of text and Enter are enough. */
export function Composer({ onAdd, onDown }: ComposerProps) {
  const id = useId();
  const line = useSignal("");
  const day = useSignal("");
  const priority = useSignal<Priority>("none");
  const problem = useSignal("");
  const parsed = parseQuickAdd(line.value, dayOf(now.value));
  const content: TaskContent = {
    ...parsed,
    due: parsed.due ?? (day.value || null),
    priority: parsed.priority === "none" ? priority.value : parsed.priority,
  };

  const add = (event: Event) => {
    event.preventDefault();
    if (content.title === "") {
      problem.value = line.value.trim() === "" ? "Type a task first." : "The task needs a title, too.";
    } else if ([...content.title].length > LIMITS.title) {
      problem.value = `A title has at most ${LIMITS.title} characters. The rest can go into the notes.`;
    } else {
      onAdd(content);
      line.value = "";
      day.value = "";
      priority.value = "none";
      problem.value = "";
    }
    document.getElementById(COMPOSER_ID)?.focus();
  };

  return (
    <form class="composer" aria-label="New task" onSubmit={add}>
      <div class="composer-line">
        <Plus />
        <label class="visually-hidden" for={COMPOSER_ID}>
          New task
        </label>
        <input
          id={COMPOSER_ID}
          class="bare"
          autocomplete="off"
          enterkeyhint="done"
          placeholder="What needs doing?"
          aria-describedby={`${id}-help ${id}-problem`}
          aria-invalid={problem.value !== ""}
          value={line.value}
          onInput={(event) => {
            line.value = event.currentTarget.value;
            problem.value = "";
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") onDown();
            else if (event.key === "Escape") event.currentTarget.blur();
            else return;
            event.preventDefault();
          }}
        />
        <button type="submit" class="button button-primary">
          Add
        </button>
      </div>
      <div class="composer-options">
        <label class={`option ${content.due ? "option-set" : ""}`}>
          <Calendar />
          <span class="option-text">{content.due ? describeDue(content.due, now.value) : "Date"}</span>
          <span class="visually-hidden">Due date</span>
          <input
            type="date"
            max="9999-12-31"
            value={day.value}
            onClick={(event) => openPicker(event.currentTarget)}
            onChange={(event) => {
              day.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class={`option ${content.priority === "none" ? "" : "option-set"}`}>
          <Flag />
          <span class="option-text">{content.priority === "none" ? "Priority" : PRIORITY_NAMES[content.priority]}</span>
          <span class="visually-hidden">Priority</span>
          <select
            value={priority.value}
            onChange={(event) => {
              priority.value = PRIORITIES[event.currentTarget.selectedIndex] ?? "none";
            }}
          >
            {PRIORITIES.map((choice) => (
              <option key={choice} value={choice}>
                {PRIORITY_NAMES[choice]}
              </option>
            ))}
          </select>
        </label>
        {content.tags.map((tag) => (
          <span key={tag} class="option option-set">
            <Tag />
            {tag}
          </span>
        ))}
        <p id={`${id}-help`} class="hint composer-help">
          Try <code>#tag</code> <code>!high</code> <code>@tomorrow</code>
        </p>
      </div>
      <p id={`${id}-problem`} class="form-problem" role="alert">
        {problem.value}
      </p>
    </form>
  );
}

function openPicker(input: HTMLInputElement): void {
  try {
    input.showPicker();
  } catch {
    // Without a picker, people type the date.
  }
}
