import type { Refused } from "daylist-client/sync";
import { now } from "../ui/clock";
import { Calendar, Check, Flag, Note, Trash } from "../ui/icons";
import { dayOf, describeDue, isOverdue } from "./due";
import { isGone, type Refusals, reasonOf } from "./refusals";
import type { Row } from "./rows";
import { PRIORITY_NAMES } from "./task";
import { TaskEditor } from "./task-editor";
import type { Workbench } from "./workbench";

interface TaskRowProps {
  readonly row: Row;
  readonly bench: Workbench;
  readonly onTag: (tag: string) => void;
}

export function TaskRow({ row, bench, onTag }: TaskRowProps) {
  const { task, isLeaving, isDeleted, isSaving, refused } = row;
  const { actions, form } = bench;
  const opened = form.id.value === task.id ? form.opened.value : null;
  if (opened) {
    return (
      <li class="task task-editing" data-row={task.id}>
        <TaskEditor bench={bench} opened={opened} />
      </li>
    );
  }
  const isLost = refused !== null && isGone(refused);
  const state = `${task.completed ? "task-done" : ""} ${isLeaving ? "task-leaving" : ""} ${refused ? "task-unsaved" : ""} ${bench.rows.marked.value === task.id ? "task-new" : ""}`;
  return (
    <li class={`task ${state}`} data-row={task.id} aria-busy={isSaving} inert={isDeleted}>
      <span class="check-area">
        <input
          type="checkbox"
          class={`check priority-${task.priority}`}
          data-control="check"
          aria-label={`Complete ${task.title}`}
          checked={task.completed}
          disabled={isLost}
          onChange={(event) => actions.complete(task, event.currentTarget.checked)}
        />
      </span>
      <div class="task-body">
        <button
          type="button"
          class="task-title"
          data-control="title"
          dir="auto"
          aria-disabled={isLost}
          aria-label={`Edit ${task.title}`}
          onClick={() => !isLost && form.open(task)}
        >
          {task.title}
        </button>
        {bench.drafts.ids.value.has(task.id) && <p class="task-draft">You have changes here that are not saved.</p>}
        {refused === null ? (
          <TaskFacts row={row} onTag={onTag} />
        ) : (
          <NotSaved refused={refused} refusals={bench.refusals} />
        )}
      </div>
      <button
        type="button"
        class="icon-button task-delete"
        data-control="delete"
        aria-label={`Delete ${task.title}`}
        onClick={() => (isLost ? bench.refusals.discard(refused) : actions.remove(task))}
      >
        <Trash />
      </button>
    </li>
  );
}

interface NotSavedProps {
  readonly refused: Refused;
  readonly refusals: Refusals;
}

function NotSaved({ refused, refusals }: NotSavedProps) {
  return (
    <p class="task-problem">
      Not saved. {reasonOf(refused)}{" "}
      {isGone(refused) ? (
        <button type="button" class="text-button" onClick={() => refusals.addAgain(refused)}>
          Add it again
        </button>
      ) : (
        <button type="button" class="text-button" onClick={() => refusals.retry(refused)}>
          Try again
        </button>
      )}{" "}
      <button type="button" class="text-button" onClick={() => refusals.discard(refused)}>
        Discard
      </button>
    </p>
  );
}

function TaskFacts({ row: { task, isLeaving }, onTag }: Pick<TaskRowProps, "row" | "onTag">) {
  const { due, priority, tags, description } = task;
  // A row that is about to leave does not grow.
  const completed_at = isLeaving ? null : task.completed_at;
  if (completed_at === null && due === null && priority === "none" && tags.length === 0 && description === null) return null;
  const late = due !== null && !task.completed && isOverdue(due, now.value);
  return (
    <div class="task-facts">
      {completed_at !== null && (
        <span class="fact">
          <Check />
          <span class="visually-hidden">Completed </span>
          {describeDue(dayOf(new Date(completed_at)), now.value)}
        </span>
      )}
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
