/** The tasks as a collection of RxDB, which keeps them itself: handlers for its replication, and what resolves conflicts. */
import type { RxCollection, RxConflictHandler, RxJsonSchema, RxReplicationWriteToMasterRow, WithDeleted } from "rxdb";
import { type RxReplicationState, replicateRxCollection } from "rxdb/plugins/replication";
import { type ItemProblem, isFinal, namedItems, problemOf, roomFor } from "./batch.js";
import type { BatchItem, BatchResult, Task } from "./contract.js";
import { isErased, isSignedOut, isTokenOver, Problem } from "./errors.js";
import { newTaskId } from "./ids.js";
import {
  type ContentChanges,
  conflicts,
  contentOf,
  FIELDS,
  type Field,
  fieldsOf,
  missingIn,
  pick,
  type TaskDraft,
} from "./sync/content.js";
import { browserTriggers, type Triggers } from "./sync/triggers.js";
import type { TaskApi } from "./task-api.js";

/** Where the next pull begins. */
export interface Checkpoint {
  readonly since: string;
}

type Doc = WithDeleted<Task>;
type Row = RxReplicationWriteToMasterRow<Task>;

interface Write {
  readonly row: Row;
  readonly item: BatchItem;
}

interface Pages {
  readonly documents: Doc[];
  readonly checkpoint: Checkpoint;
  readonly requests: number;
}

/** A task that both sides changed in the same fields. */
export interface RxTaskConflict {
  readonly fields: readonly Field[];
  /** The task here: with `_deleted` if it is to be deleted. */
  readonly mine: Doc;
  /** The task as the API has it. */
  readonly theirs: Doc;
}

/** A change that the API does not take, or whose task is gone. RxDB then shows the task as the API has it. */
export interface RxTaskRefusal {
  /** What was typed. */
  readonly mine: Doc;
  /** What the API said; null if the task is gone. */
  readonly problem: ItemProblem | null;
}

export interface RxTasksOptions {
  /** Whose `userId` is the user's id, not `me`. */
  readonly api: TaskApi;
  /** Chooses where the same field differs. Different fields are merged without asking. */
  readonly onConflict: (conflict: RxTaskConflict) => "mine" | "theirs" | Promise<"mine" | "theirs">;
  readonly onRefused: (refusal: RxTaskRefusal) => void;
}

/** What a replication takes besides. */
export interface ReplicateOptions {
  /** When to pull; null for never by itself. */
  readonly triggers?: Triggers | null;
  /** How long RxDB waits after a failure, in milliseconds. */
  readonly retryTime?: number;
  /** How long after a push its result is pulled, in milliseconds. */
  readonly settle?: number;
  readonly waitForLeadership?: boolean;
}

/** What `addCollections` and the replication of one collection need, made for one user. */
export class RxTasks {
  /** For `addCollections`, with `conflictHandler`. */
  readonly schema: RxJsonSchema<Task> = taskSchema;
  readonly conflictHandler: RxConflictHandler<Task>;
  readonly #options: RxTasksOptions;
  /** The states that the API does not take: they are to be given up. */
  readonly #refused = new Map<string, string>();
  /** New tasks that were sent, with an answer or without one, and have not been pulled. */
  readonly #sent = new Set<string>();
  /** Those of them that may have been erased: they are not sent again. */
  readonly #erased = new Set<string>();
  /** The token of the last pull. */
  #since: string | undefined;

  constructor(options: RxTasksOptions) {
    this.#options = options;
    this.conflictHandler = {
      isEqual: (a, b) => stateOf(a) === stateOf(b),
      resolve: (conflict) => this.#resolve(conflict),
    };
  }

