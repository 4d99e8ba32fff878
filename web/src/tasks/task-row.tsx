import { now } from "../ui/clock";
import { Calendar, Flag, Note, Trash } from "../ui/icons";
import { describeDue, isOverdue } from "./due";
import { PRIORITY_NAMES } from "./task";
import { TaskEditor } from "./task-editor";
import type { Row, TaskList } from "./task-list";

interface TaskRowProps {
  readonly row: Row;
  readonly list: TaskList;
  readonly onTag: (tag: string) => void;
}

export function TaskRow({ row, list, onTag }: TaskRowProps) {
  const { key, task, leaving, saving, problem } = row;
  const { value: editing } = list.editing;
  if (editing?.key === key) {
    return (
      <li class="task task-editing" data-row={key}>
        <TaskEditor list={list} editing={editing} />
      </li>
    );
  }
  const state = `${task.completed ? "task-done" : ""} ${leaving ? "task-leaving" : ""} ${problem ? "task-unsaved" : ""}`;
  return (
    <li class={`task ${state}`} data-row={key} aria-busy={saving}>
      <span class="check-area">
        <input
          type="checkbox"
          class={`check priority-${task.priority}`}
          data-control="check"
          aria-label={`Complete ${task.title}`}
          checked={task.completed}
          disabled={problem !== null}
          onChange={(event) => list.complete(key, event.currentTarget.checked)}
        />
      </span>
      <div class="task-body">
        <button
          type="button"
          class="task-title"
          data-control="title"
          aria-disabled={problem !== null}
          aria-label={`Edit ${task.title}`}
          onClick={() => problem === null && list.edit(key)}
        >
          {task.title}
        </button>
        {problem === null ? (
          <TaskFacts row={row} onTag={onTag} />
        ) : (
          <p class="task-problem">
            Not saved yet. {problem}{" "}
            <button type="button" class="text-button" onClick={() => list.addAgain(key)}>
              Try again
            </button>{" "}
            <button type="button" class="text-button" onClick={() => list.discard(key)}>
              Discard
            </button>
          </p>
        )}
      </div>
      <button
        type="button"
        class="icon-button task-delete"
        data-control="delete"
        aria-label={`Delete ${task.title}`}
        onClick={() => list.remove(key)}
      >
        <Trash />
      </button>
    </li>
  );
}

function TaskFacts({ row: { task }, onTag }: Pick<TaskRowProps, "row" | "onTag">) {
  const { due, priority, tags, description } = task;
  if (due === null && priority === "none" && tags.length === 0 && description === null) return null;
  const late = due !== null && !task.completed && isOverdue(due, now.value);
  return (
    <div class="task-facts">
      {due !== null && (
        <span class={`fact ${late ? "fact-late" : ""}`}>
          <Calendar />
          <span class="visually-hidden">{late ? "Overdue since " : "Due "}</span>
          {describeDue(due, now.value)}
        </span>
      )}
      {priority !== "none" && (
        <span class={`fact fact-priority priority-${priority}`}>
          <Flag />
          {PRIORITY_NAMES[priority]}
          <span class="visually-hidden"> priority</span>
        </span>
      )}
      {description !== null && (
        <span class="fact">
          <Note />
          Notes
        </span>
      )}
      {tags.length > 0 && (
        <span class="tags">
          {tags.map((tag) => (
            <button key={tag} type="button" class="tag" onClick={() => onTag(tag)}>
              <span class="visually-hidden">Show only </span>#{tag}
            </button>
          ))}
        </span>
      )}
    </div>
  );
}
