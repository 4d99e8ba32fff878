/**
 * Deletions that can still be undone. Their tasks are hidden in all tabs, and nothing is sent yet. Each deletion is stored
 * immediately, so that closing the page does not lose it: another tab or the next visit makes it.
 */
import { signal } from "@preact/signals";
import type { Task } from "./task";

/** Deletes a task. */
export type Delete = (seen: Task) => Promise<void>;

/** A pending deletion, as stored. */
interface Kept {
  /** The task as the user saw it. */
  readonly seen: Task;
  /** The page on which it can be undone. */
  readonly page: string;
}

/** Without locks (pages without TLS), a page counts as closed after this time, in milliseconds. */
const LONGER_THAN_ANY_NOTE = 30_000;

export class Deletions {
  readonly hidden = signal<ReadonlyMap<string, Task>>(new Map());
  /** What the tabs have deleted since this page was opened. The API deletes their subtasks with them, but a moment later. */
  readonly #begun = signal<ReadonlySet<string>>(new Set());
  readonly #name: string;
  readonly #delete: Delete;
  readonly #page = crypto.randomUUID();
  readonly #finishing = new Map<string, Promise<void>>();
  /** The pages that this one waits for. */
  readonly #watched = new Set<string>();
  readonly #stopped = new AbortController();

  constructor(userId: string, doDelete: Delete) {
    this.#name = `deletions of ${userId}`;
    this.#delete = doDelete;
  }

  /** Makes the deletions of closed pages, and follows the other tabs. */
  start(): void {
    const { signal } = this.#stopped;
    // While this page holds its lock, no other page makes its deletions. A crash releases it too.
    const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    void navigator.locks?.request(this.#lockOf(this.#page), () => stopped);
    const onStorage = ({ key }: StorageEvent) => {
      if (key === this.#name || key === null) this.#follow();
    };
    addEventListener("storage", onStorage, { signal });
    this.#follow();
  }

  /** Leaves pending deletions to other pages. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Hides the task until `undo` or `finish`. */
  begin(seen: Task): void {
    this.#write([...this.#read(), { seen, page: this.#page }]);
  }

  undo(id: string): void {
    this.#end(id);
  }

  /** Whether the task, or its parent, is deleted. `tasks` are those on this device. */
  hides({ id, parent_id }: Pick<Task, "id" | "parent_id">, tasks: ReadonlyMap<string, unknown>): boolean {
    const hidden = this.hidden.value;
    if (hidden.has(id)) return true;
    return !!parent_id && (hidden.has(parent_id) || (this.#begun.value.has(parent_id) && !tasks.has(parent_id)));
  }

  /** Makes the deletion. Further calls wait for the first one. */
  finish(id: string): Promise<void> {
    const seen = this.hidden.value.get(id);
    const finishing = this.#finishing.get(id) ?? (seen ? this.#delete(seen) : Promise.resolve());
    this.#finishing.set(id, finishing);
    return finishing.finally(() => {
      if (this.#finishing.delete(id)) this.#end(id);
    });
  }

  /** The pending deletions of this page. */
  get own(): readonly Task[] {
    return this.#read().flatMap(({ seen, page }) => (page === this.#page ? [seen] : []));
  }

  /** Drops all pending deletions, for sign-out. */
  forget(): void {
    this.#write([]);
  }

  #end(id: string): void {
    this.#write(this.#read().filter(({ seen }) => seen.id !== id));
  }

  /** Hides all pending deletions, and waits until the other pages that began some are closed. */
  #follow(): void {
    const kept = this.#read();
    this.#begun.value = new Set([...this.#begun.value, ...kept.map(({ seen }) => seen.id)]);
    this.hidden.value = new Map(kept.map(({ seen }) => [seen.id, seen]));
    for (const { page } of kept) if (page !== this.#page) this.#watch(page);
  }

  #watch(page: string): void {
    if (this.#watched.has(page)) return;
    this.#watched.add(page);
    const { signal } = this.#stopped;
    const make = async () => {
      this.#watched.delete(page);
      const left = this.#read().filter((kept) => kept.page === page && !signal.aborted);
      await Promise.allSettled(left.map(({ seen }) => this.finish(seen.id)));
    };
    if (navigator.locks) navigator.locks.request(this.#lockOf(page), { signal }, make).catch(() => {});
    else setTimeout(make, LONGER_THAN_ANY_NOTE);
  }

  #lockOf(page: string): string {
    return `${this.#name}: ${page}`;
  }

  #read(): Kept[] {
    return JSON.parse(localStorage.getItem(this.#name) ?? "[]");
  }

  #write(kept: readonly Kept[]): void {
    if (kept.length === 0) localStorage.removeItem(this.#name);
    else localStorage.setItem(this.#name, JSON.stringify(kept));
    this.#follow();
  }
}
