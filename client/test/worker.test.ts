/** When sync sends and pulls. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newTaskId, TaskApi } from "../src/index.js";
import { memoryStore, TaskSync, type TaskSyncOptions } from "../src/sync/index.js";
import { Server } from "./server.js";

/** As much of a browser as tells when somebody looks. */
class Browser extends EventTarget {
  readonly document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  readonly navigator: { onLine: boolean; locks?: unknown } = { onLine: true };

  open(): void {
    vi.stubGlobal("document", this.document);
    vi.stubGlobal("navigator", this.navigator);
    vi.stubGlobal("addEventListener", this.addEventListener.bind(this));
    vi.stubGlobal("removeEventListener", this.removeEventListener.bind(this));
  }

  look(isVisible: boolean): void {
    this.document.visibilityState = isVisible ? "visible" : "hidden";
    this.document.dispatchEvent(new Event("visibilitychange"));
    if (isVisible) this.dispatchEvent(new Event("focus"));
  }
}

let browser: Browser;
let server: Server;
let requests: string[];
/** What the API answers instead, until it is null again. */
let failure: ((request: Request) => Response | undefined) | null;
const syncs: TaskSync[] = [];

function open(options: Partial<TaskSyncOptions> = {}): TaskSync {
  const api = new TaskApi({
    apiUrl: "https://api.example",
    userId: "ada",
    getToken: async () => "ada",
    fetch: async (input, init) => {
      const request = new Request(input as Request, init as RequestInit);
      requests.push(`${request.method} ${new URL(request.url).pathname.split("/").at(-1)}`);
      return failure?.(request) ?? server.fetch(request);
    },
  });
  const sync = new TaskSync({ api, store: memoryStore(), ...options });
  syncs.push(sync);
  return sync;
}

/** Lets so much time pass; gives what was asked for in it. */
async function during(milliseconds: number): Promise<string[]> {
  const before = requests.length;
  await vi.advanceTimersByTimeAsync(milliseconds);
  return requests.slice(before);
}

beforeEach(() => {
  vi.useFakeTimers();
  browser = new Browser();
  browser.open();
  server = new Server();
  requests = [];
  failure = null;
});

afterEach(async () => {
  await Promise.all(syncs.splice(0).map((sync) => sync.stop()));
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a pull", () => {
  it("happens at the start, and every minute while visible", async () => {
    await open().start();
    expect(await during(10)).toEqual(["GET changes"]);
    expect(await during(180_000)).toEqual(Array(3).fill("GET changes"));
    browser.look(false);
    expect(await during(600_000)).toEqual([]);
  });

  it("comes after a page of a list on a new device, and removes what has gone since", async () => {
    const laptop = open();
    await laptop.create({ title: "Buy milk" });
    await laptop.refresh();
    const [milk] = server.tasks("ada");
    const tasks = [{ ...milk, id: newTaskId(), title: "Gone" }, milk];
    failure = ({ url }) => (url.includes("/tasks?") ? Response.json({ tasks, next_cursor: null }) : undefined);
    const phone = open({ first: { status: "open", limit: 30 } });
    const shown: string[] = [];
    phone.subscribe(() => shown.push([...phone.tasks.values()].map(({ title }) => title).join()));
    const before = requests.length;
    await phone.refresh();
    expect(requests.slice(before)).toEqual(["GET tasks", "GET changes"]);
    expect(shown).toEqual(["", "Gone,Buy milk", "Buy milk"]);
    expect(phone.isComplete).toBe(true);
  });

  it("happens once when the page becomes visible", async () => {
    await open().start();
    browser.look(false);
    await during(30_000);
    browser.look(true);
    expect(await during(100)).toEqual(["GET changes"]);
    browser.look(true);
    expect(await during(100)).toEqual([]);
  });

  it("happens on a hint, and when the network returns", async () => {
    const sync = open();
    await sync.start();
    await during(10);
    sync.hint();
    expect(await during(10)).toEqual(["GET changes"]);
    browser.dispatchEvent(new Event("online"));
    expect(await during(10)).toEqual(["GET changes"]);
  });

  it("happens a second after changes, once for several in a row", async () => {
    const sync = open();
    await sync.start();
    await during(10);
    const { id } = await sync.create({ title: "one" });
    expect(await during(10)).toEqual(["POST batch"]);
    await sync.create({ title: "two" });
    expect(await during(900)).toEqual(["POST batch"]);
    expect(await during(1_100)).toEqual(["GET changes"]);
    expect(sync.tasks.get(id)?.version).toBe(1);
    // What is under way is not sent twice, and what changes again waits for what is known of it.
    await sync.update(id, { title: "two" });
    expect(await during(10)).toEqual(["POST batch"]);
    await sync.update(id, { title: "three" });
    expect(await during(10)).toEqual(["GET changes", "POST batch"]);
  });

  it("stops with its sync", async () => {
    const sync = open();
    await sync.start();
    await during(10);
    await sync.stop();
    browser.look(true);
    expect(await during(600_000)).toEqual([]);
  });
});

