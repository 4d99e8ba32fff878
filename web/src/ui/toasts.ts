/** Short notes at the edge of the page, each with at most one action. */
import { signal } from "@preact/signals";
import { announce } from "./announcer";

export interface Note {
  readonly text: string;
  readonly tone: "info" | "problem";
  readonly action?: { readonly label: string; run(): void };
  /** Called if the note expires or is dismissed without its action. */
  readonly onExpire?: () => void;
}

export interface Toast extends Note {
  readonly id: number;
}

/** In milliseconds: long enough to read the note and reach its button. */
const SHOWN_FOR = 7000;
const AT_ONCE = 3;

export class Toasts {
  readonly shown = signal<readonly Toast[]>([]);
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #lastId = 0;

  show(note: Note): number {
    this.#lastId += 1;
    const toast = { ...note, id: this.#lastId };
    this.shown.value = [...this.shown.value, toast];
    for (const old of this.shown.value.slice(0, -AT_ONCE)) this.dismiss(old.id);
    announce(note.action ? `${note.text} ${note.action.label} is available.` : note.text);
    this.release(toast.id);
    return toast.id;
  }

  /** Runs the action of the newest note. */
  takeLatest(): void {
    const latest = this.shown.value.findLast((toast) => toast.action);
    if (latest) this.act(latest.id);
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

  #remove(id: number): Toast | undefined {
    this.hold(id);
    this.#timers.delete(id);
    const toast = this.shown.value.find((shown) => shown.id === id);
    if (toast) this.shown.value = this.shown.value.filter((shown) => shown.id !== id);
    return toast;
  }
}
