/** The operations of the API, one method each. Every failure is a `Problem`, `Unreachable`, `SessionOver`, or an abort. */
import createClient, { type Client } from "openapi-fetch";
import type {
  BatchItem,
  BatchResult,
  ChangesPage,
  ChangesQuery,
  Destination,
  ExportPage,
  Health,
  ListQuery,
  NewTask,
  Page,
  paths,
  TagCount,
  TagsPage,
  Task,
  TaskChanges,
  TaskReplacement,
} from "./contract.js";
import { Problem } from "./errors.js";
import type { Fetch, Signal } from "./platform.js";
import { retryAfter, Sender } from "./sender.js";
import { cookieSession, type TokenSource, Tokens } from "./tokens.js";

/** Where tokens come from. */
export type TokenOptions =
  | {
      /** Where Better Auth is, without `/api/auth`: the session is the browser's cookie. */
      readonly authUrl: string;
      readonly getToken?: never;
    }
  | {
      /**
       * Gives a token of the user: an application that has its own way to one, or a server that acts for a user. It is asked
       * again shortly before a token expires, and should fail with `SessionOver` if the user has to sign in again.
       */
      readonly getToken: TokenSource;
      readonly authUrl?: never;
    };

export type TaskApiOptions = TokenOptions & {
  /** Where the API is, with what it is mounted under, if anything. */
  readonly apiUrl: string;
  /** Whose tasks: the id of a user, so that nobody else's are reached after a change of session; by default, `me`. */
  readonly userId?: string;
  /** Is told when the user has to sign in again. The call that met it fails with `SessionOver`. */
  readonly onSessionOver?: () => void;
  readonly fetch?: Fetch;
};

/** What every call takes besides its own. */
export interface CallOptions {
  readonly signal?: Signal | null;
  /** Lets the request outlive its page. */
  readonly keepalive?: boolean;
  /** False: one attempt, for callers that repeat on their own. */
  readonly retry?: boolean;
}

/** What every write takes: a repetition with the same key is done once. By default, each call has a key of its own. */
export interface WriteOptions extends CallOptions {
  readonly key?: string;
}

/** A task in the version that is to be changed: if it has changed since, the call fails with `version_mismatch`. */
export type Known = Pick<Task, "id"> & Partial<Pick<Task, "version">>;

const TASKS = "/api/{user_id}/tasks";
const TASK = "/api/{user_id}/tasks/{task_id}";
const COMPLETE = "/api/{user_id}/tasks/{task_id}/complete";
const MOVE = "/api/{user_id}/tasks/{task_id}/move";
const RESTORE = "/api/{user_id}/tasks/{task_id}/restore";
const TAGS = "/api/{user_id}/tags";
const SKIP = "/api/{user_id}/tasks/{task_id}/skip";
const CHANGES = "/api/{user_id}/tasks/changes";
const BATCH = "/api/{user_id}/tasks/batch";
const EXPORT = "/api/{user_id}/tasks/export";

export class TaskApi {
  readonly #tokens: Tokens;
  readonly #sender: Sender;
  readonly #client: Client<paths>;
  readonly #userId: string;

  constructor({ apiUrl, authUrl, getToken, userId = "me", onSessionOver = () => {}, fetch: given }: TaskApiOptions) {
    // Looked up at each call, as a browser's `fetch` wants to be called, and so that it can be replaced.
    const send: Fetch = given ?? ((input, init) => fetch(input, init));
    this.#tokens = new Tokens(getToken ?? cookieSession(authUrl, send), onSessionOver);
    this.#sender = new Sender(this.#tokens, send);
    this.#client = createClient<paths>({ baseUrl: apiUrl });
    this.#userId = userId;
  }

  /** Whose tasks these are; `me` if nobody is named. */
  get userId(): string {
    return this.#userId;
  }

  /** Forgets the token. To be called when the user signs out. */
  forget(): void {
    this.#tokens.forget();
  }

