/** Keeps the focus in a list whose rows change: it follows its row, or moves to the next one if the row is gone. */
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect } from "preact/hooks";

interface Place {
  readonly row: string;
  readonly control: string;
}

export type Move = "up" | "down" | "first" | "last" | "left" | "right";

export class RowFocus {
  /** The row that has the focus, or had it last. It stays in the document, wherever the list is scrolled to. */
  readonly row = signal<string | null>(null);
  #ids: readonly string[] = [];
  /** The ids of each day of a week. */
  #columns: readonly (readonly string[])[] = [];
  readonly #fallback: string;
  /** Where the focus is to go as soon as the row is in the document. */
  #wanted: Place | null = null;
  #last: Place | null = null;
  /** The list as it was when it had the last row. */
  #idsOfLast: readonly string[] = [];

  /** @param fallback the id of the element that gets the focus when no row is left */
  constructor(fallback: string) {
    this.#fallback = fallback;
  }

  /** The ids of the list's rows, in order, and in columns if it has some. */
  show(ids: readonly string[], columns: readonly (readonly string[])[] = []): void {
    this.#ids = ids;
    this.#columns = columns;
    if (this.#last && ids.includes(this.#last.row)) this.#idsOfLast = ids;
  }

  /** Moves the focus to a row, and scrolls to it. */
  enter(row: string, control = "title"): void {
    this.#wanted = { row, control };
    this.row.value = row;
    this.#arrive();
  }

  /** Whether there is such a row. */
  move(to: Move): boolean {
    const row = this.#rowAt(to);
    if (row !== undefined) this.enter(row, controlAt(document.activeElement));
    return row !== undefined;
  }

  remember(target: EventTarget | null): void {
    const row = rowAt(target);
    this.#last = row === null ? null : { row, control: controlAt(target) };
    if (row === null) return;
    this.row.value = row;
    if (this.#ids.includes(row)) this.#idsOfLast = this.#ids;
  }

  forget(target: EventTarget | null): void {
    if (rowAt(target) === null) this.#last = null;
  }

  /** Gives the focus back if its row was drawn anew. */
  keep(): void {
    if (this.#arrive() || !this.#last || document.querySelector("dialog[open]")) return;
    if (document.activeElement !== document.body && document.activeElement !== null) return;
    // Between two parts of a date, the field does not seem to have the focus.
    if (document.querySelector(`[data-row="${CSS.escape(this.#last.row)}"] form`)) return;
    const { row, control } = this.#last;
    const next = nearest(row, this.#idsOfLast, this.#ids);
    if (next !== undefined) this.enter(next, control);
    else {
      // The next key begins at the first row again.
      this.row.value = null;
      document.getElementById(this.#fallback)?.focus();
    }
  }

  #rowAt(to: Move): string | undefined {
    const from = this.row.peek() ?? "";
    if (to === "left" || to === "right") return beside(this.#columns, from, to === "left" ? -1 : 1);
    const index = this.#ids.indexOf(from);
    return this.#ids[{ up: index - 1, down: index + 1, first: 0, last: this.#ids.length - 1 }[to]];
  }

  #arrive(): boolean {
    if (!this.#wanted) return false;
    const { row, control } = this.#wanted;
    const element = document.querySelector(`[data-row="${CSS.escape(row)}"]`);
    if (!element) return false;
    this.#wanted = null;
    const wanted = element.querySelector<HTMLElement>(`[data-control="${control}"]:not(:disabled)`);
    const target = wanted ?? element.querySelector<HTMLElement>("button, input");
    target?.focus({ preventScroll: true });
    showSoon(element);
    return true;
  }
}

/**
 * The row itself; else the next one after it that is left, or the last one before it. Other rows may have come and gone at the same
 * time, so that its place in the list says nothing.
 */
export function nearest(row: string, before: readonly string[], ids: readonly string[]): string | undefined {
  const left = new Set(ids);
  const index = before.indexOf(row);
  const after = before.slice(Math.max(0, index)).find((id) => left.has(id));
  return after ?? before.slice(0, Math.max(0, index)).findLast((id) => left.has(id)) ?? ids.at(-1);
}

/** The row at the same place of the next column that has rows, or the last one of it. */
export function beside(columns: readonly (readonly string[])[], row: string, by: -1 | 1): string | undefined {
  const from = columns.findIndex((ids) => ids.includes(row));
  if (from < 0) return undefined;
  const others = by > 0 ? columns.slice(from + 1) : columns.slice(0, from).toReversed();
  const next = others.find((ids) => ids.length > 0) ?? [];
  return next[Math.min(columns[from]?.indexOf(row) ?? 0, next.length - 1)];
}

export function useRowFocus(focus: RowFocus): void {
  useEffect(() => {
    const remember = ({ target }: FocusEvent) => focus.remember(target);
    const forget = ({ target }: Event) => focus.forget(target);
    addEventListener("focusin", remember);
    addEventListener("pointerdown", forget);
    return () => {
      removeEventListener("focusin", remember);
      removeEventListener("pointerdown", forget);
    };
  }, [focus]);
}

/** For each part of the list that can be drawn without the others. */
export function useKeptFocus(focus: RowFocus): void {
  useLayoutEffect(() => focus.keep());
}

export function rowAt(target: EventTarget | null): string | null {
  return target instanceof Element ? (target.closest<HTMLElement>("[data-row]")?.dataset.row ?? null) : null;
}

/** So many times, because the rows around a place in a long list get their real heights only as they are drawn. */
const LOOKS = 4;

function showSoon(element: Element, looks = LOOKS): void {
  if (!element.isConnected || looks === 0) return;
  element.scrollIntoView({ block: "nearest" });
  requestAnimationFrame(() => showSoon(element, looks - 1));
}

export function isInSight(id: string): boolean {
  const place = document.querySelector(`[data-row="${CSS.escape(id)}"]`)?.getBoundingClientRect();
  return place !== undefined && place.top >= 0 && place.bottom <= innerHeight;
}

function controlAt(target: EventTarget | null): string {
  const control = target instanceof Element ? target.closest<HTMLElement>("[data-control]") : null;
  return control?.dataset.control ?? "title";
}
