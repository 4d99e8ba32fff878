/**
 * What is typed and neither saved nor dropped: edits of tasks, and the line of a new one. It is kept on the device, so that leaving
 * the form, a reload, or a crash loses nothing.
 */
import { signal } from "@preact/signals";
import type { Task, TaskContent } from "./task";

/** An edit: the task as it was when the form was opened, and what was typed since. */
export interface Draft {
  readonly seen: Task;
  readonly draft: TaskContent;
}

interface Kept {
  readonly edits: readonly Draft[];
  readonly line: string;
}

export class Drafts {
  /** By task id. */
  readonly edits = signal<ReadonlyMap<string, Draft>>(new Map());
  /** The keys of `edits`. Typing does not change them, so rows do not render again. */
  readonly ids = signal<ReadonlySet<string>>(new Set());
  readonly line = signal("");
  readonly #name: string;

  constructor(userId: string) {
    this.#name = `drafts of ${userId}`;
    this.#follow();
  }

  /** Follows the other tabs. Returns a function that stops it. */
  start(): () => void {
    const onStorage = ({ key }: StorageEvent) => {
      if (key === this.#name || key === null) this.#follow();
    };
    addEventListener("storage", onStorage);
    return () => removeEventListener("storage", onStorage);
  }

  keep(draft: Draft): void {
    this.#write({ ...this.#kept, edits: [...this.#others(draft.seen.id), draft] });
  }

  drop(id: string): void {
    if (this.ids.value.has(id)) this.#write({ ...this.#kept, edits: this.#others(id) });
  }

  keepLine(line: string): void {
    this.#write({ ...this.#kept, line });
  }

  /** Drops everything, for sign-out. */
  forget(): void {
    this.#write({ edits: [], line: "" });
  }

  get #kept(): Kept {
    return { edits: [...this.edits.value.values()], line: this.line.value };
  }

  #others(id: string): Draft[] {
    return this.#kept.edits.filter(({ seen }) => seen.id !== id);
  }

  #write(kept: Kept): void {
    this.#show(kept);
    try {
      if (kept.edits.length === 0 && kept.line === "") localStorage.removeItem(this.#name);
      else localStorage.setItem(this.#name, JSON.stringify(kept));
    } catch {
      // The storage is full: what was typed lasts as long as the page.
    }
  }

  #follow(): void {
    this.#show(JSON.parse(localStorage.getItem(this.#name) ?? '{"edits":[],"line":""}'));
  }

  #show({ edits, line }: Kept): void {
    const byId = new Map(edits.map((edit) => [edit.seen.id, edit]));
    const isSame = byId.size === this.ids.value.size && [...byId.keys()].every((id) => this.ids.value.has(id));
    this.edits.value = byId;
    this.line.value = line;
    if (!isSame) this.ids.value = new Set(byId.keys());
  }
}
