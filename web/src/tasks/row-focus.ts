/** Keeps the focus in a list whose rows change: it follows its row, or moves to the next one if the row is gone. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

interface Place {
  readonly row: string;
  readonly index: number;
  readonly control: string;
}

/** @param fallback the id of the element that gets the focus when no row is left */
export function useRowFocus(container: RefObject<HTMLElement | null>, fallback: string): void {
  const place = useRef<Place | null>(null);

  useEffect(() => {
    const remember = ({ target }: FocusEvent) => {
      place.current = placeOf(container.current, target);
    };
    const forget = ({ target }: Event) => {
      if (!placeOf(container.current, target)) place.current = null;
    };
    addEventListener("focusin", remember);
    addEventListener("pointerdown", forget);
    return () => {
      removeEventListener("focusin", remember);
      removeEventListener("pointerdown", forget);
    };
  }, [container]);

  useLayoutEffect(() => {
    const { current: last } = place;
    const { current: element } = container;
    if (!last || !element || document.querySelector("dialog[open]")) return;
    if (document.activeElement !== document.body && document.activeElement !== null) return;
    const rows = rowsOf(element);
    const same = rows.find((row) => row.dataset.row === last.row);
    // Between two parts of a date, the field does not seem to have the focus.
    if (same?.querySelector("form")) return;
    const row = same ?? rows[Math.min(last.index, rows.length - 1)];
    if (row) focusRow(row, last.control);
    else document.getElementById(fallback)?.focus();
  });
}

/** Moves the focus to the row above or below, or to the first or last one. */
export function moveFocus(container: HTMLElement, from: Element | null, to: "up" | "down" | "first" | "last"): boolean {
  const rows = rowsOf(container);
  const control = from?.closest<HTMLElement>("[data-control]")?.dataset.control ?? "title";
  const index = rows.findIndex((row) => row.contains(from));
  const target = { up: index - 1, down: index + 1, first: 0, last: rows.length - 1 }[to];
  const row = rows[target];
  if (row) focusRow(row, control);
  return row !== undefined;
}

export function rowAt(target: EventTarget | null): string | null {
  return target instanceof Element ? (target.closest<HTMLElement>("[data-row]")?.dataset.row ?? null) : null;
}

/** Moves the focus to a row and the row into sight, if it is there. */
export function revealRow(id: string): boolean {
  const row = document.querySelector<HTMLElement>(`[data-row="${id}"]`);
  if (row) focusRow(row, "title");
  return row !== null;
}

export function isInSight(id: string): boolean {
  const place = document.querySelector(`[data-row="${id}"]`)?.getBoundingClientRect();
  return place !== undefined && place.top >= 0 && place.bottom <= innerHeight;
}

function placeOf(container: HTMLElement | null, target: EventTarget | null): Place | null {
  if (!container || !(target instanceof HTMLElement) || !container.contains(target)) return null;
  const row = target.closest<HTMLElement>("[data-row]");
  if (!row?.dataset.row) return null;
  const control = target.closest<HTMLElement>("[data-control]")?.dataset.control ?? "title";
  return { row: row.dataset.row, index: rowsOf(container).indexOf(row), control };
}

function rowsOf(container: HTMLElement): HTMLElement[] {
  return [...container.querySelectorAll<HTMLElement>("[data-row]:not([inert])")];
}

function focusRow(row: HTMLElement, control: string): void {
  const wanted = row.querySelector<HTMLElement>(`[data-control="${control}"]:not(:disabled)`);
  const target = wanted ?? row.querySelector<HTMLElement>("button, input");
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
}
