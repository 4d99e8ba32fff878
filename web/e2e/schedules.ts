/** Random schedules for two devices, and their expected results. */
import type { Page } from "@playwright/test";

export interface Content {
  readonly title: string;
  readonly completed: boolean;
  readonly priority: string;
}

export type Op =
  | { readonly op: "add"; readonly title: string }
  | { readonly op: "retitle"; readonly id: string; readonly title: string }
  | { readonly op: "prioritize"; readonly id: string; readonly priority: string }
  | { readonly op: "complete"; readonly id: string; readonly completed: boolean }
  | { readonly op: "delete"; readonly id: string };

/** A seeded random number generator (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

export type Tasks = ReadonlyMap<string, Content>;

const PRIORITIES = ["None", "Low", "Medium", "High"];

/** The next change of a device that has the tasks `now`, when both started with `base`. No field is changed twice. */
export function nextOp(dice: Dice, base: Tasks, now: Tasks, name: string): Op {
  const open = [...now].filter(([id]) => base.has(id));
  const [id, task] = open.length > 0 ? dice.of(open) : ["", undefined];
  const before = base.get(id);
  const kinds =
    base.size > 10 ? ["delete", "retitle", "complete"] : ["add", "add", "retitle", "prioritize", "complete"];
  const kind = dice.of([...kinds, "retitle", "prioritize", "complete", "delete"]);
  if (kind === "delete" && task) return { op: "delete", id };
  if (kind === "retitle" && task && task.title === before?.title) return { op: "retitle", id, title: name };
  if (kind === "complete" && task && task.completed === before?.completed) {
    return { op: "complete", id, completed: !task.completed };
  }
  if (kind === "prioritize" && task && task.priority === before?.priority) {
    return { op: "prioritize", id, priority: dice.of(PRIORITIES.filter((priority) => priority !== task.priority)) };
  }
  return { op: "add", title: name };
}

/** The tasks after a change. */
export function after(tasks: Tasks, op: Op, id: string): Map<string, Content> {
  const next = new Map(tasks);
  const task = next.get(id) ?? { title: "", completed: false, priority: "None" };
  if (op.op === "delete") next.delete(id);
  else {
    const { op: _, ...changes } = { ...op, id: undefined };
    const { id: __, ...content } = { ...task, ...changes } as Content & { id?: undefined };
    next.set(id, content);
  }
  return next;
}

/** The expected result for one task, when the first device's version has been sent and the second device's is not yet. */
export type Meeting =
  | { readonly is: "settled"; readonly content: Content | undefined }
  /** Both changed the same field, or the second device deleted what the first one changed. */
  | { readonly is: "conflict"; readonly theirs: Content; readonly mine: Content | undefined }
  /** The first device deleted what the second one changed. */
  | { readonly is: "gone"; readonly mine: Content };

export function meet(base: Content | undefined, theirs: Content | undefined, mine: Content | undefined): Meeting {
  if (!base) return { is: "settled", content: theirs ?? mine };
  if (isSame(base, mine)) return { is: "settled", content: theirs };
  if (isSame(base, theirs)) return { is: "settled", content: mine };
  if (!theirs) return mine ? { is: "gone", mine } : { is: "settled", content: undefined };
  if (!mine) return { is: "conflict", theirs, mine: undefined };
  const merged = { ...theirs, ...changesOf(base, mine) };
  const both = Object.keys(changesOf(base, mine)).filter(
    (field) => field in changesOf(base, theirs),
  ) as (keyof Content)[];
  const contested = both.filter((field) => mine[field] !== theirs[field]);
  // Whichever version the user keeps, the fields that only one side has changed are merged.
  const kept = { ...merged, ...Object.fromEntries(contested.map((field) => [field, theirs[field]])) };
  return contested.length > 0 ? { is: "conflict", theirs: kept, mine: merged } : { is: "settled", content: merged };
}

function isSame(a: Content | undefined, b: Content | undefined): boolean {
  return JSON.stringify(inOrder(a)) === JSON.stringify(inOrder(b));
}

export function inOrder(content: Content | undefined): unknown[] | undefined {
  return content && [content.title, content.completed, content.priority];
}

function changesOf(base: Content, content: Content): Partial<Content> {
  return Object.fromEntries(Object.entries(content).filter(([field, value]) => base[field as keyof Content] !== value));
}

/** What a user is asked when a change was not made. */
export type Question =
  /** `mine` is the title of the user's version, null for a deletion. */
  | { readonly is: "conflict"; readonly mine: string | null; readonly theirs: string; readonly differs: boolean }
  /** The task is gone. `newId` is that of the task that takes its place, if the user wants one. */
  | { readonly is: "gone"; readonly id: string; readonly title: string; readonly newId: string | null };

/** Operates the page from a script, which is faster than mouse and keyboard. */
export class Driver {
  constructor(readonly page: Page) {}

