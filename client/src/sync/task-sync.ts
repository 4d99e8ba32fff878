/** The tasks of one user on this device: all of them here, changed here at once, and kept in step with the API. */
import type { ListQuery, Task } from "../contract.js";
import { newTaskId } from "../ids.js";
import type { TaskApi } from "../task-api.js";
import {
  type ContentChanges,
  contentOf,
  FIELDS,
  fieldsOf,
  missingIn,
  normalized,
  pick,
  type TaskContent,
  type TaskDraft,
} from "./content.js";
import { type Change, type OutboxItem, shown } from "./item.js";
import { added, type Decision, decided } from "./outbox.js";
import { type Changed, State } from "./state.js";
import { NEW_STATUS, type Status } from "./status.js";
import type { SyncStore } from "./store.js";
import { type Ask, alone, type Message, openTabs, type Tabs } from "./tabs.js";
import { browserTriggers, type Triggers } from "./triggers.js";
import { Worker, type WorkerOptions } from "./worker.js";

/** A change that was not made, for the application to decide on. */
export interface Refused {
  readonly item: OutboxItem & { readonly refusal: NonNullable<OutboxItem["refusal"]> };
  /** The task as the API has it; undefined if it has none. */
  readonly current: Task | undefined;
  /** The task as the user sees it, with the change; undefined if it is deleted, by the user or by others. */
  readonly mine: Task | undefined;
  /** The content that the user wants, even if the task is gone; null for a deletion. */
  readonly wanted: (TaskContent & Pick<Task, "parent_id">) | null;
}

export interface TaskSyncOptions {
  /** Whose `userId` is the user's id, not `me`. */
  readonly api: TaskApi;
  /** What is kept of this user. */
  readonly store: SyncStore;
  /**
   * Is asked what becomes of a change that was not made; until there is a decision, the change stays among the `refused`. It is
   * called in the tab that sends, and again after a reload.
   */
  readonly onRefused?: (refused: Refused) => Decision | undefined | Promise<Decision | undefined>;
  /**
   * A page of `listTasks` that a new device reads before everything else, such as the next tasks that are due: it shows them while
   * the first pull, which brings the tasks in the order of their changes, is still on its way. Costs one request.
   */
  readonly first?: ListQuery;
  /** When to pull; null for never by itself. */
  readonly triggers?: Triggers | null;
  /** How long to wait after the given number of failures in a row, in milliseconds. */
  readonly pause?: WorkerOptions["pause"];
}

export class TaskSync {
  readonly #store: SyncStore;
  readonly #state: State;
  readonly #worker: Worker;
  readonly #tabs: Tabs;
  readonly #onRefused: TaskSyncOptions["onRefused"];
  readonly #triggers: Triggers | null;
  readonly #listeners = new Set<(changed: Changed) => void>();
  readonly #statusListeners = new Set<(status: Status) => void>();
  /** What other tabs were asked for. */
  readonly #asked = new Map<string, () => void>();
  readonly #stopped = new AbortController();
  /** Whether this tab sends and pulls. */
  #isSender = false;
  #isLoaded = false;
  #status = NEW_STATUS;
  #started: Promise<void> | null = null;
  #ended: Promise<void> = Promise.resolve();

