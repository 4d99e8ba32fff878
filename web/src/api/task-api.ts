/** The operations of the API, one method each. Every failure is a `Problem`, `Unreachable`, `SessionOver`, or an abort. */
import createClient, { type Client } from "openapi-fetch";
import { Problem } from "./errors";
import type { components, operations, paths } from "./schema";
import { Sender } from "./sender";
import { Tokens } from "./tokens";

export type Task = components["schemas"]["Task"];
export type NewTask = components["schemas"]["NewTask"];
export type TaskReplacement = components["schemas"]["TaskReplacement"];
export type TaskChanges = components["schemas"]["TaskChanges"];
export type Page = components["schemas"]["Page"];
export type Batch = components["schemas"]["Batch"];
export type ListQuery = NonNullable<operations["listTasks"]["parameters"]["query"]>;

export interface TaskApiOptions {
  /** Where the API is, with what it is mounted under, if anything. */
  readonly apiUrl: string;
  /** Where Better Auth is, without `/api/auth`. */
  readonly authUrl: string;
  /** Whose tasks: the id of a user, so that nobody else's are reached after a change of session; by default, `me`. */
  readonly userId?: string;
  /** Is told when the user has to sign in again. The call that met it fails with `SessionOver`. */
  readonly onSessionOver?: () => void;
  readonly fetch?: typeof fetch;
}

/** What every call takes besides its own. `keepalive` lets a request outlive its page. */
export type CallOptions = Pick<RequestInit, "signal" | "keepalive">;

/** A task in the version that is to be changed: if it has changed since, the call fails with `version_mismatch`. */
export type Known = Pick<Task, "id"> & Partial<Pick<Task, "version">>;

const TASKS = "/api/{user_id}/tasks";
const TASK = "/api/{user_id}/tasks/{task_id}";
const COMPLETE = "/api/{user_id}/tasks/{task_id}/complete";
const BATCH = "/api/{user_id}/tasks/batch";

export class TaskApi {
  readonly #tokens: Tokens;
  readonly #client: Client<paths>;
  readonly #userId: string;

  constructor({ apiUrl, authUrl, userId = "me", onSessionOver = () => {}, fetch: given }: TaskApiOptions) {
    // Looked up at each call, as a browser's `fetch` wants to be called, and so that it can be replaced.
    const send: typeof fetch = given ?? ((input, init) => fetch(input, init));
    this.#tokens = new Tokens({ authUrl, fetch: send, onSessionOver });
    this.#client = createClient<paths>({ baseUrl: apiUrl, fetch: new Sender(this.#tokens, send).send });
    this.#userId = userId;
  }

  /** Forgets the token. To be called when the user signs out. */
  forget(): void {
    this.#tokens.forget();
  }

  /** The same key never makes a second task: whoever may have to call this again keeps the key. */
  async createTask(task: NewTask, { key = crypto.randomUUID(), ...options }: CallOptions & { key?: string } = {}) {
    const header = { "Idempotency-Key": key };
    const params = { path: { user_id: this.#userId }, header };
    return data(await this.#client.POST(TASKS, { ...options, params, body: task }));
  }

  async listTasks(query: ListQuery = {}, options: CallOptions = {}) {
    const params = { path: { user_id: this.#userId }, query };
    return data(await this.#client.GET(TASKS, { ...options, params }));
  }

  async getTask(id: string, options: CallOptions = {}) {
    return data(await this.#client.GET(TASK, { ...options, params: { path: this.#path(id) } }));
  }

  async replaceTask(known: Known, task: TaskReplacement, options: CallOptions = {}) {
    return data(await this.#client.PUT(TASK, { ...options, params: this.#params(known), body: task }));
  }

  async updateTask(known: Known, changes: TaskChanges, options: CallOptions = {}) {
    return data(await this.#client.PATCH(TASK, { ...options, params: this.#params(known), body: changes }));
  }

  async completeTask(known: Known, completed: boolean, options: CallOptions = {}) {
    return data(await this.#client.PATCH(COMPLETE, { ...options, params: this.#params(known), body: { completed } }));
  }

  async deleteTask(known: Known, options: CallOptions = {}): Promise<void> {
    await data(await this.#client.DELETE(TASK, { ...options, params: this.#params(known) }));
  }

  /** Many writes. What became of each is in the result with its place; only what concerns them all fails. */
  async batchTasks(batch: Batch, options: CallOptions = {}) {
    const params = { path: { user_id: this.#userId } };
    const { results } = await data(await this.#client.POST(BATCH, { ...options, params, body: batch }));
    return results;
  }

  #path(id: string) {
    return { user_id: this.#userId, task_id: id };
  }

  #params({ id, version }: Known) {
    const header = version === undefined ? {} : { "If-Match": `"${version}"` };
    return { path: this.#path(id), header };
  }
}

interface Result<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

async function data<T>({ data, error, response }: Result<T>): Promise<T> {
  if (!response.ok) throw new Problem(response.status, error);
  return data as T;
}
