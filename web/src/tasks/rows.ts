/** The rows of the current list. */
import { computed, signal } from "@preact/signals";
import type { Refused } from "daylist-client/sync";
import { now } from "../ui/clock";
import type { Deletions } from "./deletions";
import type { Draft } from "./drafts";
import type { Form } from "./form";
import type { LocalTasks } from "./local-tasks";
import { Nesting } from "./nesting";
import { matches, OPEN, type TaskQuery } from "./query";
import type { Task } from "./task";
import { inOrder } from "./views";

export interface Row {
  readonly task: Task;
  /** The task no longer belongs to the list and is about to disappear. */
  readonly isLeaving: boolean;
  /** It is deleted, and only its place is kept. */
  readonly isDeleted: boolean;
  readonly isSaving: boolean;
  /** A rejected change, or a change to a deleted task. */
  readonly refused: Refused | null;
  /** The row of its parent, which it is shown below. */
  readonly under?: string;
  /** Whether its subtasks are shown below it. Only if the list has some. */
  readonly isExpanded?: boolean;
}

/** How long a task stays visible after it no longer belongs to the list, in milliseconds. */
const LEAVES_AFTER = 900;
/** No row goes away under a pointer that has moved or pressed more recently than this, in milliseconds. */
const REST = 2000;
/** How long a new task is marked, in milliseconds. */
const MARKED_FOR = 2500;

export class Rows {
  readonly query = signal<TaskQuery>(OPEN);
  readonly #leaving = signal<ReadonlySet<string>>(new Set());
  readonly nesting = new Nesting();
  /** The task to mark as new. */
  readonly marked = signal<string | null>(null);
  #heldUntil = 0;
  readonly #tasks: LocalTasks;
  readonly #form: Form;
  readonly #deletions: Deletions;
  #before = new Map<string, Row>();

  constructor(tasks: LocalTasks, form: Form, deletions: Deletions) {
    this.#tasks = tasks;
    this.#form = form;
    this.#deletions = deletions;
  }

  readonly all = computed<readonly Row[]>(() => {
    const { tasks, refused } = this.#tasks.snapshot.value;
    const edited = this.#form.seen.value;
    const drafts = this.#form.drafts.ids.value.size > 0 ? this.#form.drafts.edits.peek() : new Map<string, Draft>();
    const rows = new Map<string, Row>();
    const add = (task: Task) => {
      const seen = edited?.id === task.id ? edited : (drafts.get(task.id)?.seen ?? null);
      const row = this.#row(task, seen, this.#deletions.hides(task, tasks));
      if (row) rows.set(task.id, row);
    };
    for (const task of tasks.values()) add(task);
    // Changes to tasks that were deleted elsewhere stay visible.
    for (const [id, refusal] of refused) {
      const { item, wanted } = refusal;
      if (tasks.has(id) || !wanted) continue;
      add({ ...wanted, id, completed_at: null, created_at: item.at, updated_at: item.at, version: 0 });
    }
    for (const { seen } of drafts.values()) if (!tasks.has(seen.id) && !rows.has(seen.id)) add(seen);
    if (edited && !rows.has(edited.id)) add(edited);
    this.#before = rows;
    const sorted = inOrder([...rows.values()], this.query.value);
    return this.query.value.layout === "week" ? sorted : this.nesting.nest(sorted);
  });

  /** Switches to another list. */
  open(query: TaskQuery): void {
    this.query.value = query;
    this.#leaving.value = new Set();
  }

  /** Keeps the task visible for a moment after a change, and as long as the pointer is at work in the list. */
  leaveSlowly(id: string): void {
    this.#leaving.value = new Set(this.#leaving.value).add(id);
    const leave = () => {
      const wait = this.#heldUntil - Date.now();
      if (wait > 0) {
        setTimeout(leave, wait);
        return;
      }
      const rest = new Set(this.#leaving.value);
      rest.delete(id);
      this.#leaving.value = rest;
    };
    setTimeout(leave, LEAVES_AFTER);
  }

  /** Keeps the place of a deleted task while the pointer is at work in the list. */
  leaveGap(id: string): void {
    if (this.#heldUntil > Date.now()) this.leaveSlowly(id);
  }

  /** The pointer is at work in the list. */
  hold(): void {
    this.#heldUntil = Date.now() + REST;
  }

  mark(id: string): void {
    this.marked.value = id;
    setTimeout(() => {
      if (this.marked.value === id) this.marked.value = null;
    }, MARKED_FOR);
  }

  has(id: string): boolean {
    return this.all.value.some(({ task }) => task.id === id);
  }

  /** The row of a task, or null if it is not in the list. Unchanged rows keep their identity, so they do not render again. */
  #row(task: Task, edited: Task | null, isHidden: boolean): Row | null {
    const { unsent, refused: all } = this.#tasks.snapshot.value;
    const found = all.get(task.id);
    // Conflicts are shown in a dialog instead.
    const isAsked = found !== undefined && isConflict(found);
    const refused = found && !isAsked ? found : null;
    const query = this.query.value;
    const belongs =
      refused !== null || matches(query, task, now.value) || (edited !== null && matches(query, edited, now.value));
    const isLeaving = isHidden || !belongs;
    if (isLeaving && !this.#leaving.value.has(task.id)) return null;
    const isSaving = unsent.has(task.id) || isAsked;
    const row = { task, isLeaving, isDeleted: isHidden, isSaving, refused };
    const before = this.#before.get(task.id);
    return before && isSame(before, row) ? before : row;
  }
}

/** Whether the user must choose between two versions. */
export function isConflict({ item, current }: Refused): boolean {
  return item.refusal.kind === "conflict" && current !== undefined;
}

function isSame(a: Row, b: Row): boolean {
  const isSameTask = a.task === b.task || (a.task.version === 0 && JSON.stringify(a.task) === JSON.stringify(b.task));
  return (
    isSameTask &&
    a.isLeaving === b.isLeaving &&
    a.isDeleted === b.isDeleted &&
    a.isSaving === b.isSaving &&
    a.refused?.item === b.refused?.item
  );
}
