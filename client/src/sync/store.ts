/** What sync keeps between two visits, and the small interface of what keeps it. */
import type { Task } from "../contract.js";
import type { OutboxItem } from "./item.js";

export interface Meta {
  /** Counts the changes of the store: what another tab has not heard of, it reads again. */
  readonly revision: number;
  /** Where the next pull begins; null before the first one. */
  readonly token: string | null;
  /** Whether the token is of a pull that has further pages. */
  readonly hasMore: boolean;
  /** Whether everything has been pulled once. */
  readonly isComplete: boolean;
  /** The number of the last pull from the beginning. */
  readonly epoch: number;
  /** Whether there may be tasks left from before it, which are gone if it has not brought them. */
  readonly isFromBeginning: boolean;
  /** The last place in the outbox that was given. */
  readonly lastSeq: number;
  /** Who sends, where the browser has no locks. */
  readonly lease: { readonly owner: string; readonly until: number } | null;
}

export const NEW_META: Meta = {
  revision: 0,
  token: null,
  hasMore: false,
  isComplete: false,
  epoch: 1,
  isFromBeginning: true,
  lastSeq: 0,
  lease: null,
};

/** A task as the API has given it. */
export interface StoredTask {
  readonly task: Task;
  /** The last pull from the beginning that brought it. */
  readonly epoch: number;
}

export interface Snapshot {
  readonly meta: Meta;
  readonly tasks: readonly StoredTask[];
  /** In their order. */
  readonly outbox: readonly OutboxItem[];
}

/** What is to be written, all or nothing. */
export interface StoreChange {
  readonly meta?: Partial<Meta>;
  readonly putTasks?: readonly StoredTask[];
  readonly removeTasks?: readonly string[];
  readonly putItems?: readonly OutboxItem[];
  /** Places in the outbox. */
  readonly removeItems?: readonly number[];
}

/** What an edit is decided on. */
export type Current = Pick<Snapshot, "meta" | "outbox">;

/** Keeps the tasks and the outbox of one user. */
export interface SyncStore {
  /** A name that all who share these data have in common, such as the tabs of a browser; null if nobody else has them. */
  readonly shared: string | null;
  read(): Promise<Snapshot>;
  /**
   * Writes what `edit` gives, as one transaction that includes what `edit` was shown. Gives the change with the new revision,
   * or null if `edit` gave null. `edit` must not wait for anything.
   */
  change(edit: (current: Current) => StoreChange | null): Promise<StoreChange | null>;
  /** Deletes everything, for a user who signs out for good. */
  clear(): Promise<void>;
  close(): void;
}

/** The change with the next revision. */
export function numbered(change: StoreChange, { revision }: Meta): StoreChange & { readonly meta: Partial<Meta> } {
  return { ...change, meta: { ...change.meta, revision: (revision || Date.now()) + 1 } };
}