  /**
   * Begins to replicate. The collection is the only one with the user's tasks. Without a session the replication pauses: call
   * its `start` when the user has signed in again.
   */
  replicate(collection: RxCollection<Task>, options: ReplicateOptions = {}): RxReplicationState<Task, Checkpoint> {
    const { triggers = browserTriggers, retryTime = 5_000, settle = 1_000, waitForLeadership = true } = options;
    const known = async () => {
      const documents = await collection.find().exec();
      return documents.map((document) => document.toMutableJSON());
    };
    const state = replicateRxCollection<Task, Checkpoint>({
      replicationIdentifier: `tasks of ${this.#options.api.userId}`,
      collection,
      live: true,
      retryTime,
      waitForLeadership,
      pull: { batchSize: 500, handler: (checkpoint, size) => this.pull(checkpoint, size, known).catch(failed) },
      push: { batchSize: 10_000, handler: (rows) => this.push(rows).catch(failed) },
    });
    const failed = (error: unknown): never => {
      if (isSignedOut(error)) void state.pause();
      throw error;
    };
    let pulled = 0;
    const pull = () => {
      pulled = Date.now();
      state.reSync();
    };
    // RxDB takes what it has pushed for what the API has, without what the API sets: version and times.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const sent = state.sent$.subscribe(() => {
      clearTimeout(timer);
      timer = setTimeout(pull, settle);
    });
    const end = triggers?.((age) => Date.now() - pulled >= age && pull());
    state.canceled$.subscribe((isCanceled) => {
      if (!isCanceled) return;
      clearTimeout(timer);
      sent.unsubscribe();
      end?.();
    });
    return state;
  }

  /**
   * The pull handler. With a checkpoint that is too old everything is pulled again, and what the API has had once and is not in
   * it is deleted here: `known` gives all documents.
   */
  async pull(since: Checkpoint | undefined, batchSize: number, known: () => Promise<readonly Task[]>): Promise<Pages> {
    try {
      return await this.#pages(since, batchSize);
    } catch (error) {
      if (!isTokenOver(error) || !since) throw error;
      this.#noteErasure(error);
      return this.#everything(known);
    }
  }

  async #everything(known: () => Promise<readonly Task[]>): Promise<Pages> {
    const all = new Map<string, Doc>();
    let checkpoint: Checkpoint | undefined;
    // What changes while several pages are read may be in none of them: it comes with the next pull.
    for (let requests = 2; requests > 1 || !checkpoint; ) {
      const pages = await this.#pages(checkpoint, Number.POSITIVE_INFINITY);
      for (const document of pages.documents) all.set(document.id, document);
      ({ checkpoint, requests } = pages);
    }
    const wasThere = ({ id, version }: Task) => version > 0 || this.#erased.has(id);
    const gone = (await known()).filter((task) => wasThere(task) && !all.has(task.id));
    const deleted = gone.map((task): Doc => ({ ...task, _deleted: true }));
    return { documents: [...all.values(), ...deleted], checkpoint, requests: 0 };
  }

  #noteErasure(error: unknown): void {
    if (!isErased(error)) return;
    for (const id of this.#sent) this.#erased.add(id);
    this.#sent.clear();
  }

  /** Before a new task is sent again: if it was erased meanwhile, this would bring it back. */
  async #lookForErasure(): Promise<void> {
    if (this.#since === undefined) return;
    try {
      await this.#options.api.listChanges({ limit: 1, since: this.#since }, { retry: false });
    } catch (error) {
      if (!isTokenOver(error)) throw error;
      this.#noteErasure(error);
    }
  }

  async #pages(checkpoint: Checkpoint | undefined, size: number): Promise<Pages> {
    const documents: Doc[] = [];
    let requests = 0;
    // RxDB takes a page that is not full for the last one.
    for (let since = checkpoint?.since; ; ) {
      const limit = Math.min(500, size - documents.length);
      const page = await this.#options.api.listChanges(
        { limit, ...(since !== undefined && { since }) },
        { retry: false },
      );
      requests += 1;
      documents.push(...page.tasks.map((task): Doc => ({ ...task, _deleted: false })));
      documents.push(...page.deleted.map(tombstone));
      for (const { id } of [...page.tasks, ...page.deleted]) this.#sent.delete(id);
      since = page.next;
      this.#since = since;
      if (!page.has_more || documents.length >= size) return { documents, checkpoint: { since }, requests };
    }
  }

  /** The push handler: gives the tasks of the API where it has other ones than assumed. */
  async push(rows: readonly Row[]): Promise<Doc[]> {
    const parents = new Set(rows.map(({ newDocumentState }) => newDocumentState.parent_id));
    const items = rows.flatMap((row) => itemsOf(row, parents).map((item): Write => ({ row, item })));
    // A completed task takes no subtasks: new ones come before it is completed.
    const writes = items.sort((a, b) => rank(a) - rank(b));
    if (writes.some(({ item }) => this.#sent.has(item.id) && item.op === "create")) await this.#lookForErasure();
    const isGone = ({ item }: Write) => this.#erased.has(item.id);
    const masters = writes.filter(isGone).map(({ row }) => gone(row));
    for (let rest = writes.filter((write) => !isGone(write)); rest.length > 0; ) {
      const hasRoom = roomFor();
      const end = rest.findIndex(({ item }) => !hasRoom(item));
      const batch = end < 0 ? rest : rest.slice(0, end);
      rest = rest.slice(batch.length);
      masters.push(...(await this.#send(batch)));
    }
    return masters;
  }

  async #send(batch: readonly Write[]): Promise<Doc[]> {
    if (batch.length === 0) return [];
    for (const { item } of batch) if (item.op === "create") this.#sent.add(item.id);
    const { api } = this.#options;
    let results: BatchResult[];
    try {
      results = await api.batchTasks(
        batch.map(({ item }) => item),
        { retry: false },
      );
    } catch (error) {
      if (!(error instanceof Problem && error.code !== null && isFinal(error.status))) throw error;
      const named = namedItems(error, batch.length);
      const half = Math.ceil(batch.length / 2);
      // Nothing was written, and nobody is named: the halves tell.
      if (named.size === 0)
        return [...(await this.#send(batch.slice(0, half))), ...(await this.#send(batch.slice(half)))];
      const refused = batch.flatMap(({ row }, index) => {
        const problem = named.get(index);
        return problem ? [this.#refuse(row, problem)] : [];
      });
      return [...refused, ...(await this.#send(batch.filter((_, index) => !named.has(index))))];
    }
    // RxDB sends all rows again, and those that were done are found by their keys. A subtask may be refused only because its
    // parent is not there yet.
    const unanswered = results.find(({ status }) => status >= 300 && !isFinal(status));
    if (unanswered) throw new Error(`${unanswered.id}: ${unanswered.status}`);
    const masters: Doc[] = [];
    for (const [index, { row, item }] of batch.entries()) {
      const result = results[index];
      if (!result) continue;
      // A restored task has a version that is not known here, and lacks what was changed with it.
      if (result.status === 412 || (item.op === "restore" && result.status < 300))
        masters.push(await this.#master(row));
      else if (result.status === 404) masters.push(...(item.op === "delete" ? [] : [gone(row)]));
      else if (result.status >= 300) masters.push(this.#refuse(row, problemOf(result)));
    }
    return masters;
  }

  async #master(row: Row): Promise<Doc> {
    try {
      return { ...(await this.#options.api.getTask(row.newDocumentState.id)), _deleted: false };
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return gone(row);
      throw error;
    }
  }

  #refuse(row: Row, problem: ItemProblem): Doc {
    const { newDocumentState: mine, assumedMasterState } = row;
    this.#refused.set(mine.id, stateOf(mine));
    this.#options.onRefused({ mine, problem });
    return assumedMasterState ?? gone(row);
  }

  async #resolve({ assumedMasterState, realMasterState: theirs, newDocumentState: mine }: ConflictInput): Promise<Doc> {
    const isRefused = this.#refused.get(mine.id) === stateOf(mine);
    this.#refused.delete(mine.id);
    if (isRefused || (theirs._deleted && mine._deleted)) return theirs;
    if (theirs._deleted) {
      this.#options.onRefused({ mine, problem: null });
      return theirs;
    }
    const base = assumedMasterState ?? theirs;
    const changes = mine._deleted ? {} : missingIn(base, mine);
    const seen = pick(base, mine._deleted ? FIELDS : fieldsOf(changes));
    const fields = conflicts(changes, seen, theirs);
    const choice = fields.length > 0 ? await this.#options.onConflict({ fields, mine, theirs }) : "mine";
    if (mine._deleted) return choice === "mine" ? { ...theirs, _deleted: true } : theirs;
    const kept = fieldsOf(changes).filter((field) => choice === "mine" || !fields.includes(field));
    return withCompletion({ ...theirs, ...pick({ ...theirs, ...changes }, kept) });
  }
}

/** A task for `collection.insert`: with an id, and what the API gives a task that lacks it. */
export function newTask(draft: TaskDraft, id: string = newTaskId()): Task {
  const at = new Date().toISOString();
  return withCompletion({ ...contentOf(draft), id, completed_at: null, created_at: at, updated_at: at, version: 0 });
}

type ConflictInput = Parameters<RxConflictHandler<Task>["resolve"]>[0];

function withCompletion<T extends Task>(task: T): T {
  return { ...task, completed_at: task.completed ? (task.completed_at ?? new Date().toISOString()) : null };
}

/** What two states have to share to be the same. */
function stateOf(doc: Doc): string {
  return JSON.stringify([doc._deleted, doc.version, ...FIELDS.map((field) => doc[field])]);
}

function rank({ item }: Write): number {
  if (item.op === "create") return item.task.parent_id ? 1 : 0;
  const isOpening = item.op === "restore" || (item.op === "update" && item.changes.completed === false);
  return isOpening ? 0 : 2;
}

/** What the API is asked for, if anything. `parents` have subtasks among what is sent. */
function itemsOf({ assumedMasterState: assumed, newDocumentState: mine }: Row, parents: Set<string | undefined>) {
  const { id } = mine;
  const write = (item: BatchItem): BatchItem => {
    const key = `rxdb-${assumed?.version ?? 0}-${hash(JSON.stringify(item))}`;
    // What was created here and not pulled since has the first version there.
    const if_match = Math.max(1, assumed?.version ?? 1);
    const isGuarded = item.op === "update" || item.op === "delete";
    return { ...item, idempotency_key: key, ...(isGuarded && { if_match }) };
  };
  if (mine._deleted) return assumed && !assumed._deleted ? [write({ op: "delete", id })] : [];
  if (assumed?._deleted) return [write({ op: "restore", id })];
  if (!assumed) {
    const task = contentOf(mine);
    if (!mine.completed || !parents.has(id)) return [write({ op: "create", id, task })];
    const open = { ...task, completed: false };
    return [write({ op: "create", id, task: open }), write({ op: "complete", id, completed: true })];
  }
  const changes: ContentChanges = missingIn(assumed, pick(mine, FIELDS));
  return fieldsOf(changes).length === 0 ? [] : [write({ op: "update", id, changes })];
}

function gone({ newDocumentState }: Row): Doc {
  return { ...newDocumentState, _deleted: true };
}

function tombstone({ id, deleted_at, version }: { id: string; deleted_at: string; version: number }): Doc {
  return { ...newTask({ title: "" }, id), created_at: deleted_at, updated_at: deleted_at, version, _deleted: true };
}

/** Tells different bodies apart, for the key of a request that RxDB repeats without one: cyrb53, 53 bits. */
function hash(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}

const text = { type: "string" } as const;
const optionalText = { type: ["string", "null"] } as const;

const taskSchema: RxJsonSchema<Task> = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 36 },
    title: text,
    description: optionalText,
    completed: { type: "boolean" },
    completed_at: optionalText,
    priority: { type: "string", enum: ["none", "low", "medium", "high"] },
    due: optionalText,
    tags: { type: "array", items: text },
    parent_id: text,
    position: optionalText,
    created_at: text,
    updated_at: text,
    version: { type: "integer", minimum: 0 },
    recurrence: { type: ["object", "null"] },
    series_id: text,
    occurrence: { type: "integer", minimum: 1 },
  },
  required: ["id", "title", "completed", "priority", "tags", "created_at", "updated_at", "version"],
};
