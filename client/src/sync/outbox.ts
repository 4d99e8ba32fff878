/** The outbox: what is written into the store as changes are made, sent, answered and decided. */

import { BATCH_ITEMS, isFinal, namedItems, problemOf, roomFor } from "../batch.js";
import type { BatchResult, Task } from "../contract.js";
import type { Problem } from "../errors.js";
import { newTaskId } from "../ids.js";
import {
  type ContentChanges,
  contentOf,
  FIELDS,
  type Field,
  fieldsOf,
  pick,
  type TaskContent,
  type TaskDraft,
} from "./content.js";
import {
  asBatchItem,
  type Change,
  fold,
  isOpen,
  isUnseen,
  type OutboxItem,
  type Reason,
  type Refusal,
  stepOf,
} from "./item.js";
import type { Current, StoreChange, StoredTask } from "./store.js";

type Tasks = ReadonlyMap<string, StoredTask>;

/** Puts changes into the outbox: behind what waits for their task, or into it where that has not been sent. */
export function added(changes: readonly Change[], { outbox, meta }: Current): StoreChange {
  const edit = new Edit(outbox);
  let seq = meta.lastSeq;
  for (const { isOld, ...change } of changes) {
    const waiting = edit.ofTask(change.id);
    // What waits for the task already will have been made by then.
    const earlier: ContentChanges = isOld ? {} : Object.assign({}, ...waiting.map(({ changes }) => changes));
    const fields = fieldsOf(change.base).filter((field) => change.op !== "delete" || !isMoved(field, waiting));
    const later: Change = { ...change, base: pick({ ...change.base, ...earlier } as TaskContent, fields) };
    const last = waiting.at(-1);
    if (last && isOpen(last, later) && !isEarly(later, edit.items)) {
      edit.replace(last, fold(last, later));
      if (later.op === "delete") edit.removeParts(later.id);
      continue;
    }
    seq += 1;
    const at = new Date().toISOString();
    edit.put({ ...later, seq, key: crypto.randomUUID(), at, sent: null, applied: null, refusal: null });
  }
  return { ...edit.written, meta: { lastSeq: seq } };
}

/** What the worker is told with what it writes. */
export interface Written {
  readonly change: StoreChange | null;
}

/** Whether the API changes the field with what waits: a skip leads to another date, and what is completed recurs no more. */
function isMoved(field: Field, waiting: readonly OutboxItem[]): boolean {
  const isMover = ({ op, changes, sent }: OutboxItem) =>
    field === "due" ? op === "skip" : field === "recurrence" && changes.completed && sent;
  return waiting.some(isMover);
}

/** What is to be sent now, and the store in which that is said. */
export interface Claim extends Written {
  readonly batch: readonly OutboxItem[];
}

/** The first change of every task, as far as one batch has room, on the version of the task that is here. */
export function claimed({ outbox }: Current, tasks: Tasks, limit: number): Claim {
  const edit = new Edit(outbox);
  const batch: OutboxItem[] = [];
  const seen = new Set<string>();
  /** The tasks with changes that are not sent now, and those that get no subtasks. */
  const left = new Set<string>();
  const hasRoom = roomFor(limit);
  let isFull = false;
  for (const item of outbox) {
    if (!edit.has(item)) continue;
    const parent = parentOf(item);
    // A new subtask can come in the same batch as its parent, but not a restored one.
    const isLate = left.has(parent) || (item.op === "restore" && seen.has(parent));
    const isEarlier = item.op === "update" && isEarly(item, outbox, item.seq);
    const waits = seen.has(item.id) || item.refusal || isLate || isEarlier;
    seen.add(item.id);
    if (waits) left.add(item.id);
    if (waits || item.applied !== null) continue;
    const step = stepOf(item, tasks.get(item.id)?.task);
    if (!step) {
      edit.remove(item);
      if (item.op === "delete") edit.removeParts(item.id);
    } else if ("refusal" in step) edit.refuse(item, step.refusal);
    else if (!isFull) {
      const sent = { ...item, sent: { ifMatch: step.ifMatch, times: (item.sent?.times ?? 0) + 1 } };
      isFull = !hasRoom(asBatchItem(sent));
      if (isFull) continue;
      edit.put(sent);
      batch.push(sent);
      // Its new subtasks need not be sent.
      if (item.op === "delete") left.add(item.id);
    }
  }
  return { change: edit.written, batch };
}

