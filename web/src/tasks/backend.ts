/** The API as the page needs it. Every method throws only `Failure`. */
import type { TaskQuery } from "./query";
import type { Task, TaskContent, TaskPatch } from "./task";

export interface TaskPage {
  readonly tasks: readonly Task[];
  readonly cursor: string | null;
}

/** A task as it was read. A write fails if the task has changed since. */
export type Seen = Pick<Task, "id" | "version">;

export interface TaskBackend {
  list(query: TaskQuery, cursor: string | null, signal: AbortSignal): Promise<TaskPage>;
  get(id: string): Promise<Task>;
  /** The same key never creates a second task. */
  create(content: TaskContent, key: string): Promise<Task>;
  update(seen: Seen, patch: TaskPatch): Promise<Task>;
  complete(seen: Seen, completed: boolean): Promise<Task>;
  /** `lastMoment`: the page is being closed, and the request must outlive it. */
  remove(seen: Seen, options?: { readonly lastMoment: boolean }): Promise<void>;
}