  constructor({ api, store, onRefused, first, triggers = browserTriggers, pause }: TaskSyncOptions) {
    this.#store = store;
    this.#onRefused = onRefused;
    this.#triggers = triggers;
    this.#tabs = openTabs(store.shared, (message) => this.#hear(message));
    const tell = (change: Parameters<State["take"]>[0]) => this.#tabs.post({ kind: "change", change });
    this.#state = new State(store, tell, (changed) => {
      for (const listener of this.#listeners) listener(changed);
    });
    this.#worker = new Worker({
      api,
      state: this.#state,
      onStatus: (status) => {
        this.#tabs.post({ kind: "status", status });
        this.#takeStatus(status);
      },
      onRefused: (items) => this.#askApp(items),
      ...(first && { first }),
      ...(pause && { pause }),
    });
  }

  /** Loads what is kept, and begins to sync. When it is done, `tasks` has what was here at the last visit. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** All tasks as the user sees them, by id, with the changes that the API does not know yet. */
  get tasks(): ReadonlyMap<string, Task> {
    return this.#state.view;
  }

  /** Whether all tasks have been pulled once: before that, `tasks` may lack some. */
  get isComplete(): boolean {
    return this.#state.meta.isComplete;
  }

  /** The changes that the API does not have yet, those that were refused among them. */
  get pending(): readonly OutboxItem[] {
    return [...this.#state.items.values()].flat().filter(({ applied }) => applied === null);
  }

  /** The changes that wait for a decision. */
  get refused(): readonly Refused[] {
    return this.pending.flatMap((item) => this.#refused(item));
  }

  get status(): Status {
    return this.#status;
  }

  /** Tells of tasks that look different now. Gives what ends it. */
  subscribe(listener: (changed: Changed) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells how it goes. Gives what ends it. */
  onStatus(listener: (status: Status) => void): () => void {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  }

  /** Creates a task. Like every change, it is kept when the promise is fulfilled, and sent by itself. */
  async create(draft: TaskDraft, id: string = newTaskId()): Promise<Task> {
    await this.change([{ op: "create", id, task: draft }]);
    return known(id, this.tasks.get(id));
  }

  /** Changes the fields that are given. */
  async update(id: string, changes: ContentChanges): Promise<Task> {
    await this.change([{ op: "update", id, changes }]);
    return known(id, this.tasks.get(id));
  }

  /** Skips an occurrence of a recurring task. Its next date comes with the answer of the API. */
  async skip(id: string): Promise<void> {
    await this.change([{ op: "skip", id }]);
  }

  async delete(id: string): Promise<void> {
    await this.change([{ op: "delete", id }]);
  }

  /** Brings back a deleted task, given as it was last seen. If that was too long ago, it is among the `refused` as `gone`. */
  async restore(task: Task): Promise<Task> {
    await this.change([{ op: "restore", id: task.id, task }]);
    return known(task.id, this.tasks.get(task.id));
  }

  /** Several changes, kept all or none. Fails if a task is to be changed that is not among `tasks`. */
  async change(changes: readonly LocalChange[]): Promise<void> {
    // What is here when it is called is what the user has seen.
    if (!this.#isLoaded) await this.start();
    const at = new Date().toISOString();
    const drafts = new Map<string, Task | undefined>();
    const made = changes.flatMap((change) => {
      const { id } = change;
      const task = drafts.has(id) ? drafts.get(id) : this.tasks.get(id);
      const item = asChange(change, task);
      if (!item) return [];
      drafts.set(id, shown({ ...item, at }, task));
      return [item];
    });
    if (made.length === 0) return;
    await this.#state.change((current) => added(made, current));
    this.#ask("send");
  }

  /** Decides on a refused change, as it was when it was looked at: what has been changed since is a conflict again. */
  async decide({ item, current: seen }: Pick<Refused, "item" | "current">, decision: Decision): Promise<void> {
    await this.#state.change((current) => decided(item.seq, decision, current, seen));
    this.#ask("send");
  }

  /** Pulls at once. Call it when a push message, or anything else, says that something may have changed. */
  hint(): void {
    this.#ask("pull");
  }

  /** The user has signed in again. */
  resume(): void {
    this.#ask("resume");
  }

  /** Waits until every change that was made before, here or in another tab, is in `tasks` and `pending`. */
  async catchUp(): Promise<void> {
    await this.start();
    await this.#state.catchUp();
  }

  /** Sends and pulls now. Ends when that has been done or has failed, which `status` tells apart. */
  async refresh(): Promise<void> {
    await this.start();
    if (this.#isSender) return this.#worker.whole();
    return new Promise((resolve) => {
      this.#asked.set(this.#ask("whole"), resolve);
    });
  }

  /** Ends everything that runs here. What has not been sent stays in the store. */
  async stop(): Promise<void> {
    await this.#end();
    this.#store.close();
  }

  /** Stops, and deletes what is kept of the user, changes that were not sent included. */
  async forget(): Promise<void> {
    await this.#end();
    await this.#state.clear();
  }

  async #end(): Promise<void> {
    this.#stopped.abort();
    await this.#started;
    await this.#ended;
    this.#tabs.close();
    for (const done of this.#asked.values()) done();
  }

  async #start(): Promise<void> {
    await this.#state.load();
    this.#isLoaded = true;
    const { signal } = this.#stopped;
    this.#ended = alone(this.#store.shared, this.#state, signal, async (signal) => {
      // The tab that sent before may have written until a moment ago.
      await this.#state.catchUp();
      this.#isSender = true;
      for (const [id, done] of this.#asked) {
        this.#asked.delete(id);
        void this.#worker.whole().then(done);
      }
      this.#askApp(this.refused.map(({ item }) => item));
      await this.#worker.run(signal).finally(() => {
        this.#isSender = false;
      });
    });
    const end = this.#triggers?.((age) => {
      if (Date.now() - (this.#status.pulledAt ?? 0) >= age) this.hint();
    });
    signal.addEventListener("abort", () => end?.());
  }

  /** Lets the tab that sends do something, whichever that is. */
  #ask(what: Ask): string {
    const id = crypto.randomUUID();
    if (this.#isSender) void this.#worker[what]();
    else this.#tabs.post({ kind: "ask", what, id });
    return id;
  }

  #hear(message: Message): void {
    if (message.kind === "change") void this.#state.take(message.change);
    if (message.kind === "status") this.#takeStatus(message.status);
    if (message.kind === "ask" && this.#isSender) {
      const done = () => this.#tabs.post({ kind: "done", id: message.id });
      void Promise.resolve(this.#worker[message.what]()).then(done);
    }
    if (message.kind === "done") {
      this.#asked.get(message.id)?.();
      this.#asked.delete(message.id);
    }
  }

  #takeStatus(status: Status): void {
    this.#status = status;
    for (const listener of this.#statusListeners) listener(status);
  }

  #askApp(items: readonly OutboxItem[]): void {
    for (const refused of this.#onRefused ? items.flatMap((item) => this.#refused(item)) : []) {
      // In a turn of its own: an error of the application is none of the worker's.
      void Promise.resolve(refused)
        .then(this.#onRefused)
        .then((decision) => decision && this.decide(refused, decision));
    }
  }

  #refused(item: OutboxItem): Refused[] {
    const { id, op, base, changes, refusal } = item;
    if (!refusal) return [];
    const current = this.#state.tasks.get(id)?.task;
    const wanted = op === "delete" ? null : contentOf({ title: "", ...base, ...current, ...changes });
    return [{ item: { ...item, refusal }, current, mine: this.tasks.get(id), wanted }];
  }
}