/** Whether this is to complete a task that still has to get subtasks, which a completed one refuses: those added before `seq`. */
function isEarly({ id, changes }: Change, outbox: readonly OutboxItem[], seq = Infinity): boolean | undefined {
  const isAwaited = (item: OutboxItem) =>
    item.applied === null && !item.refusal && item.seq < seq && parentOf(item) === id;
  return changes.completed && outbox.some(isAwaited);
}

/** The parent of a new subtask. */
function parentOf({ changes }: Change): string {
  return (changes as TaskDraft).parent_id ?? "";
}

/** What a batch has led to. */
export interface Outcome extends Written {
  /** The tasks that were in another version, with the version that was sent. */
  readonly mismatched: ReadonlyMap<string, number>;
  /** Whether something has to be sent again, later. */
  readonly hasUnanswered: boolean;
  /** How many items the next batch may have. */
  readonly limit: number;
}

/** Takes the rows of the answer to a batch. */
export function answered(
  batch: readonly OutboxItem[],
  rows: readonly BatchResult[],
  { outbox }: Current,
  tasks: Tasks,
): Outcome {
  const edit = new Edit(outbox);
  const mismatched = new Map<string, number>();
  let hasUnanswered = false;
  for (const [index, item] of batch.entries()) {
    const row = rows[index];
    if (!edit.has(item)) continue;
    hasUnanswered ||= !row;
    if (!row) continue;
    const { status } = row;
    const isGone = status === 404 || status === 410;
    if (item.op === "delete" && (isGone || status < 300)) {
      edit.removeWithTask(item);
      edit.removeParts(item.id);
    } else if (status < 300) {
      const version = versionOf(row);
      // It was applied by an earlier attempt, and has been pulled since.
      if ((tasks.get(item.id)?.task.version ?? 0) >= version) edit.remove(item);
      else edit.put({ ...item, applied: version });
    } else if (status === 412 && item.op === "create" && item.base.title) {
      edit.put({ ...item, op: "restore", sent: null });
    } else if (isOwnCreate(item, row, tasks)) edit.put({ ...item, applied: 0 });
    else if (isGone && item.op === "create") {
      // Deleted elsewhere before the answer to its creation was heard: what was changed since is offered with all of it.
      edit.removeWithTask(item);
      for (const later of edit.ofTask(item.id)) edit.put({ ...later, base: { ...item.changes, ...later.base } });
    } else if (status === 412 && item.sent?.ifMatch) {
      edit.put({ ...item, sent: null });
      mismatched.set(item.id, item.sent.ifMatch);
    } else {
      // What is not known to be done of its parent may be what makes that take a subtask.
      const isLate = edit.ofTask(parentOf(item)).some(({ seq, applied }) => seq < item.seq && applied === null);
      if (isGone || (isFinal(status) && !isLate)) {
        edit.refuse(item, { kind: isGone ? "gone" : "refused", problem: problemOf(row) });
      } else hasUnanswered = true;
    }
  }
  return { change: edit.written, mismatched, hasUnanswered, limit: BATCH_ITEMS };
}

/** Takes a refusal of a batch as a whole. If it names no items, the next batch is half of it, so that the culprit is found. */
export function refusedAsWhole(batch: readonly OutboxItem[], problem: Problem, { outbox }: Current): Outcome {
  const edit = new Edit(outbox);
  const named = namedItems(problem, batch.length);
  for (const [index, problem] of named) {
    const item = batch[index];
    if (item && edit.has(item)) edit.refuse(item, { kind: "refused", problem });
  }
  const limit = named.size > 0 ? BATCH_ITEMS : Math.ceil(batch.length / 2);
  return { change: edit.written, mismatched: new Map(), hasUnanswered: false, limit };
}

/** What becomes of a refused change. */
export type Decision =
  /** Makes it all the same, on the task as it is now; with other changes if some are given. */
  | { readonly do: "retry"; readonly changes?: ContentChanges }
  /** Creates a new task instead, for a change of one that is gone. */
  | { readonly do: "recreate"; readonly task: TaskDraft }
  /** Forgets it: the task looks as the API has it. */
  | { readonly do: "drop" };

