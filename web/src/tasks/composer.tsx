import { useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import { t } from "../text";
import { now } from "../ui/clock";
import { Calendar, Flag, Plus, Repeat, Tag } from "../ui/icons";
import { datesFor, loadDates } from "./dates";
import { describeDue } from "./due";
import { DateInput, openPicker } from "./due-field";
import { COMPOSER_ID } from "./element-ids";
import { PasteDialog } from "./paste-dialog";
import type { TaskQuery } from "./query";
import { linesOf, tagsFor, withTag } from "./quick-add";
import { describeRecurrence } from "./recurrence";
import { LIMITS, PRIORITIES, type TaskContent, withinLimits } from "./task";
import type { Workbench } from "./workbench";

interface ComposerProps {
  readonly bench: Workbench;
  /** The current list: new tasks get its tag and its day. */
  readonly query: TaskQuery;
  /** Moves the focus down to the list. */
  readonly onDown: () => void;
}

/** A form for a new task: a line of text and Enter are enough. What is typed stays until it is added. */
export function Composer({ bench, query, onDown }: ComposerProps) {
  const words = t();
  const id = useId();
  const { drafts, actions } = bench;
  const { day, priority } = drafts.chosen.value;
  const problem = useSignal("");
  const pasted = useSignal<readonly string[]>([]);
  const { value: line } = drafts.line;

  const contentOf = (line: string) => bench.written(line, query);
  const content = contentOf(line);
  const offered = tagsFor(line, bench.usualTags.value);
  useEffect(() => {
    if (line.includes("@")) void loadDates();
  }, [line]);

  const problemOf = ({ title }: TaskContent) => {
    if (title === "") return words.titleTooNeeded;
    return [...title].length > LIMITS.title ? words.titleTooLong(LIMITS.title) : "";
  };
  const add = (event: Event) => {
    event.preventDefault();
    document.getElementById(COMPOSER_ID)?.focus();
    if (line.trim() === "") return;
    const { value: chosen } = drafts.chosen;
    const write = async () => {
      const task = bench.written(line, query, chosen);
      problem.value = problemOf(task);
      return problem.value === "" && actions.add(task);
    };
    const dates = datesFor(line);
    // The box is free for the next task meanwhile.
    if (dates) void drafts.storeLine(dates.then(write));
    else if (problemOf(content) === "") void drafts.storeLine(write());
    else problem.value = problemOf(content);
  };
  const addAll = (lines: readonly string[]) => {
    pasted.value = [];
    problem.value = "";
    const { value: chosen } = drafts.chosen;
    const write = () => actions.addAll(lines.map((line) => withinLimits(bench.written(line, query, chosen))));
    const adding = Promise.resolve(datesFor(lines.join(" "))).then(write);
    // What was typed before stays. Without it, what was chosen beside the line is used now.
    void (line.trim() === "" ? drafts.storeLine(adding) : drafts.track(adding));
  };

  return (
    <form class="composer" aria-label={words.newTask} onSubmit={add}>
      <div class="composer-line">
        <Plus />
        <label class="visually-hidden" for={COMPOSER_ID}>
          {words.newTask}
        </label>
        <input
          id={COMPOSER_ID}
          class="bare"
          dir="auto"
          autocomplete="off"
          enterkeyhint="done"
          placeholder={words.whatNeedsDoing}
          aria-describedby={`${id}-help ${id}-problem`}
          aria-invalid={problem.value !== ""}
          value={line}
          onFocus={() => void loadDates()}
          onInput={(event) => {
            drafts.keepLine(event.currentTarget.value);
            problem.value = "";
          }}
          onPaste={(event) => {
            const lines = linesOf(event.clipboardData?.getData("text/plain") ?? "");
            if (lines.length < 2) return;
            event.preventDefault();
            pasted.value = lines;
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") onDown();
            else if (event.key === "Escape") event.currentTarget.blur();
            else return;
            event.preventDefault();
          }}
        />
        {/* Tab leads from the line to them. */}
        {offered.length > 0 && (
          <fieldset class="composer-tags" aria-label={words.tags}>
            {offered.map((tag) => (
              <button
                key={tag}
                type="button"
                class="chip"
                dir="auto"
                // On a phone, the keyboard stays.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => {
                  drafts.keepLine(withTag(line, tag));
                  document.getElementById(COMPOSER_ID)?.focus();
                }}
              >
                #{tag}
              </button>
            ))}
          </fieldset>
        )}
        <button type="submit" class="button button-primary">
          {words.add}
        </button>
      </div>
      <div class="composer-options">
        {/* biome-ignore lint/a11y/noLabelWithoutControl: DateInput is one */}
        <label class={`option ${content.due ? "option-set" : ""}`}>
          <Calendar />
          <span class="option-text">{content.due ? describeDue(content.due, now.value) : words.date}</span>
          <span class="visually-hidden">{words.dueDate}</span>
          <DateInput
            type="date"
            value={day}
            onClick={(event) => openPicker(event.currentTarget)}
            onChange={(day) => drafts.choose({ day })}
          />
        </label>
        <label class={`option ${content.priority === "none" ? "" : "option-set"}`}>
          <Flag />
          <span class="option-text">
            {content.priority === "none" ? words.priority : words.priorities[content.priority]}
          </span>
          <span class="visually-hidden">{words.priority}</span>
          <select
            value={priority}
            onChange={(event) => drafts.choose({ priority: PRIORITIES[event.currentTarget.selectedIndex] ?? "none" })}
          >
            {PRIORITIES.map((choice) => (
              <option key={choice} value={choice}>
                {words.priorities[choice]}
              </option>
            ))}
          </select>
        </label>
        {content.recurrence && (
          <span class="option option-set">
            <Repeat />
            <span class="option-text">{describeRecurrence(content.recurrence)}</span>
          </span>
        )}
        {content.tags.map((tag) => (
          <span key={tag} class="option option-set" dir="auto">
            <Tag />
            <span class="option-text">{tag}</span>
          </span>
        ))}
        <p id={`${id}-help`} class="visually-hidden">
          {words.quickAddHelp}
        </p>
      </div>
      <p id={`${id}-problem`} class="form-problem" role="alert">
        {problem.value}
      </p>
      {pasted.value.length > 0 && (
        <PasteDialog
          lines={pasted.value}
          onAll={() => addAll(pasted.value)}
          onOne={() => {
            drafts.keepLine([line, ...pasted.value].filter((text) => text !== "").join(" "));
            pasted.value = [];
          }}
          onClose={() => {
            pasted.value = [];
          }}
        />
      )}
    </form>
  );
}