/**
 * A change that the user makes. `seen` is the task as the user saw it when they began, such as when a form was opened; without it,
 * as it is here now. What has been changed since, elsewhere or here, is not overwritten unasked.
 */
export type LocalChange =
  | { readonly op: "create"; readonly id: string; readonly task: TaskDraft }
  | { readonly op: "update"; readonly id: string; readonly changes: ContentChanges; readonly seen?: TaskContent }
  | { readonly op: "skip"; readonly id: string; readonly seen?: TaskContent }
  | { readonly op: "delete"; readonly id: string; readonly seen?: TaskContent }
  | { readonly op: "restore"; readonly id: string; readonly task: Task };

/** The change for the outbox, null if it changes nothing. */
function asChange(change: LocalChange, task: Task | undefined): Change | null {
  const { id, op } = change;
  if (op === "create") {
    if (task) throw new Error(`There is a task ${id} already.`);
    return { id, op, changes: contentOf(change.task), base: {} };
  }
  if (op === "restore") {
    if (task) return null;
    // One without a version was created here, and the API need not have it.
    const isKnown = change.task.version > 0;
    return { id, op: isKnown ? op : "create", changes: contentOf(change.task), base: pick(change.task, FIELDS) };
  }
  const here = known(id, task);
  const changes = op === "update" ? missingIn(here, normalized(change.changes)) : {};
  const fields = { update: fieldsOf(changes), skip: ["due", "completed"] as const, delete: FIELDS }[op];
  if (fields.length === 0) return null;
  return { id, op, changes, base: pick({ ...here, ...change.seen }, fields), isOld: change.seen !== undefined };
}

function known(id: string, task: Task | undefined): Task {
  if (!task) throw new Error(`There is no task ${id}.`);
  return task;
}