/** `seen` is the task of the API on which it was decided: what has been changed since is a conflict again. */
export function decided(seq: number, decision: Decision, current: Current, seen: Task | undefined): StoreChange | null {
  const { outbox } = current;
  const item = outbox.find((item) => item.seq === seq);
  if (!item?.refusal) return null;
  if (decision.do === "recreate") {
    const create: Change = { id: newTaskId(), op: "create", changes: contentOf(decision.task), base: {} };
    return { ...added([create], current), removeItems: [seq] };
  }
  const edit = new Edit(outbox);
  if (decision.do === "drop") edit.remove(item);
  else {
    const { changes = item.changes } = decision;
    const touched = item.op === "delete" ? FIELDS : fieldsOf(changes);
    const base = item.op === "create" || !seen ? {} : pick(seen, touched);
    const all = item.op === "create" ? { ...item.changes, ...changes } : changes;
    edit.put({ ...item, changes: all, base, key: crypto.randomUUID(), sent: null, refusal: null });
  }
  return edit.written;
}

/** The id is taken, by this very change: an earlier attempt was applied, and the API has forgotten its key since. */
function isOwnCreate(item: OutboxItem, { status }: BatchResult, tasks: Tasks): boolean {
  return item.op === "create" && status === 412 && ((item.sent?.times ?? 0) > 1 || tasks.has(item.id));
}

function versionOf({ etag }: BatchResult): number {
  return Number(etag?.slice(1, -1)) || 1;
}

/** Collects what an edit writes, and shows it to what follows in the same edit. */
class Edit {
  readonly #items: Map<number, OutboxItem>;
  readonly #puts = new Map<number, OutboxItem>();
  readonly #removed = new Set<number>();
  readonly #removedTasks: string[] = [];

  constructor(outbox: readonly OutboxItem[]) {
    this.#items = new Map(outbox.map((item) => [item.seq, item]));
  }

  /** Null if it is nothing. */
  get written(): StoreChange | null {
    if (this.#puts.size + this.#removed.size === 0) return null;
    return { putItems: [...this.#puts.values()], removeItems: [...this.#removed], removeTasks: this.#removedTasks };
  }

  get items(): OutboxItem[] {
    return [...this.#items.values()];
  }

  has({ seq }: OutboxItem): boolean {
    return this.#items.has(seq);
  }

  ofTask(id: string): OutboxItem[] {
    return this.items.filter((item) => item.id === id);
  }

  put(item: OutboxItem): void {
    this.#items.set(item.seq, item);
    this.#puts.set(item.seq, item);
  }

  remove({ seq }: OutboxItem): void {
    this.#items.delete(seq);
    this.#puts.delete(seq);
    this.#removed.add(seq);
  }

  removeWithTask(item: OutboxItem): void {
    this.remove(item);
    this.#removedTasks.push(item.id);
  }

  /** What waits for the new subtasks of a deleted task: they go with it, unless it is to be restored. */
  removeParts(id: string): void {
    if (this.ofTask(id).length > 0) return;
    const parts = this.items.filter((item) => parentOf(item) === id);
    for (const item of parts.flatMap((part) => this.ofTask(part.id))) this.remove(item);
  }

  replace(item: OutboxItem, by: OutboxItem | null): void {
    if (by) this.put(by);
    else this.remove(item);
  }

  /**
   * One decision is enough for all that waits behind a refused change, as far as that was seen; a skip is another matter, what is
   * early waits, and what comes behind them stays there.
   */
  refuse(item: OutboxItem, reason: Reason): void {
    const refusal: Refusal = { fields: [], problem: null, ...reason };
    let folded: OutboxItem | null = { ...item, sent: null, refusal };
    for (const later of this.ofTask(item.id).filter(({ seq }) => seq > item.seq)) {
      const isPart =
        later.op !== "skip" &&
        (item.op !== "skip" || later.op === "delete") &&
        (item.op !== "restore" || refusal.kind === "gone" || later.op !== "update");
      if (!folded || !isPart || isUnseen(folded, later) || isEarly(later, this.items, later.seq)) break;
      this.remove(later);
      folded = fold(folded, later);
    }
    this.replace(item, folded);
  }
}
