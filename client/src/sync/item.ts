/** What waits in the outbox: one change of one task. */
import type { ItemProblem } from "../batch.js";
import type { BatchItem, Task } from "../contract.js";
import { type ContentChanges, conflicts, type Field, fieldsOf, missingIn, pick, type TaskContent } from "./content.js";

/** Why a change is not made: somebody has to decide what becomes of it. */
export interface Refusal {
  /** `conflict`: both sides changed the same fields. `gone`: the task is deleted. `refused`: the API takes no such change. */
  readonly kind: "conflict" | "gone" | "refused";
  /** The fields in conflict. */
  readonly fields: readonly Field[];
  /** What the API said, if it was asked. */
  readonly problem: ItemProblem | null;
}

/** A refusal as far as there is something to say. */
export type Reason = Pick<Refusal, "kind"> & Partial<Refusal>;

export interface OutboxItem {
  /** Its place in the order. */
  readonly seq: number;
  /** The task. */
  readonly id: string;
  readonly op: "create" | "update" | "skip" | "delete" | "restore";
  /** What is to be set: everything for a create, nothing for a skip or a deletion, and what is shown meanwhile for a restoration. */
  readonly changes: ContentChanges;
  /** What the user saw of the fields that the change touches: the due date for a skip, all for a deletion, none for a create or a restoration. */
  readonly base: ContentChanges;
  /** Makes repetitions safe. Made with the change, and kept until the change becomes another one. */
  readonly key: string;
  /** When the change was made, by the clock of this device (RFC 3339). */
  readonly at: string;
  /** It was sent, on this version of the task, and may have been applied, whatever is known of it. */
  readonly sent: { readonly ifMatch: number | null; readonly times: number } | null;
  /** It was applied: the version of the task with it, 0 if that is not known. It stays until that version is here. */
  readonly applied: number | null;
  readonly refusal: Refusal | null;
}

/** A change before it has its place, its key and its time. */
export interface Change extends Pick<OutboxItem, "id" | "op" | "changes" | "base"> {
  /** Whether `base` is of an earlier time: what has been put into the outbox since was not seen. */
  readonly isOld?: boolean;
}

/** Whether the later change was made without having seen this one, and makes something else of the same fields. */
export function isUnseen({ changes }: Change, later: Change): boolean {
  return conflicts(later.changes, later.base, { ...later.base, ...changes }).length > 0;
}

/** Whether this change can become part of it: it has not been sent, or is known not to be applied. */
export function isOpen(item: OutboxItem, later: Change): boolean {
  // A skip stays by itself, and a task that is created as completed does not recur. A restoration sets nothing; it has a base, as
  // has a creation that may turn out to be one.
  const isSkip = item.op === "skip" || later.op === "skip";
  const isCompletion =
    item.op === "create" && later.changes.completed && { ...item.changes, ...later.changes }.recurrence;
  const isSet = later.op === "update" && item.op !== "update" && item.base.title;
  const isPart = later.op === "delete" || (!isSkip && !isCompletion && !isSet);
  return item.sent === null && item.applied === null && isPart && !isUnseen(item, later);
}

/** One change instead of two; null if nothing is left of them. `item` must be open. */
export function fold(item: OutboxItem, later: Change): OutboxItem | null {
  // What was refused may be right with the later change. A conflict is one still.
  const refusal = item.refusal?.kind === "conflict" && later.op === "update" ? item.refusal : null;
  const key = item.refusal ? crypto.randomUUID() : item.key;
  const one = { ...item, key, refusal };
  const isNew = item.op === "create" || item.op === "restore";
  const base = { ...later.base, ...item.base };
  if (later.op === "delete") return isNew ? null : { ...one, op: "delete", changes: {}, base };
  const both = { ...item.changes, ...later.changes };
  if (isNew) return { ...one, changes: both };
  // Of a deletion that is taken back, what had been changed before it is left.
  const fields = fieldsOf(missingIn(base as TaskContent, both)).filter((field) => base[field] !== undefined);
  if (fields.length === 0) return null;
  return { ...one, op: "update", changes: pick(both as TaskContent, fields), base: pick(base as TaskContent, fields) };
}

/** What is to be done with an item, by what is known of its task; null if there is nothing left to do. */
export type Step = Pick<NonNullable<OutboxItem["sent"]>, "ifMatch"> | { readonly refusal: Reason } | null;

export function stepOf(item: OutboxItem, current: Task | undefined): Step {
  // An earlier attempt may have been applied: only the same request can tell.
  if (item.sent) return item.sent;
  if (item.op === "create" || (item.op === "restore" && !current)) return { ifMatch: null };
  if (item.op === "restore") return null;
  if (!current) return item.op === "delete" ? null : { refusal: { kind: "gone" } };
  const fields = conflicts(item.changes, item.base, current);
  if (fields.length > 0) return { refusal: { kind: "conflict", fields } };
  const isThere = item.op === "update" && fieldsOf(missingIn(current, item.changes)).length === 0;
  return isThere ? null : { ifMatch: current.version };
}

/** The item as the API takes it. */
export function asBatchItem({ id, op, changes, key, sent }: OutboxItem): BatchItem {
  const common = { id, idempotency_key: key };
  const guarded = { ...common, ...(typeof sent?.ifMatch === "number" && { if_match: sent.ifMatch }) };
  if (op === "create") return { op, ...common, task: changes as TaskContent };
  return op === "update" ? { op, ...guarded, changes } : { op, ...guarded };
}

/** The task as the user sees it, with this change on top. */
export function shown(item: Change & Pick<OutboxItem, "at">, task: Task | undefined): Task | undefined {
  if (item.op === "delete") return undefined;
  if (item.op === "create" || item.op === "restore") {
    // It is here already: its own answer was lost, or is not yet followed by a pull.
    if (task) return task;
    const { id, at } = item;
    const completed_at = item.changes.completed ? at : null;
    return { ...(item.changes as TaskContent), id, completed_at, created_at: at, updated_at: at, version: 0 };
  }
  // Where the rule leads, only the API knows.
  if (!task || item.op === "skip") return task;
  const { completed = task.completed } = item.changes;
  const completed_at = completed ? (task.completed_at ?? item.at) : null;
  return { ...task, ...item.changes, completed_at };
}
