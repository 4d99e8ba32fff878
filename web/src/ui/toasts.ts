/** Short notes at the edge of the page, each with at most one action, and what can be undone. */
import { signal } from "@preact/signals";
import { t } from "../text";
import { announce } from "./announcer";

export interface Note {
  readonly text: string;
  readonly tone: "info" | "problem";
  readonly action?: { readonly label: string; run(): void };
  /** What the note is about: it takes the place of an older one about the same. */
  readonly subject?: string;
  /** Called if the note expires or is dismissed without its action. */
  readonly onExpire?: () => void;
}

export interface Toast extends Note {
  readonly id: number;
}

export interface Undoable {
  readonly text: string;
  readonly subject: string;
  readonly undo: () => void;
  /** Called when the note is over. Without it, `undo` works as long as the page is open. */
  readonly onExpire?: () => void;
  /** What undoes it after that. */
  readonly undoLater?: () => void;
}

/** In milliseconds: long enough to read the note and reach its button. */
const SHOWN_FOR = 7000;

export class Toasts {
  readonly shown = signal<readonly Toast[]>([]);
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  /** What can be undone, newest last, with the note that offers it. */
  readonly #undos = new Map<number, () => void>();
  #lastId = 0;

  show(note: Note): number {
    // What the older note offered to undo still can be, after this.
    for (const { id, subject } of this.shown.value) if (subject && subject === note.subject) this.#remove(id);
    const toast = { ...note, id: this.#newId() };
    this.shown.value = [...this.shown.value, toast];
    announce(note.action ? t().withAction(note.text, note.action.label) : note.text);
    this.release(toast.id);
    return toast.id;
  }

  /** Shows a note with an undo. While several can still expire, they last as long as the newest. */
  offerUndo({ text, subject, undo, onExpire, undoLater }: Undoable): void {
    if (onExpire) for (const { id } of this.expiring) this.release(id);
    const id = this.show({
      text,
      subject,
      tone: "info",
      action: { label: t().undo, run: () => this.#take(id) },
      ...(onExpire && {
        onExpire: () => {
          if (undoLater) this.#undos.set(id, undoLater);
          else this.#undos.delete(id);
          onExpire();
        },
      }),
    });
    this.#undos.set(id, undo);
  }

  /** Lets `undoLatest` undo something that no note offers. Returns a function that takes the chance back. */
  remember(undo: () => void): () => void {
    const id = this.#newId();
    this.#undos.set(id, undo);
    return () => this.#undos.delete(id);
  }

  /** Undoes the last change that was not undone yet, or repeats what failed since. */
  undoLatest(): void {
    const latest = [...this.#undos.keys()].at(-1) ?? 0;
    const failed = this.shown.value.findLast(({ tone, action }) => tone === "problem" && action);
    if (failed && failed.id > latest) this.act(failed.id);
    else {
      this.#remove(latest);
      this.#take(latest);
    }
  }

  /** What is shown: not more than one can read. The newest, and above it what failed, the summary, or the one before. */
  get inSight(): readonly Toast[] {
    const { value: all } = this.shown;
    const older = all.slice(0, -1);
    const second = older.findLast(({ tone }) => tone === "problem") ?? (this.expiring.length > 1 ? null : older.at(-1));
    return second ? [second, ...all.slice(-1)] : all.slice(-1);
  }

  /** Whether one note stands for several deletions, above the newest. */
  get hasSummary(): boolean {
    return this.expiring.length > 1 && this.inSight.length === 1;
  }

  /** The notes of what can only be undone until they expire. */
  get expiring(): readonly Toast[] {
    return this.shown.value.filter(({ id, onExpire }) => onExpire && this.#undos.has(id));
  }

  /** Undoes everything that can only be undone until its note expires. */
  undoExpiring(): void {
    for (const { id } of this.expiring) this.act(id);
  }

  act(id: number): void {
    this.#remove(id)?.action?.run();
  }

  dismiss(id: number): void {
    this.#remove(id)?.onExpire?.();
  }

  dismissAll(): void {
    for (const { id } of this.shown.value) this.dismiss(id);
  }

  /** Removes the note about something that is no longer so. What it offered to undo is done. */
  clear(subject: string): void {
    for (const { id, subject: about } of this.shown.value) {
      if (about !== subject) continue;
      this.#undos.delete(id);
      this.#remove(id);
    }
  }

  /** Stops the timer while the user is interacting with the note. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
  }

  release(id: number): void {
    this.hold(id);
    const toast = this.shown.value.find((shown) => shown.id === id);
    // Problems stay until they are dismissed.
    if (toast?.tone !== "info") return;
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), SHOWN_FOR),
    );
  }

  #newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #take(id: number): void {
    const undo = this.#undos.get(id);
    this.#undos.delete(id);
    undo?.();
  }

  #remove(id: number): Toast | undefined {
    this.hold(id);
    this.#timers.delete(id);
    const toast = this.shown.value.find((shown) => shown.id === id);
    if (toast) this.shown.value = this.shown.value.filter((shown) => shown.id !== id);
    return toast;
  }
}
