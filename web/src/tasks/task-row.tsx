import type { Refused } from "daylist-client/sync";
import { t } from "../text";
import { now } from "../ui/clock";
import { Branch, Calendar, Check, ChevronRight, More, Note, PriorityBars, Repeat } from "../ui/icons";
import { type Drop, drag, droppable } from "./dragging";
import { isOverdue, toLocal } from "./due";
import { describeRecurrence } from "./recurrence";
import type { Refusals } from "./refusals";
import { useKeptFocus } from "./row-focus";
import type { Row } from "./rows";
import { swipe } from "./swipe";
import { shortTitle } from "./task";
import { TaskEditor } from "./task-editor";
import { completedIn, dueIn, priorityIn, tagsIn } from "./views";
import type { Workbench } from "./workbench";

interface TaskRowProps {
  readonly row: Row;
  readonly bench: Workbench;
  readonly onTag: (tag: string) => void;
  /** Of the row among the elements of the list that are measured. */
  readonly index?: number;
  /** The key of its section, or its day: the row does not repeat what that heading says. */
  readonly section?: string;
  /** In its section, from 1. */
  readonly position?: number;
  /** Of its section: most of its rows may not be in the document. */
  readonly size?: number;
  readonly measure?: (element: HTMLElement | null) => void;
  /** A task is dragged to the place before or after this one. Without it, the row cannot be dragged in the list. */
  readonly onDrop?: Drop | undefined;
  /** In a column of a week: it can be dragged. */
  readonly isInWeek?: boolean;
}

/** So many tags are shown in a row. The form shows all of them. */
const TAGS_SHOWN = 2;

export function TaskRow({ row, bench, onTag, measure, onDrop, isInWeek = false, ...props }: TaskRowProps) {
  const { index, position, size, section = "" } = props;
  const { task, isLeaving, isDeleted, isSaving, refused } = row;
  const { actions, form, selection } = bench;
  const opened = form.id.value === task.id ? form.opened.value : null;
  useKeptFocus(bench.focus);
  const place = {
    "data-row": task.id,
    "data-index": index,
    "aria-posinset": position,
    "aria-setsize": size,
    "aria-level": row.under === undefined ? undefined : 2,
    ...(measure && { ref: measure }),
  };
  if (opened) {
    return (
      <li class={`task task-editing ${row.under ? "task-nested" : ""}`} {...place}>
        <TaskEditor bench={bench} opened={opened} />
      </li>
    );
  }
  const words = t();
  const isLost = refused !== null && bench.refusals.isLost(refused);
  const isSelected = selection.has(task.id);
  const isMarked = bench.rows.marked.value === task.id;
  const state = `${task.completed ? "task-done" : ""} ${isLeaving ? "task-leaving" : ""} ${refused ? "task-unsaved" : ""}`;
  const remove = () => (isLost ? bench.refusals.discard(refused) : actions.remove(task));
  const openMenu = (near: DOMRect) => {
    bench.menu.value = { id: task.id, near };
  };
  const open = (event: MouseEvent) => {
    if (isLost) return;
    if (event.shiftKey && selection.isActive.value) selection.extend(task.id);
    else if (event.ctrlKey || event.metaKey || event.shiftKey) selection.toggle(task.id);
    else form.open(task);
  };
  return (
    <li
      class={`task ${state} ${isSelected ? "task-selected" : ""} ${isMarked ? "task-new" : ""} ${row.under ? "task-nested" : ""}`}
      {...place}
      aria-busy={isSaving}
      inert={isDeleted}
      draggable={isInWeek || onDrop !== undefined}
      {...(onDrop && droppable(task.id, onDrop))}
      onDragStart={(event) => drag(event, task.id)}
      onContextMenu={(event) => {
        if (isLost || event.shiftKey) return;
        event.preventDefault();
        openMenu(new DOMRect(event.clientX, event.clientY, 0, 0));
      }}
      data-complete={words.complete}
      data-delete={words.delete}
      onPointerDown={(event) => swipe(event, { right: () => actions.complete(task, !task.completed), left: remove })}
    >
      {selection.isActive.value && (
        <input
          type="checkbox"
          class="select"
          data-control="select"
          aria-label={words.selectTask(task.title)}
          checked={isSelected}
          onClick={(event) => {
            if (event.shiftKey) selection.extend(task.id);
            else selection.toggle(task.id);
          }}
        />
      )}
      <span class="check-area">
        <input
          type="checkbox"
          class="check"
          data-control="check"
          aria-label={words.completeTask(task.title)}
          checked={task.completed}
          disabled={isLost}
          onChange={(event) => actions.complete(task, event.currentTarget.checked)}
        />
      </span>
      <button
        type="button"
        class="task-title"
        dir="auto"
        data-control="title"
        aria-disabled={isLost}
        aria-label={words.editTask(task.title)}
        onClick={open}
      >
        {task.title}
      </button>
      {bench.drafts.ids.value.has(task.id) && <span class="task-draft">{words.draft}</span>}
      {refused === null ? (
        <TaskFacts row={row} bench={bench} onTag={onTag} section={section} />
      ) : (
        <NotSaved refused={refused} refusals={bench.refusals} />
      )}
      {!isLost && (
        <button
          type="button"
          class="icon-button task-menu"
          data-control="menu"
          aria-haspopup="dialog"
          aria-label={words.actionsFor(task.title)}
          onClick={(event) => openMenu(event.currentTarget.getBoundingClientRect())}
        >
          <More />
        </button>
      )}
    </li>
  );
}

