/** A list's filters, named as in the API, and its order. */
import type { Priority, Task } from "./task";

export const STATUSES = ["open", "completed", "all"] as const;
export type Status = (typeof STATUSES)[number];

export interface TaskQuery {
  readonly status: Status;
  readonly priority: Priority | null;
  readonly tag: string | null;
}

export function matches(query: TaskQuery, task: Task): boolean {
  if (query.status !== "all" && task.completed !== (query.status === "completed")) return false;
  if (query.priority !== null && task.priority !== query.priority) return false;
  return query.tag === null || task.tags.includes(query.tag);
}

/** The API's order: open tasks by due date with undated ones last, other lists newest first. */
export function order(query: TaskQuery, a: Task, b: Task): number {
  if (query.status !== "open") return compare(b.id, a.id);
  return compare(a.due ?? UNDATED, b.due ?? UNDATED) || compare(a.id, b.id);
}

const UNDATED = "~";

// Ids and due dates sort by code unit, not by locale.
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
