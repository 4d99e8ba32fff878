/** What the page needs of the API. Every method throws a `Failure` and nothing else. */
import type { TaskQuery } from "./query";
import type { Task, TaskContent, TaskPatch } from "./task";

export interface TaskPage {
  readonly tasks: readonly Task[];
  readonly cursor: string | null;
}

/** A task as it was read: a write is refused if it has changed since. */
export type Seen = Pick<Task, "id" | "version">;

export interface TaskBackend {
  list(query: TaskQuery, cursor: string | null, signal: AbortSignal): Promise<TaskPage>;
  get(id: string): Promise<Task>;
  /** The same key never makes a second task. */
  create(content: TaskContent, key: string): Promise<Task>;
  update(seen: Seen, patch: TaskPatch): Promise<Task>;
  complete(seen: Seen, completed: boolean): Promise<Task>;
  /** `lastMoment`: the page is going away, and the request must outlive it. */
  remove(seen: Seen, options?: { readonly lastMoment: boolean }): Promise<void>;
}
