/**
 * Deletions that can still be undone. The tasks are hidden, in all tabs, and nothing is sent. Each deletion is written down at
 * once, so that it is not lost with the page: when the page is gone, another tab or the next visit makes it.
 */
import { signal } from "@preact/signals";
import type { Task } from "./task";

/** Makes a deletion. */
export type Delete = (seen: Task) => Promise<void>;

/** A deletion, as it is written down. */
interface Kept {
  /** The task as it was seen. */
  readonly seen: Task;
  /** The page on which it can be undone. */
  readonly page: string;
}

/** Where the browser has no locks (pages without TLS), nobody knows when a page has ended: after this, it has. */
const LONGER_THAN_ANY_NOTE = 30_000;

export class Deletions {
  readonly hidden = signal<ReadonlyMap<string, Task>>(new Map());
  readonly #name: string;
  readonly #delete: Delete;
  readonly #page = crypto.randomUUID();
  readonly #finishing = new Map<string, Promise<void>>();
  /** The other pages whose end is waited for. */
  readonly #watched = new Set<string>();
  readonly #stopped = new AbortController();

  constructor(userId: string, doDelete: Delete) {
    this.#name = `deletions of ${userId}`;
    this.#delete = doDelete;
  }

  /** Makes those that a page has left behind, and follows the other tabs. */
  start(): void {
    const { signal } = this.#stopped;
    // As long as this page has its lock, nobody else makes its deletions. It ends with the page, whatever becomes of it.
    const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    void navigator.locks?.request(this.#lockOf(this.#page), () => stopped);
    const onStorage = ({ key }: StorageEvent) => {
      if (key === this.#name || key === null) this.#follow();
    };
    addEventListener("storage", onStorage, { signal });
    this.#follow();
  }

  /** Leaves those that are not made yet to other pages. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Hides the task. Then comes `undo` or `finish`. */
  begin(seen: Task): void {
    this.#write([...this.#read(), { seen, page: this.#page }]);
  }

  undo(id: string): void {
    this.#end(id);
  }

  /** Makes the deletion, however often it is called. */
  finish(id: string): Promise<void> {
    const seen = this.hidden.value.get(id);
    const finishing = this.#finishing.get(id) ?? (seen ? this.#delete(seen) : Promise.resolve());
    this.#finishing.set(id, finishing);
    return finishing.finally(() => {
      if (this.#finishing.delete(id)) this.#end(id);
    });
  }

  /** Those that this page will make. */
  get own(): readonly Task[] {
    return this.#read().flatMap(({ seen, page }) => (page === this.#page ? [seen] : []));
  }

  /** Forgets them all, for a user who signs out for good. */
  forget(): void {
    this.#write([]);
  }

  #end(id: string): void {
    this.#write(this.#read().filter(({ seen }) => seen.id !== id));
  }

  /** Hides what is written down, and waits for the end of the other pages that have written. */
  #follow(): void {
    const kept = this.#read();
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
