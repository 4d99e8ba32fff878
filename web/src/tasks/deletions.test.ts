import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Deletions } from "./deletions";
import type { Task } from "./task";

const CAT = { id: "cat", title: "Feed the cat" } as Task;

/** The pages of a browser: what one writes the others hear of, and a lock goes to the next one when its page is closed. */
class Browser {
  readonly stored = new Map<string, string>();
  readonly deleted: string[] = [];
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #listeners = new Set<(event: object) => void>();

  constructor() {
    const request = (name: string, ...rest: unknown[]) => {
      const work = rest.at(-1) as () => unknown;
      const turn = (this.#queues.get(name) ?? Promise.resolve()).then(work);
      this.#queues.set(name, turn);
      return turn;
    };
    vi.stubGlobal("navigator", { locks: { request } });
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => this.stored.get(key) ?? null,
      setItem: (key: string, value: string) => this.#write(key, value),
      removeItem: (key: string) => this.#write(key, null),
    });
    vi.stubGlobal("addEventListener", (_: string, listener: (event: object) => void) => this.#listeners.add(listener));
  }

  open(): Deletions {
    const page = new Deletions("ada", async ({ id }) => void this.deleted.push(id));
    page.start();
    return page;
  }

  #write(key: string, value: string | null): void {
    if (value === null) this.stored.delete(key);
    else this.stored.set(key, value);
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener({ key });
    });
  }
}

let browser: Browser;
beforeEach(() => {
  browser = new Browser();
});
afterEach(() => vi.unstubAllGlobals());

const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

it("a deletion hides the subtasks in every tab, also while they are still here", async () => {
  const [page, other] = [browser.open(), browser.open()];
  const kitten = { id: "kitten", parent_id: "cat" };
  page.begin(CAT);
  await soon();
  expect(other.hides(kitten, new Map([["cat", CAT]]))).toBe(true);
  await page.finish("cat");
  await soon();
  for (const tab of [page, other]) {
    expect(tab.hides(kitten, new Map())).toBe(true);
    // Restored.
    expect(tab.hides(kitten, new Map([["cat", CAT]]))).toBe(false);
  }
});

it("a deletion hides the task in every tab, and is made once", async () => {
  const [page, other] = [browser.open(), browser.open()];
  page.begin(CAT);
  await soon();
  expect([...other.hidden.value.keys()]).toEqual(["cat"]);
  expect(browser.deleted).toEqual([]);
  await Promise.all([page.finish("cat"), page.finish("cat")]);
  await soon();
  expect(browser.deleted).toEqual(["cat"]);
  expect(other.hidden.value.size).toBe(0);
  expect(browser.stored.size).toBe(0);
});

it("an undone deletion is never made", async () => {
  const [page, other] = [browser.open(), browser.open()];
  page.begin(CAT);
  page.undo("cat");
  page.stop();
  await soon();
  expect(browser.deleted).toEqual([]);
  expect(other.hidden.value.size).toBe(0);
});

it("another tab makes the deletions of a closed page", async () => {
  const [page] = [browser.open(), browser.open()];
  page.begin(CAT);
  await soon();
  page.stop();
  await soon();
  expect(browser.deleted).toEqual(["cat"]);
});

it("the next visit makes deletions that are left", async () => {
  const page = browser.open();
  page.begin(CAT);
  page.stop();
  await soon();
  expect(browser.deleted).toEqual([]);
  browser.open();
  await soon();
  expect(browser.deleted).toEqual(["cat"]);
});

it("a deletion that cannot be stored shows the task again", async () => {
  const page = new Deletions("ada", () => Promise.reject(new Error("full")));
  page.start();
  page.begin(CAT);
  await expect(page.finish("cat")).rejects.toThrow("full");
  expect(page.hidden.value.size).toBe(0);
});
