import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Toasts } from "./toasts";

let toasts: Toasts;
let done: string[];
const texts = () => toasts.shown.value.map(({ text }) => text);

/** Deletes something, as the page does. */
function remove(name: string): void {
  const [undo, onExpire] = ["undone", "deleted"].map((what) => () => void done.push(`${name} ${what}`));
  if (undo && onExpire) toasts.offerUndo({ text: name, subject: name, undo, onExpire });
}

beforeEach(() => {
  vi.useFakeTimers();
  toasts = new Toasts();
  done = [];
});
afterEach(() => vi.useRealTimers());

it("any number of deletions can be undone, one by one or at once", () => {
  for (const name of ["a", "b", "c", "d", "e"]) remove(name);
  toasts.undoLatest();
  toasts.undoLatest();
  expect(done).toEqual(["e undone", "d undone"]);
  toasts.undoExpiring();
  expect(done.slice(2)).toEqual(["a undone", "b undone", "c undone"]);
  vi.runAllTimers();
  toasts.undoLatest();
  expect(done).toHaveLength(5);
});

it("deletions expire together, after the newest", () => {
  remove("a");
  vi.advanceTimersByTime(6_000);
  remove("b");
  vi.advanceTimersByTime(6_000);
  expect(done).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(done).toEqual(["a deleted", "b deleted"]);
  toasts.undoLatest();
  expect(done).toHaveLength(2);
});

it("what has expired is undone in another way, in its turn", () => {
  remove("a");
  const [undo, onExpire, undoLater] = ["b undone", "b deleted", "b restored"].map((what) => () => void done.push(what));
  if (undo && onExpire && undoLater) toasts.offerUndo({ text: "b", subject: "b", undo, onExpire, undoLater });
  vi.runAllTimers();
  toasts.remember(() => done.push("edit undone"));
  for (let times = 0; times < 3; times++) toasts.undoLatest();
  expect(done).toEqual(["a deleted", "b deleted", "edit undone", "b restored"]);
});

it("what cannot expire can be undone after its note", () => {
  toasts.remember(() => done.push("edit"));
  toasts.offerUndo({ text: "Completed", subject: "a", undo: () => done.push("completion") });
  vi.runAllTimers();
  expect(texts()).toEqual([]);
  for (let times = 0; times < 3; times++) toasts.undoLatest();
  expect(done).toEqual(["completion", "edit"]);
});

it("a newer note about the same takes the place of an older one", () => {
  toasts.show({ text: "Added to Today.", tone: "info", subject: "new" });
  toasts.show({ text: "Added to Later.", tone: "info", subject: "new" });
  expect(texts()).toEqual(["Added to Later."]);
  toasts.clear("new");
  expect(texts()).toEqual([]);
});

it("two changes of the same are undone one after the other, though only the newer note is left", () => {
  for (const name of ["first", "second"]) {
    toasts.offerUndo({ text: name, subject: "a", undo: () => done.push(name) });
  }
  expect(texts()).toEqual(["second"]);
  for (let times = 0; times < 3; times++) toasts.undoLatest();
  expect(done).toEqual(["second", "first"]);
});

it("what failed after the last change is repeated first", () => {
  remove("a");
  toasts.show({ text: "Failed", tone: "problem", action: { label: "Try again", run: () => done.push("again") } });
  toasts.undoLatest();
  toasts.undoLatest();
  expect(done).toEqual(["again", "a undone"]);
});

it("two notes are in sight: the newest, and what failed or the one before", () => {
  const inSight = () => toasts.inSight.map(({ text }) => text);
  for (const text of ["a", "b", "c", "d"]) toasts.show({ text, tone: "info" });
  expect(inSight()).toEqual(["c", "d"]);
  toasts.show({ text: "Failed", tone: "problem" });
  for (const text of ["e", "f"]) toasts.show({ text, tone: "info" });
  expect(inSight()).toEqual(["Failed", "f"]);
  toasts.dismissAll();
  expect(inSight()).toEqual([]);
});

it("of several deletions, the newest is in sight, and one note for all", () => {
  for (const name of ["a", "b", "c"]) remove(name);
  expect(toasts.inSight.map(({ text }) => text)).toEqual(["c"]);
  expect(toasts.hasSummary).toBe(true);
  toasts.undoLatest();
  toasts.undoLatest();
  expect(toasts.hasSummary).toBe(false);
  expect(toasts.inSight.map(({ text }) => text)).toEqual(["a"]);
});
