/** Which tasks a list shows. */
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
