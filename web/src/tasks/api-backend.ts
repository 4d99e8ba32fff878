/** Calls the API through its typed client and classifies failures by what the user can do. */
import { Problem, SessionOver, TaskApi, Unreachable } from "task-client";
import type { User } from "../session/issuer";
import type { Settings } from "../settings";
import type { Seen, TaskBackend, TaskPage } from "./backend";
import { Failure, type FailureKind } from "./failure";
import type { TaskQuery } from "./query";
import type { Task, TaskContent, TaskPatch } from "./task";

export class ApiBackend implements TaskBackend {
  readonly #api: TaskApi;

  constructor(settings: Settings, user: User) {
    // Not `me`: if another tab has signed in as another user, this page must not reach their tasks.
    this.#api = new TaskApi({ ...settings, userId: user.id });
  }

  list({ status, priority, tag }: TaskQuery, cursor: string | null, signal: AbortSignal): Promise<TaskPage> {
    const query = { status, ...(priority && { priority }), ...(tag && { tag }), ...(cursor && { cursor }) };
    return told(async () => {
      const { tasks, next_cursor } = await this.#api.listTasks(query, { signal });
      return { tasks, cursor: next_cursor };
    });
  }

  get(id: string): Promise<Task> {
    return told(() => this.#api.getTask(id));
  }

  create({ title, description, priority, due, tags }: TaskContent, key: string): Promise<Task> {
    return told(() => this.#api.createTask({ title, description, priority, due, tags: [...tags] }, { key }));
  }

  update(seen: Seen, { tags, ...patch }: TaskPatch): Promise<Task> {
    return told(() => this.#api.updateTask(seen, { ...patch, ...(tags && { tags: [...tags] }) }));
  }

  complete(seen: Seen, completed: boolean): Promise<Task> {
    return told(() => this.#api.completeTask(seen, completed));
  }

  remove(seen: Seen, { lastMoment } = { lastMoment: false }): Promise<void> {
    return told(() => this.#api.deleteTask(seen, { keepalive: lastMoment }));
  }
}

async function told<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof SessionOver) throw new Failure("session-ended");
    if (error instanceof Unreachable) {
      throw new Failure(error.service === "issuer" ? "issuer-unreachable" : "unreachable");
    }
    if (error instanceof Problem) throw new Failure(KINDS[error.status] ?? "unexpected", sentence(error));
    throw Failure.of(error);
  }
}

// A 401 is not among them: the client has already tried a new token, and signing in again would not help.
const KINDS: Readonly<Record<number, FailureKind>> = {
  400: "invalid",
  403: "other-user",
  404: "gone",
  409: "unavailable",
  412: "conflict",
  413: "invalid",
  422: "invalid",
  429: "unavailable",
  503: "unavailable",
};

function sentence({ errors, message }: Problem): string {
  const [first] = errors;
  if (!first) return message;
  const name = "pointer" in first ? first.pointer.split("/")[1] : first.parameter;
  return `The ${name} ${first.detail}.`;
}