describe("after a failure", () => {
  const times = async (total: number, step = 250) => {
    const seen: number[] = [];
    for (let time = 0; time < total; time += step) {
      if ((await during(step)).length > 0) seen.push(time);
    }
    return seen;
  };

  const pausesIn = async (total: number) => {
    await open({ triggers: null }).start();
    await during(10);
    const seen = await times(total);
    return { seen, pauses: seen.slice(1).map((time, index) => time - (seen[index] ?? 0)) };
  };

  it("pauses grow, up to a minute", async () => {
    browser.look(false);
    failure = () => Response.json({ code: "unavailable" }, { status: 503 });
    const { seen, pauses } = await pausesIn(400_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_250);
    expect(Math.min(...pauses.slice(6))).toBeGreaterThanOrEqual(29_750);
    expect(pauses[0]).toBeLessThan(3_000);
    expect(seen.length).toBeLessThan(22);
  });

  it.each([
    ["nobody answers", () => Response.error()],
    ["the gateway has no function", () => Response.json({ message: "Internal Server Error" }, { status: 500 })],
  ])("pauses stay short for about a minute while %s", async (_, answer) => {
    failure = answer;
    const { seen, pauses } = await pausesIn(600_000);
    const minute = pauses.slice(0, seen.filter((time) => time < 45_000).length - 1);
    expect(Math.max(...minute)).toBeLessThanOrEqual(2_250);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_250);
    expect(Math.min(...pauses.slice(-4))).toBeGreaterThanOrEqual(29_750);
    expect(seen.length).toBeLessThan(70);
  });

  it("a network that was away for long is tried again soon if it fails once more", async () => {
    failure = () => Response.error();
    browser.navigator.onLine = false;
    await open().start();
    await during(600_000);
    browser.navigator.onLine = true;
    browser.dispatchEvent(new Event("online"));
    expect(await during(10)).toEqual(["GET changes"]);
    failure = null;
    expect(await during(2_000)).toEqual(["GET changes"]);
    expect(await during(10_000)).toEqual([]);
  });

  it("an API that answers again is tried again soon, though it has not done everything", async () => {
    failure = () => Response.json({ code: "unavailable" }, { status: 503 });
    const sync = open({ triggers: null });
    await sync.start();
    await sync.create({ title: "one" });
    await during(20_000);
    failure = ({ method }) => (method === "POST" ? Response.json({ results: [] }) : undefined);
    while (!(await during(250)).includes("POST batch"));
    failure = null;
    expect(await during(1_100)).toContain("POST batch");
    expect(sync.status.phase).toBe("idle");
  });

  it("respects Retry-After", async () => {
    failure = () => Response.json({ code: "unavailable" }, { status: 503, headers: { "retry-after": "90" } });
    await open({ triggers: null }).start();
    await during(10);
    failure = null;
    expect(await during(89_000)).toEqual([]);
    expect(await during(1_100)).toEqual(["GET changes"]);
  });

  it("the network ends the pause, changes do not", async () => {
    failure = () => Response.error();
    const sync = open();
    await sync.start();
    await during(20_000);
    failure = null;
    const before = requests.length;
    await sync.create({ title: "one" });
    expect(requests.length).toBe(before);
    browser.dispatchEvent(new Event("online"));
    expect(await during(10)).toEqual(["GET changes", "POST batch"]);
    expect(sync.status.phase).toBe("idle");
  });

  it("offline changes become one", async () => {
    const sync = open();
    await sync.start();
    await during(10);
    browser.navigator.onLine = false;
    const { id } = await sync.create({ title: "one" });
    await during(10);
    await sync.update(id, { title: "two" });
    await sync.update(id, { priority: "high" });
    expect(sync.pending).toHaveLength(1);
    browser.navigator.onLine = true;
    browser.dispatchEvent(new Event("online"));
    await during(10);
    expect(server.tasks("ada")).toMatchObject([{ title: "two", priority: "high", version: 1 }]);
  });

  it("nothing is sent until there is a session", async () => {
    const sync = open();
    await sync.start();
    await during(10);
    failure = () => Response.json({ code: "token_invalid" }, { status: 401 });
    await sync.create({ title: "one" });
    await during(10);
    expect(sync.status.phase).toBe("signed-out");
    failure = null;
    browser.look(true);
    expect(await during(300_000)).toEqual([]);
    sync.resume();
    expect(await during(10)).toEqual(["GET changes", "POST batch"]);
    expect(sync.pending).toEqual([]);
  });
});

describe("of several tabs", () => {
  /** Locks as browsers have them, as far as one name goes. */
  class Locks {
    #last: Promise<unknown> = Promise.resolve();
    readonly names: string[] = [];

    request(name: string, { signal }: { signal: AbortSignal }, work: () => Promise<void>): Promise<void> {
      this.names.push(name);
      const turn = this.#last.then(() => (signal.aborted ? Promise.reject(signal.reason) : work()));
      this.#last = turn.catch(() => {});
      return turn;
    }
  }

  it("the holder of the lock sends, then the next one", async () => {
    const locks = new Locks();
    browser.navigator.locks = locks;
    const store = { ...memoryStore(), shared: "tasks of ada" };
    const [one, other] = [open({ store, triggers: null }), open({ store, triggers: null })];
    await one.start();
    await other.start();
    await during(50);
    expect(requests).toEqual(["GET changes"]);
    expect(locks.names).toEqual(["tasks of ada", "tasks of ada"]);
    await one.stop();
    expect(await during(50)).toEqual(["GET changes"]);
  });
});