  /** With an `id` (see `newTaskId`) the task gets that one: `already_exists` if there is or was a task of that id. */
  async createTask(
    task: NewTask & Pick<TaskReplacement, "completed">,
    { id, key, ...options }: WriteOptions & { readonly id?: string } = {},
  ): Promise<Task> {
    if (id === undefined) {
      const params = { path: { user_id: this.#userId }, header: keyed(key) };
      return data(await this.#client.POST(TASKS, { ...this.#call(options), params, body: task }));
    }
    const params = { path: this.#path(id), header: { ...keyed(key), "If-None-Match": "*" as const } };
    return data(await this.#client.PUT(TASK, { ...this.#call(options), params, body: task }));
  }

  async listTasks(query: ListQuery = {}, options: CallOptions = {}): Promise<Page> {
    const params = { path: { user_id: this.#userId }, query };
    return data(await this.#client.GET(TASKS, { ...this.#call(options), params }));
  }

  /** All tasks of a list, page after page as they are asked for. */
  async *eachTask(query: ListQuery = {}, options: CallOptions = {}): AsyncGenerator<Task, void, undefined> {
    for (let cursor = query.cursor; ; ) {
      const page = await this.listTasks({ ...query, ...(cursor !== undefined && { cursor }) }, options);
      yield* page.tasks;
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  /** The tasks that have all words of `text`, page after page as they are asked for: `tag` and the like narrow it. */
  searchTasks(text: string, query: ListQuery = {}, options: CallOptions = {}): AsyncGenerator<Task, void, undefined> {
    return this.eachTask({ ...query, q: text }, options);
  }

  /** All tags, with how many open and completed tasks have each, whatever its case and accents. */
  async listTags(options: CallOptions = {}): Promise<TagCount[]> {
    const counts = new Map<string, TagCount>();
    for (let cursor: string | null = null, isLast = false; !isLast; isLast = cursor === null) {
      const params = { path: { user_id: this.#userId }, query: cursor === null ? {} : { cursor } };
      const page: TagsPage = await data(await this.#client.GET(TAGS, { ...this.#call(options), params }));
      for (const count of page.tags) {
        const { open = 0, completed = 0 } = counts.get(count.key) ?? {};
        counts.set(count.key, { ...count, open: count.open + open, completed: count.completed + completed });
      }
      cursor = page.next_cursor;
    }
    return [...counts.values()];
  }

  async getTask(id: string, options: CallOptions = {}): Promise<Task> {
    return data(await this.#client.GET(TASK, { ...this.#call(options), params: { path: this.#path(id) } }));
  }

  async replaceTask(known: Known, task: TaskReplacement, { key, ...options }: WriteOptions = {}): Promise<Task> {
    const params = this.#params(known, key);
    return data(await this.#client.PUT(TASK, { ...this.#call(options), params, body: task }));
  }

  async updateTask(known: Known, changes: TaskChanges, { key, ...options }: WriteOptions = {}): Promise<Task> {
    const params = this.#params(known, key);
    return data(await this.#client.PATCH(TASK, { ...this.#call(options), params, body: changes }));
  }

  async completeTask(known: Known, completed: boolean, { key, ...options }: WriteOptions = {}): Promise<Task> {
    const params = this.#params(known, key);
    return data(await this.#client.PATCH(COMPLETE, { ...this.#call(options), params, body: { completed } }));
  }

  /** Moves a task right before or after another one of its list; with null, to the end (`before`) or the beginning (`after`). */
  async moveTask(known: Known, to: Destination, { key, ...options }: WriteOptions = {}): Promise<Task> {
    const params = this.#params(known, key);
    return data(await this.#client.POST(MOVE, { ...this.#call(options), params, body: to }));
  }

  /** Moves a recurring task to the next date of its rule: `no_next_occurrence` if there is none. */
  async skipTask(known: Known, { key, ...options }: WriteOptions = {}): Promise<Task> {
    const params = this.#params(known, key);
    return data(await this.#client.POST(SKIP, { ...this.#call(options), params }));
  }

  async deleteTask(known: Known, { key, ...options }: WriteOptions = {}): Promise<void> {
    const params = this.#params(known, key);
    await data(await this.#client.DELETE(TASK, { ...this.#call(options), params }));
  }

  /** Brings a deleted task back as it was; `restore_expired` if it was deleted too long ago. */
  async restoreTask(known: Known, { key, ...options }: WriteOptions = {}): Promise<Task> {
    const params = this.#params(known, key);
    return data(await this.#client.POST(RESTORE, { ...this.#call(options), params }));
  }

  /** What has changed since a token was given; from the beginning without one, and only a token with `latest`. */
  async listChanges(query: ChangesQuery = {}, options: CallOptions = {}): Promise<ChangesPage> {
    const params = { path: { user_id: this.#userId }, query };
    return data(await this.#client.GET(CHANGES, { ...this.#call(options), params }));
  }

  /** Up to 100 writes in one request: an answer each, in their order. Items without a key get one. */
  async batchTasks(
    items: readonly BatchItem[],
    { atomic = false, ...options }: CallOptions & { readonly atomic?: boolean } = {},
  ): Promise<BatchResult[]> {
    const params = { path: { user_id: this.#userId } };
    const body = { atomic, items: items.map((item) => ({ idempotency_key: crypto.randomUUID(), ...item })) };
    return data(await this.#client.POST(BATCH, { ...this.#call(options), params, body })).then(
      ({ results }) => results,
    );
  }

  /** Everything that is stored of the user, page after page as they are asked for. */
  async *exportTasks(options: CallOptions = {}): AsyncGenerator<ExportPage, void, undefined> {
    for (let cursor: string | null = null, isLast = false; !isLast; isLast = cursor === null) {
      const params = { path: { user_id: this.#userId }, query: cursor === null ? {} : { cursor } };
      const page: ExportPage = await data(await this.#client.GET(EXPORT, { ...this.#call(options), params }));
      yield page;
      cursor = page.next_cursor;
    }
  }

  /**
   * Erases everything that is stored of the user, and cannot be undone. Where it fails, it can be called again. A device that syncs
   * learns of it with its next pull.
   */
  async eraseTasks(options: CallOptions = {}): Promise<void> {
    const params = { path: { user_id: this.#userId }, header: { "Confirm-Erase": this.#userId } };
    for (let hasMore = true; hasMore; ) {
      const answer = await data(await this.#client.DELETE(TASKS, { ...this.#call(options), params }));
      hasMore = answer.has_more;
    }
  }

  /** Whether the API answers. The one call without a token. */
  async getHealth({ signal }: Pick<CallOptions, "signal"> = {}): Promise<Health> {
    return data(await this.#client.GET("/health", { fetch: this.#sender.sendBare, ...(signal && { signal }) }));
  }

  #call({ retry = true, ...options }: CallOptions) {
    return { ...options, fetch: retry ? this.#sender.send : this.#sender.sendOnce };
  }

  #path(id: string) {
    return { user_id: this.#userId, task_id: id };
  }

  #params({ id, version }: Known, key: string | undefined) {
    const header = { ...keyed(key), ...(version !== undefined && { "If-Match": `"${version}"` }) };
    return { path: this.#path(id), header };
  }
}

function keyed(key: string = crypto.randomUUID()) {
  return { "Idempotency-Key": key };
}

interface Result<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

async function data<T>({ data, error, response }: Result<T>): Promise<T> {
  if (!response.ok) throw new Problem(response.status, error, retryAfter(response));
  return data as T;
}
