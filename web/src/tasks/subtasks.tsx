import { positionAt } from "daylist-client/order";
import { useId } from "preact/hooks";
import { t } from "../text";
import { LIMITS, type Task } from "./task";
import type { Workbench } from "./workbench";

/** The subtasks of a task, and a box for the next one. They are stored at once, whatever becomes of the form around them. */
export function Subtasks({ bench, task }: { readonly bench: Workbench; readonly task: Task }) {
  const id = useId();
  const words = t();
  const subtasks = bench.subtasks.value.get(task.id) ?? [];
  const add = (box: HTMLInputElement) => {
    const title = box.value.trim();
    if (title === "" || [...title].length > LIMITS.title) return;
    bench.actions.add({
      ...{ title, description: null, priority: "none", due: null, tags: [] },
      ...{ parent_id: task.id, position: positionAt(subtasks, subtasks.length) },
    });
    box.value = "";
  };
  return (
    <div class="subtasks">
      <ul aria-label={words.subtasks}>
        {subtasks.map((subtask) => (
          <li key={subtask.id} class={subtask.completed ? "task-done" : ""}>
            <label>
              <input
                type="checkbox"
                class="check"
                checked={subtask.completed}
                onChange={(event) => bench.actions.complete(subtask, event.currentTarget.checked)}
              />
              <span dir="auto">{subtask.title}</span>
            </label>
          </li>
        ))}
      </ul>
      <label class="visually-hidden" for={`${id}-new`}>
        {words.addASubtask}
      </label>
      <input
        id={`${id}-new`}
        class="bare"
        dir="auto"
        autocomplete="off"
        maxLength={LIMITS.title}
        placeholder={words.addASubtask}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.currentTarget.value.trim() === "") return;
          event.preventDefault();
          event.stopPropagation();
          add(event.currentTarget);
        }}
        onBlur={(event) => add(event.currentTarget)}
      />
    </div>
  );
}
