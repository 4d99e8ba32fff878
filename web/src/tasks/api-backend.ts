/** The API over HTTP. */
import type { User } from "../session/issuer";
import type { Settings } from "../settings";
import type { Seen, TaskBackend, TaskPage } from "./backend";
import { Failure } from "./failure";
import type { TaskQuery } from "./query";
import type { Task, TaskContent, TaskPatch } from "./task";

export class ApiBackend implements TaskBackend {
  readonly #tasks: string;
  readonly #tokens: string;

  constructor({ apiUrl, authUrl }: Settings, user: User) {
    // Not `me`: when another tab has signed in as somebody else, nothing of this page may reach their tasks.
    this.#tasks = `${apiUrl}/api/${encodeURIComponent(user.id)}/tasks`;
    this.#tokens = `${authUrl}/api/auth/token`;
  }

  async list(query: TaskQuery, cursor: string | null, signal: AbortSignal): Promise<TaskPage> {
    const search = new URLSearchParams({
      status: query.status,
      ...(query.priority && { priority: query.priority }),
      ...(query.tag && { tag: query.tag }),
      ...(cursor && { cursor }),
    });
    const page = await this.#call(`?${search}`, { signal });
    return { tasks: page.tasks, cursor: page.next_cursor };
  }

  get(id: string): Promise<Task> {
    return this.#call(`/${id}`);
  }

  create({ title, description, priority, due, tags }: TaskContent, key: string): Promise<Task> {
    return this.#send("POST", "", { title, description, priority, due, tags }, { "idempotency-key": key });
  }

  update({ id, version }: Seen, patch: TaskPatch): Promise<Task> {
    return this.#send("PATCH", `/${id}`, patch, { "if-match": `"${version}"` });
  }

  complete({ id, version }: Seen, completed: boolean): Promise<Task> {
    return this.#send("PATCH", `/${id}/complete`, { completed }, { "if-match": `"${version}"` });
  }

  async remove({ id, version }: Seen, { lastMoment } = { lastMoment: false }): Promise<void> {
    await this.#call(`/${id}`, {
      method: "DELETE",
      headers: { "if-match": `"${version}"` },
      keepalive: lastMoment,
    });
  }

  #send(method: string, path: string, body: object, headers: Record<string, string>): Promise<Task> {
    return this.#call(path, {
      method,
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: until the generated client is there
  async #call(path: string, init: RequestInit = {}): Promise<any> {
    const token = await fetch(this.#tokens, { credentials: "include" }).catch(() => {
      throw new Failure("issuer-unreachable");
    });
    if (token.status === 401) throw new Failure("session-ended");
    const headers = { ...init.headers, authorization: `Bearer ${(await token.json()).token}` };
    const response = await fetch(this.#tasks + path, { ...init, headers }).catch(() => {
      throw new Failure("unreachable");
    });
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => null);
    if (response.ok) return answer;
    throw new Failure(KINDS[response.status] ?? "unexpected", answer?.detail);
  }
}

const KINDS: Readonly<Record<number, Failure["kind"]>> = {
  400: "invalid",
  401: "session-ended",
  403: "other-user",
  404: "gone",
  412: "conflict",
  422: "invalid",
  429: "unavailable",
  503: "unavailable",
};