interface NotSavedProps {
  readonly refused: Refused;
  readonly refusals: Refusals;
}

function NotSaved({ refused, refusals }: NotSavedProps) {
  const words = t();
  return (
    <p class="task-problem">
      {words.notSaved} {refusals.reasonOf(refused)}{" "}
      {refusals.isLost(refused) ? (
        <button type="button" class="text-button" onClick={() => refusals.addAgain(refused)}>
          {words.addAgain}
        </button>
      ) : (
        <button type="button" class="text-button" onClick={() => refusals.retry(refused)}>
          {words.tryAgain}
        </button>
      )}{" "}
      <button type="button" class="text-button" onClick={() => refusals.discard(refused)}>
        {words.discard}
      </button>
    </p>
  );
}

type TaskFactsProps = Pick<TaskRowProps, "row" | "bench" | "onTag"> & { readonly section: string };

function TaskFacts({ row: { task, isLeaving, isSkipped, isExpanded, under }, bench, onTag, section }: TaskFactsProps) {
  const { due, description } = task;
  const tags = tagsIn(bench.rows.frame.value, task.tags);
  const priority = priorityIn(section, task.priority);
  const when = dueIn(section, due, now.value);
  // A row that is about to leave does not grow.
  const completed_at = isLeaving ? null : task.completed_at;
  const completed = completedIn(section, completed_at, now.value);
  const parent = task.parent_id ? bench.tasks.snapshot.value.tasks.get(task.parent_id) : undefined;
  const subtasks = bench.subtasks.value.get(task.id) ?? [];
  const isPlain =
    (when === "" || completed_at !== null) &&
    priority === "none" &&
    tags.length === 0 &&
    description === null &&
    !task.recurrence;
  if (isPlain && completed === "" && !parent && subtasks.length === 0) return null;
  const words = t();
  const often = task.recurrence ? describeRecurrence(task.recurrence) : "";
  const done = subtasks.filter(({ completed }) => completed).length;
  const late = due !== null && !task.completed && isOverdue(due, now.value);
  const isToday = due !== null && !late && toLocal(due).day === toLocal(now.value.toISOString()).day;
  return (
    <div class="task-facts">
      {parent && (
        <span class={under ? "visually-hidden" : "fact fact-parent"} dir="auto">
          <span class="visually-hidden">{words.partOf} </span>
          {shortTitle(parent)}
        </span>
      )}
      {isExpanded !== undefined ? (
        <button
          type="button"
          class="fact fact-fold"
          data-control="fold"
          aria-expanded={isExpanded}
          onClick={() => bench.rows.nesting.expand(task.id, !isExpanded)}
        >
          <ChevronRight />
          <Progress done={done} all={subtasks.length} />
        </button>
      ) : (
        subtasks.length > 0 && (
          <span class="fact">
            <Branch />
            <Progress done={done} all={subtasks.length} />
          </span>
        )
      )}
      {tags.length > 0 && (
        <span class="tags">
          {tags.slice(0, TAGS_SHOWN).map((tag) => (
            <button key={tag} type="button" class="tag" dir="auto" onClick={() => onTag(tag)}>
              <span class="visually-hidden">{words.showOnly} </span>#{tag}
            </button>
          ))}
          {tags.length > TAGS_SHOWN && <span class="tag-rest">+{tags.length - TAGS_SHOWN}</span>}
        </span>
      )}
      {task.recurrence && (
        <span class="fact" title={often}>
          <Repeat />
          <span class="visually-hidden">{often}</span>
        </span>
      )}
      {description !== null && (
        <span class="fact">
          <Note />
          <span class="visually-hidden">{words.notes}</span>
        </span>
      )}
      {priority !== "none" && (
        <span class={`fact fact-priority priority-${priority}`}>
          <PriorityBars priority={priority} />
          <span class="visually-hidden">{words.priorityOf[priority]}</span>
        </span>
      )}
      {isSkipped ? (
        <span class="fact fact-due">{words.skipping}</span>
      ) : completed_at !== null ? (
        completed !== "" && (
          <span class="fact fact-due">
            <Check />
            <span class="visually-hidden">{words.completedOn} </span>
            {completed}
          </span>
        )
      ) : (
        when !== "" && (
          <span class={`fact fact-due ${late ? "fact-late" : isToday ? "fact-today" : ""}`}>
            <Calendar />
            <span class="visually-hidden">{late ? words.overdueSince : words.due} </span>
            {when}
          </span>
        )
      )}
    </div>
  );
}

function Progress({ done, all }: { readonly done: number; readonly all: number }) {
  return (
    <>
      <span aria-hidden="true">
        {done}/{all}
      </span>
      <span class="visually-hidden">{t().subtasksDone(done, all)}</span>
    </>
  );
}
