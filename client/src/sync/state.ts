/** The tasks and the outbox in memory, as the store has them, and the tasks as the user sees them. */
import type { Task } from "../contract.js";
import { type OutboxItem, shown } from "./item.js";
import {
  type Current,
  type Meta,
  NEW_META,
  type Snapshot,
  type StoreChange,
  type StoredTask,
  type SyncStore,
} from "./store.js";

/** The ids of the tasks that look different now, or `all`. */
export type Changed = ReadonlySet<string> | "all";

const NONE: readonly OutboxItem[] = [];

export class State {
  readonly #store: SyncStore;
  /** Tells the other tabs what this one has written. */
  readonly #tell: (change: StoreChange) => void;
  readonly #notify: (changed: Changed) => void;
  readonly #tasks = new Map<string, StoredTask>();
  readonly #items = new Map<string, readonly OutboxItem[]>();
  readonly #view = new Map<string, Task>();
  #meta = NEW_META;

  constructor(store: SyncStore, tell: (change: StoreChange) => void, notify: (changed: Changed) => void) {
    this.#store = store;
    this.#tell = tell;
    this.#notify = notify;
  }

  get meta(): Meta {
    return this.#meta;
  }

  /** What the user sees: the tasks of the API with the changes that wait on top. */
  get view(): ReadonlyMap<string, Task> {
    return this.#view;
  }

  /** The tasks as the API gave them. */
  get tasks(): ReadonlyMap<string, StoredTask> {
    return this.#tasks;
  }

  /** What waits, for each task in its order. */
  get items(): ReadonlyMap<string, readonly OutboxItem[]> {
    return this.#items;
  }

  /** Reads everything from the store. */
  async load(): Promise<void> {
    const snapshot = await this.#store.read();
    if (snapshot.meta.revision < this.#meta.revision) return;
    this.#replace(snapshot);
    this.#notify("all");
  }

  /** Reads everything again if others have written meanwhile. */
  async catchUp(): Promise<void> {
    let isBehind = false;
    await this.#store.change(({ meta }) => {
      isBehind = meta.revision !== this.#meta.revision;
      return null;
    });
    if (isBehind) await this.load();
  }

  /** Writes what `edit` gives. When it is done, the view has it. */
  async change(edit: (current: Current) => StoreChange | null): Promise<void> {
    const change = await this.#store.change(edit);
    if (!change) return;
    this.#tell(change);
    await this.take(change);
  }

  /** Takes over what this or another tab has written. */
  async take(change: StoreChange): Promise<void> {
    const revision = change.meta?.revision ?? 0;
    if (revision <= this.#meta.revision) return;
    // Something has been missed.
    if (revision !== this.#meta.revision + 1) return this.load();
    const changed = new Set<string>();
    this.#meta = { ...this.#meta, ...change.meta };
    for (const stored of change.putTasks ?? []) {
      this.#tasks.set(stored.task.id, stored);
      changed.add(stored.task.id);
    }
    for (const id of change.removeTasks ?? []) {
      this.#tasks.delete(id);
      changed.add(id);
    }
    const removed = new Set(change.removeItems);
    const isRemoved = ({ seq }: OutboxItem) => removed.has(seq);
    for (const items of removed.size > 0 ? [...this.#items.values()] : []) {
      const [first] = items;
      if (!first || !items.some(isRemoved)) continue;
      this.#setItems(
        first.id,
        items.filter((item) => !isRemoved(item)),
      );
      changed.add(first.id);
    }
    for (const item of change.putItems ?? []) {
      const others = (this.#items.get(item.id) ?? NONE).filter(({ seq }) => seq !== item.seq);
      this.#setItems(
        item.id,
        [...others, item].sort((a, b) => a.seq - b.seq),
      );
      changed.add(item.id);
    }
    for (const id of changed) this.#show(id);
    if (changed.size > 0) this.#notify(changed);
  }

  /** Forgets everything, here and in the store. */
  async clear(): Promise<void> {
    await this.#store.clear();
    this.#replace({ meta: NEW_META, tasks: [], outbox: [] });
    this.#notify("all");
  }

  #replace({ meta, tasks, outbox }: Snapshot): void {
    this.#meta = meta;
    this.#tasks.clear();
    this.#items.clear();
    this.#view.clear();
    for (const stored of tasks) this.#tasks.set(stored.task.id, stored);
    for (const item of outbox) this.#setItems(item.id, [...(this.#items.get(item.id) ?? NONE), item]);
    for (const id of [...this.#tasks.keys(), ...this.#items.keys()]) this.#show(id);
  }

  #setItems(id: string, items: readonly OutboxItem[]): void {
    if (items.length > 0) this.#items.set(id, items);
    else this.#items.delete(id);
  }

  #show(id: string): void {
    const items = this.#items.get(id) ?? NONE;
    const task = items.reduce<Task | undefined>((task, item) => shown(item, task), this.#tasks.get(id)?.task);
    if (task) this.#view.set(id, task);
    else this.#view.delete(id);
  }
}