  /**
   * Performs the change. Returns the task's id and the title that the user saw, once the page shows the result; null if the
   * task has no row, or waits for a decision, or does so before the change is made: another device may delete it at any moment.
   * A form that is saved after that makes a new task, with an id of its own.
   */
  do(op: Op): Promise<{ readonly id: string; readonly seen: string } | null> {
    return this.page.evaluate(async (op) => {
      const until = async <T>(find: () => T | null | undefined | false): Promise<T> => {
        for (const deadline = Date.now() + 5_000; ; ) {
          const found = find();
          if (found) return found;
          if (Date.now() > deadline) throw new Error(`nothing came of ${JSON.stringify(op)}`);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      const rowOf = (id: string) => document.querySelector<HTMLElement>(`[data-row="${id}"]`);
      const click = (parent: ParentNode | null | undefined, selector: string) => {
        const element = parent?.querySelector<HTMLElement>(selector);
        if (!element) throw new Error(`no ${selector} for ${JSON.stringify(op)}`);
        element.click();
      };
      const type = (input: HTMLInputElement | null | undefined, text: string) => {
        if (!input) throw new Error(`nothing to type into for ${JSON.stringify(op)}`);
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, text);
        input.dispatchEvent(new Event("input", { bubbles: true }));
        return new Promise((resolve) => setTimeout(resolve, 20));
      };
      const shows = (row: Element | null | undefined, title: string) =>
        row?.querySelector("button.task-title")?.textContent === title;
      const isLost = () => op.op !== "add" && (rowOf(op.id)?.classList.contains("task-unsaved") ?? true);
      const withTitle = (title: string) =>
        [...document.querySelectorAll("[data-row]")].find((row) => shows(row, title));
      const row = op.op === "add" ? null : rowOf(op.id);
      if (isLost()) return null;
      const seen = row?.querySelector("button.task-title")?.textContent ?? "";
      switch (op.op) {
        case "add": {
          const composer = document.querySelector<HTMLInputElement>("#new-task");
          await type(composer, op.title);
          composer?.form?.requestSubmit();
          const row = await until(() => withTitle(op.title));
          return { id: row.getAttribute("data-row") ?? "", seen };
        }
        case "retitle":
        case "prioritize": {
          click(row, "button.task-title");
          const form = await until(() => rowOf(op.id)?.querySelector("form") ?? (isLost() && "lost"));
          if (form === "lost") return null;
          if (op.op === "retitle") await type(form.querySelector<HTMLInputElement>(".editor-title"), op.title);
          else click(form, `.segment.priority-${op.priority.toLowerCase()} input`);
          await new Promise((resolve) => setTimeout(resolve, 20));
          form.requestSubmit();
          const title = op.op === "retitle" ? op.title : seen;
          const saved = await until(() =>
            rowOf(op.id)?.querySelector("button.task-title") ? rowOf(op.id) : withTitle(title),
          );
          return { id: saved.getAttribute("data-row") ?? "", seen };
        }
        case "complete":
          if (row?.classList.contains("task-done") === op.completed) return null;
          click(row, "[data-control=check]");
          await until(() => isLost() || rowOf(op.id)?.classList.contains("task-done") === op.completed);
          return { id: op.id, seen };
        case "delete": {
          click(row, "[data-control=menu]");
          const menu = await until(() => document.querySelector(".row-menu") ?? (isLost() && "lost"));
          if (menu === "lost") return null;
          // What is deleted is what the menu shows, which another device may have changed since the row was read.
          const title = menu.querySelector("h2")?.textContent ?? "";
          click(menu, ".menu-danger");
          await until(() => !rowOf(op.id));
          for (const note of document.querySelectorAll(".note-info")) click(note, "[aria-label=Dismiss]");
          return { id: op.id, seen: title };
        }
      }
    }, op);
  }

  /** Decides on the first change that was not made, if there is one. Returns what the user was shown. */
  answer(isMine: boolean): Promise<Question | null> {
    return this.page.evaluate(async (isMine): Promise<Question | null> => {
      const until = async <T>(find: () => T | null | undefined | false): Promise<T | null> => {
        for (const deadline = Date.now() + 2_000; Date.now() < deadline; ) {
          const found = find();
          if (found) return found;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return null;
      };
      const choose = async (place: Element, selector: string) => {
        const before = place.textContent;
        place.querySelectorAll<HTMLElement>(selector)[isMine ? 0 : 1]?.click();
        await until(() => !place.isConnected || place.textContent !== before);
      };
      const titleOf = (element: Element | undefined) => element?.querySelector("dd")?.textContent ?? "";
      const dialog = document.querySelector("dialog[open]:has(.version)");
      if (dialog) {
        const [first, ...rest] = dialog.querySelectorAll(".version");
        const differs = dialog.querySelector(".differs") !== null;
        const mine = rest.length > 0 ? titleOf(first) : null;
        const question = { is: "conflict", mine, theirs: titleOf(rest[0] ?? first), differs } as const;
        await choose(dialog, ".dialog-actions button");
        return question;
      }
      const row = document.querySelector<HTMLElement>(".task-unsaved");
      if (!row) return null;
      const id = row.dataset.row ?? "";
      const title = row.querySelector("button.task-title")?.textContent ?? "";
      await choose(row, ".text-button");
      const copies = () => [...document.querySelectorAll<HTMLElement>("[data-row]:not(.task-unsaved)")];
      const isCopy = (row: HTMLElement) => row.querySelector("button.task-title")?.textContent === title;
      const copy = isMine ? await until(() => copies().find((row) => row.dataset.row !== id && isCopy(row))) : null;
      return { is: "gone", id, title, newId: copy?.dataset.row ?? null };
    }, isMine);
  }

  /** The tasks in the list “All”. */
  async read(): Promise<Map<string, Content>> {
    const rows = await this.page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("[data-row]")].map((row): [string, Content] => {
        const priority = /None|Low|Medium|High/u.exec(row.querySelector(".fact-priority")?.textContent ?? "")?.[0];
        const title = row.querySelector("button.task-title")?.textContent ?? "";
        const content = { title, completed: row.classList.contains("task-done"), priority: priority ?? "None" };
        return [row.dataset.row ?? "", content];
      }),
    );
    return new Map(rows);
  }

  /** Makes the page pull immediately. */
  async look(): Promise<void> {
    await this.page.evaluate(() => dispatchEvent(new Event("online")));
  }

  /** Whether everything is sent, except changes that need a decision. */
  async isSettled(): Promise<boolean> {
    return this.page.evaluate(() => !document.querySelector("[data-row][aria-busy=true], .note-offline"));
  }
}
