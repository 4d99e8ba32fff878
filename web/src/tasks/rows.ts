/** The rows of the current list. */
import { computed, signal } from "@preact/signals";
import type { Refused } from "daylist-client/sync";
import { frameOf } from "../route";
import { now } from "../ui/clock";
import type { Deletions } from "./deletions";
import type { Draft } from "./drafts";
import type { Form } from "./form";
import type { LocalTasks } from "./local-tasks";
import { Nesting } from "./nesting";
import { matching, OPEN, type TaskQuery } from "./query";
import type { Task } from "./task";
import { inOrder, orderOf } from "./views";

export interface Row {
  readonly task: Task;
  /** The task no longer belongs to the list and is about to disappear. */
  readonly isLeaving: boolean;
  /** It is deleted, and only its place is kept. */
  readonly isDeleted: boolean;
  readonly isSaving: boolean;
  /** Its next date is not known yet. */
  readonly isSkipped: boolean;
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

const NONE: readonly Task[] = [];
const NO_DRAFTS: ReadonlyMap<string, Draft> = new Map();

export class Rows {
  readonly query = signal<TaskQuery>(OPEN);
  readonly #leaving = signal<ReadonlySet<string>>(new Set());
  readonly nesting: Nesting;
  /** The task to mark as new. */
  readonly marked = signal<string | null>(null);
  #heldUntil = 0;
  readonly #tasks: LocalTasks;
  readonly #form: Form;
  readonly #deletions: Deletions;
  #before = new Map<string, Row>();

  constructor(userId: string, tasks: LocalTasks, form: Form, deletions: Deletions) {
    this.nesting = new Nesting(userId);
    this.#tasks = tasks;
    this.#form = form;
    this.#deletions = deletions;
  }

  /** What is shown although there is no such task any more: changes to tasks that were deleted elsewhere, drafts, the open form. */
  readonly #gone = computed<readonly Task[]>(() => {
    const { tasks, refused } = this.#tasks.snapshot.value;
    const gone = new Map<string, Task>();
    const add = (task: Task) => !tasks.has(task.id) && !gone.has(task.id) && gone.set(task.id, task);
    for (const [id, { item, wanted }] of refused) {
      if (wanted) add({ ...wanted, id, completed_at: null, created_at: item.at, updated_at: item.at, version: 0 });
    }
    for (const { seen } of this.#drafts.values()) add(seen);
    if (this.#form.seen.value) add(this.#form.seen.value);
    return gone.size > 0 ? [...gone.values()] : NONE;
  });
  readonly frame = frameOf(this.query);
  readonly #order = computed(() => orderOf(this.frame.value));
  readonly #candidates = computed(() => [...this.#tasks.snapshot.value.tasks.values(), ...this.#gone.value]);
  readonly #byDue = computed(() => inOrder(this.#candidates.value, "due"));
  /** Everything that can have a row. Another search does not sort it again. */
  readonly #sorted = computed(() => {
    const order = this.#order.value;
    if (order !== "due" && order !== "found") return inOrder(this.#candidates.value, order);
    const byDue = this.#byDue.value;
    if (order === "due") return byDue;
    return [...byDue.filter(({ completed }) => !completed), ...byDue.filter(({ completed }) => completed)];
  });

  /** What could be shown, whatever the list. Unchanged rows keep their identity, so they do not render again. */
  readonly #rows = computed<readonly Row[]>(() => {
    const { tasks, unsent, skipped, refused } = this.#tasks.snapshot.value;
    const before = this.#before;
    this.#before = new Map();
    return this.#sorted.value.map((task) => {
      const { id } = task;
      const found = refused.get(id);
      // Conflicts are shown in a dialog instead.
      const isAsked = found !== undefined && isConflict(found);
      const isSaving = unsent.has(id) || isAsked;
      const isDeleted = this.#deletions.hides(task, tasks);
      const isSkipped = skipped.has(id);
      const shown = isAsked ? null : (found ?? null);
      const row = { task, isLeaving: isDeleted, isDeleted, isSaving, isSkipped, refused: shown };
      const known = before.get(id);
      const kept = known && isSame(known, row) ? known : row;
      this.#before.set(id, kept);
      return kept;
    });
  });
  /** What belongs to the list, and what is about to leave it, in order. */
  readonly matching = computed<readonly Row[]>(() => {
    const leaving = this.#leaving.value;
    const edited = this.#form.seen.value;
    const drafts = this.#drafts;
    const isIn = matching(this.query.value, now.value);
    const rows: Row[] = [];
    for (const row of this.#rows.value) {
      const { task, isDeleted, refused } = row;
      const seen = edited?.id === task.id ? edited : drafts.get(task.id)?.seen;
      const belongs = refused !== null || isIn(task) || (seen !== undefined && isIn(seen));
      if (belongs && !isDeleted) rows.push(row);
      else if (leaving.has(task.id)) rows.push(this.#leavingRow(row));
    }
    const { length } = rows;
    if (length !== this.#shown.length || rows.some((row, index) => row !== this.#shown[index])) this.#shown = rows;
    return this.#shown;
  });
  /** The rows of the list, with subtasks below their parents. An open form shows those of its task itself, unless that is gone. */
  readonly all = computed<readonly Row[]>(() => {
    const rows = this.matching.value;
    const { value: opened } = this.#form.id;
    const hasOwn = this.#tasks.snapshot.value.tasks.has(opened ?? "");
    return this.frame.value.layout === "week" ? rows : this.nesting.nest(rows, hasOwn ? opened : null);
  });
  #shown: readonly Row[] = [];
  readonly #leavingRows = new WeakMap<Row, Row>();

  /** Switches to another list. */
  open(query: TaskQuery): void {
    this.query.value = query;
    if (this.#leaving.peek().size > 0) this.#leaving.value = new Set();
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

  /** Shows a subtask that is folded away, or that only the form of its parent shows. */
  reveal({ parent_id }: Task): void {
    if (!parent_id) return;
    this.nesting.expand(parent_id, true);
    if (this.#form.id.peek() === parent_id) this.#form.close();
  }

  has(id: string): boolean {
    return this.all.value.some(({ task }) => task.id === id);
  }

  #leavingRow(row: Row): Row {
    if (row.isLeaving) return row;
    const leaving = this.#leavingRows.get(row) ?? { ...row, isLeaving: true };
    this.#leavingRows.set(row, leaving);
    return leaving;
  }

  get #drafts(): ReadonlyMap<string, Draft> {
    return this.#form.drafts.ids.value.size > 0 ? this.#form.drafts.edits.peek() : NO_DRAFTS;
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
    a.isSkipped === b.isSkipped &&
    a.refused?.item === b.refused?.item
  );
}
