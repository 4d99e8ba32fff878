/** A task in the page's state: the last version from the API, and the changes that the API has not confirmed. */
import type { Task, TaskContent, TaskPatch } from "./task";

export type Change =
  | { readonly kind: "add"; readonly idempotencyKey: string }
  | { readonly kind: "edit"; readonly patch: TaskPatch }
  | { readonly kind: "complete"; readonly completed: boolean }
  | { readonly kind: "delete" };

export interface Entry {
  /** Stays the same, even while the task has no id yet. */
  readonly key: string;
  readonly saved: Task;
  /** Shown immediately, and sent one after the other, oldest first. */
  readonly changes: readonly Change[];
  /** Deleted, but the deletion can still be undone. */
  readonly hidden: boolean;
  /** Why it could not be added. It can be retried. */
  readonly problem: string | null;
}

let added = 0;

export function received(task: Task): Entry {
  return { key: task.id, saved: task, changes: [], hidden: false, problem: null };
}

export function begun(content: TaskContent): Entry {
  added += 1;
  const now = new Date();
  // Sorts by creation time, like the final id.
  const time = now.getTime().toString(16).padStart(12, "0");
  const id = `${time.slice(0, 8)}-${time.slice(8)}-8${String(added).padStart(6, "0")}`;
  const moment = now.toISOString();
  const saved: Task = {
    ...content,
    id,
    completed: false,
    completed_at: null,
    created_at: moment,
    updated_at: moment,
    version: 0,
  };
  const add: Change = { kind: "add", idempotencyKey: crypto.randomUUID() };
  return { key: id, saved, changes: [add], hidden: false, problem: null };
}

/** The task with all changes applied. */
export function wanted({ saved, changes }: Pick<Entry, "saved" | "changes">): Task {
  return changes.reduce(apply, saved);
}

export function isAdded(entry: Entry): boolean {
  return entry.changes[0]?.kind !== "add";
}

/** Whether this version of the task already contains the changes. */
export function alreadyIn(task: Task, changes: readonly Change[]): boolean {
  if (changes.some(({ kind }) => kind === "delete")) return false;
  const result = wanted({ saved: task, changes });
  return contentOf(result) === contentOf(task) && result.completed === task.completed;
}

function contentOf({ title, description, priority, due, tags }: Task): string {
  return JSON.stringify([title, description, priority, due, tags]);
}

function apply(task: Task, change: Change): Task {
  switch (change.kind) {
    case "edit":
      return { ...task, ...change.patch };
    case "complete":
      return { ...task, completed: change.completed };
    case "add":
    case "delete":
      return task;
  }
}
