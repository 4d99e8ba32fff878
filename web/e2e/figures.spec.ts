/** Measures the page on a slow phone, and the client with 10,000 tasks, and writes the figures into their READMEs. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, CDPSession, Page } from "@playwright/test";
import { build } from "vite";
import { newTaskId } from "../../client/src/ids";
import type * as client from "./client";
import { API, day, expect, type Store, test } from "./product";

const TASKS = Number(process.env.TASKS ?? 10_000);
/** A pull gives the changes of the last six minutes again. */
const OVERLAP = 6 * 60_000 + 5_000;
const PAGE_README = fileURLToPath(new URL("../README.md", import.meta.url));
const README = fileURLToPath(new URL("../../client/README.md", import.meta.url));

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
/** “Slow 4G” of Lighthouse. */
const SLOW_4G = { offline: false, latency: 150, downloadThroughput: 1_638_400 / 8, uploadThroughput: 768_000 / 8 };
const FAST = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
/** Five seconds in the middle of the screen, in pixels per second and milliseconds. */
const WHEEL = { x: 195, y: 600, speed: 2_400, time: 5_000 };
/** The visits of which the middle one counts. */
const VISITS = 5;

test("the page on a slow phone", async ({ browser, context, person, store }) => {
  test.setTimeout(10 * 60_000);
  expect(person.id).not.toBe("");
  await addAll(store, 5_000);
  const storageState = await context.storageState();
  const rows: string[] = [];
  const note = (what: string, figure: string) => rows.push(`| ${what} | ${figure} |`);
  const noteVisits = (visit: string, all: readonly Visit[]) => {
    const middle = (of: (visit: Visit) => number) => all.map(of).sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
    note(`largest paint, ${visit}`, `${Math.round(middle(({ paint }) => paint))} ms`);
    note(`first task, ${visit}`, `${Math.round(middle(({ task }) => task))} ms`);
    note(`layout shift, ${visit}`, Math.max(...all.map(({ shift }) => shift)).toFixed(3));
  };

  const first: Visit[] = [];
  const again: Visit[] = [];
  let phone = await Phone.open(browser, storageState);
  for (let visits = 0; visits < VISITS; visits++) {
    await phone.close();
    phone = await Phone.open(browser, storageState);
    first.push(await phone.visit());
  }
  await phone.isComplete();
  for (let visits = 0; visits < VISITS; visits++) again.push(await phone.visit());
  noteVisits("first visit on a device", first);
  noteVisits("return", again);

  await phone.network(FAST);
  const { frames, shown, whole, ahead } = await phone.wheel();
  note("frames on the screen while 5,000 tasks are scrolled with the wheel for five seconds", `${shown} of ${frames}`);
  note("of them, with everything painted that is in sight", `${whole}`);
  note("the least that the list was drawn ahead of the screen", `${Math.round(ahead)} px`);
  const { late, all, longest, busy } = await phone.scroll();
  note("turns of the main thread later than 20 ms while a script scrolls", `${late} of ${all}`);
  note("the longest turn", `${Math.round(longest)} ms`);
  note("the main thread’s work for a turn", `${busy.toFixed(1)} ms`);
  const keys = await phone.type("somebody");
  note("a key in search, from the key to its paint", keys.map((time) => Math.round(time)).join(", "));
  const baseline = await phone.scrollPlainPage();
  note("for comparison, late turns on a page of 5,000 plain lines", `${baseline.late} of ${baseline.all}`);
  note("its longest turn", `${Math.round(baseline.longest)} ms`);
  await phone.close();
  write(
    PAGE_README,
    ["| what | figure |", "|---|---:|", ...rows],
    "Chromium with its CPU slowed down four times, the network as in Lighthouse’s Slow 4G, 5,000 tasks",
  );
});

interface Visit {
  /** The largest contentful paint, and the first paint with a task, in milliseconds. */
  readonly paint: number;
  readonly task: number;
  readonly shift: number;
}

class Phone {
  private constructor(
    readonly page: Page,
    readonly devtools: CDPSession,
  ) {}

  static async open(browser: Browser, storageState: Awaited<ReturnType<BrowserContext["storageState"]>>) {
    const context = await browser.newContext({ ...PHONE, storageState, serviceWorkers: "block" });
    const page = await context.newPage();
    await page.addInitScript(recordPaints);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Network.enable");
    await devtools.send("Performance.enable");
    return new Phone(page, devtools);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  async network(conditions: typeof SLOW_4G): Promise<void> {
    await this.devtools.send("Network.emulateNetworkConditions", conditions);
  }

  async slowDown(rate: number): Promise<void> {
    await this.devtools.send("Emulation.setCPUThrottlingRate", { rate });
  }

  async visit(): Promise<Visit> {
    await this.network(SLOW_4G);
    await this.slowDown(4);
    await this.page.goto("about:blank");
    await this.page.goto("/#/open");
    await expect.poll(() => this.#visit(), { intervals: [1_000] }).not.toBeNull();
    // What comes later may still be larger, or shift it.
    await this.page.waitForTimeout(1_500);
    return (await this.#visit()) as Visit;
  }

  #visit(): Promise<Visit | null> {
    return this.page.evaluate(() => {
      const visit = Reflect.get(window, "visit") as Visit;
      return visit.task > 0 ? visit : null;
    });
  }

  /** Waits until all tasks are on the device. */
  async isComplete(): Promise<void> {
    await this.network(FAST);
    await this.slowDown(1);
    await expect(this.page.getByRole("status")).toHaveText("5000 tasks", { timeout: 180_000 });
    await this.slowDown(4);
  }

  /** Scrolls with the wheel. The browser moves what is painted by itself, so that only its own account says what the user sees. */
  async wheel() {
    const browser = this.page.context().browser();
    await browser?.startTracing(this.page, { categories: ["cc", "benchmark"] });
    await this.#turnWheel();
    const trace = JSON.parse(String(await browser?.stopTracing()));
    const ahead = this.page.evaluate(leastAhead, WHEEL.time);
    await this.#turnWheel();
    return { ...framesIn(trace), ahead: await ahead };
  }

  async #turnWheel(): Promise<void> {
    await this.page.evaluate(() => scrollTo(0, 0));
    await this.page.waitForTimeout(1_000);
    const { x, y, speed, time } = WHEEL;
    const gesture = { x, y, yDistance: (-speed * time) / 1_000, speed, gestureSourceType: "mouse" } as const;
    await this.devtools.send("Input.synthesizeScrollGesture", { ...gesture, preventFling: true });
  }

  async scroll() {
    await this.page.evaluate(() => scrollTo(0, 0));
    await this.page.waitForTimeout(1_000);
    const worked = await this.#worked();
    const frames = await this.page.evaluate(scrollThrough);
    return { ...frames, busy: ((await this.#worked()) - worked) / frames.all };
  }

  /** Scrolls a page without scripts in the same way: what is late there is late because of the browser and the machine. */
  async scrollPlainPage() {
    await this.page.goto("about:blank");
    await this.page.setContent(`<ul>${"<li>A plain line of text</li>".repeat(5_000)}</ul>`);
    await this.page.waitForTimeout(2_000);
    return this.page.evaluate(scrollThrough);
  }

  /** What the main thread has worked, in milliseconds. */
  async #worked(): Promise<number> {
    const { metrics } = await this.devtools.send("Performance.getMetrics");
    return 1_000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0);
  }

  /** How long the paint took after each key, in milliseconds. */
  async type(text: string): Promise<number[]> {
    await this.page.evaluate(() => scrollTo(0, 0));
    await this.page.getByRole("searchbox").focus();
    await this.page.waitForTimeout(1_000);
    const times: number[] = [];
    for (const key of text) {
      await this.page.evaluate(measureKey);
      await this.page.keyboard.press(key);
      times.push(await this.page.evaluate(() => Reflect.get(window, "key") as Promise<number>));
    }
    return times;
  }
}

/** An event of Chromium's trace for one attempt to put a frame on the screen. */
interface PipelineReporter {
  readonly name: string;
  readonly args: {
    readonly frame_reporter?: {
      readonly frame_source: number;
      readonly frame_sequence: number;
      readonly state: string;
      readonly scroll_state: string;
      readonly checkerboarded_needs_raster: boolean;
      readonly checkerboarded_needs_record: boolean;
      readonly has_missing_content: boolean;
    };
  };
}

/** The frames while something was scrolled, those that reached the screen, and those of which no part was blank. */
function framesIn({ traceEvents }: { readonly traceEvents: readonly PipelineReporter[] }) {
  const frames = new Map<string, { isShown: boolean; isWhole: boolean }>();
  for (const { name, args } of traceEvents) {
    const { frame_reporter: reporter } = args;
    if (name !== "PipelineReporter" || !reporter || reporter.scroll_state === "SCROLL_NONE") continue;
    const key = `${reporter.frame_source} ${reporter.frame_sequence}`;
    const frame = frames.get(key) ?? { isShown: false, isWhole: true };
    const isBlank =
      reporter.checkerboarded_needs_raster || reporter.checkerboarded_needs_record || reporter.has_missing_content;
    frames.set(key, {
      isShown: frame.isShown || reporter.state.startsWith("STATE_PRESENTED"),
      isWhole: frame.isWhole && !isBlank,
    });
  }
  expect(frames.size).toBeGreaterThan(WHEEL.time / 20);
  const shown = [...frames.values()].filter(({ isShown }) => isShown);
  return { frames: frames.size, shown: shown.length, whole: shown.filter(({ isWhole }) => isWhole).length };
}

/** How far the rows reached beyond the screen at least, in pixels, while it is scrolled down for a time. */
async function leastAhead(time: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let now = performance.now(), end = now + time; now < end; ) {
    now = await new Promise<number>(requestAnimationFrame);
    const rows = [...document.querySelectorAll("[data-row]")];
    const last = Math.max(...rows.map((row) => row.getBoundingClientRect().bottom));
    least = Math.min(least, last - innerHeight);
  }
  return least;
}

function recordPaints(): void {
  const visit = { paint: 0, task: 0, shift: 0 };
  Reflect.set(window, "visit", visit);
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) visit.paint = startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) visit.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  new MutationObserver((_, observer) => {
    if (!document.querySelector("[data-row]")) return;
    observer.disconnect();
    requestAnimationFrame(() =>
      setTimeout(() => {
        visit.task = performance.now();
      }),
    );
  }).observe(document, { childList: true, subtree: true });
}

/** Scrolls for five seconds, as fast as a finger does. */
async function scrollThrough(): Promise<{ late: number; all: number; longest: number }> {
  const times: number[] = [];
  for (let before = performance.now(), end = before + 5_000; before < end; ) {
    const now = await new Promise<number>(requestAnimationFrame);
    times.push(now - before);
    before = now;
    scrollBy(0, 40);
  }
  times.shift();
  return { late: times.filter((time) => time > 20).length, all: times.length, longest: Math.max(...times) };
}

function measureKey(): void {
  const measured = new Promise<number>((resolve) => {
    addEventListener(
      "keydown",
      ({ timeStamp }) => requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - timeStamp))),
      { once: true, capture: true },
    );
  });
  Reflect.set(window, "key", measured);
}

test(`${TASKS} tasks`, async ({ page, person, store }) => {
  test.setTimeout(30 * 60_000);
  await addAll(store, TASKS);
  await new Promise((resolve) => setTimeout(resolve, OVERLAP));

  const body = await bundle();
  await page.route("**/client.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
  await page.goto("/config.json");
  const rows = [];
  for (const name of ["memory", "IndexedDB"]) {
    const { first, delta, again } = await measure(page, person.id, name);
    rows.push(`| ${name} | all of them | ${first} |`, `| ${name} | again, nothing has changed | ${delta} |`);
    if (name === "IndexedDB") rows.push(`| ${name} | shown at the next visit | ${again} ms | 0 | 0 |`);
  }
  const header = ["| kept in | what | time | requests | bytes |", "|---|---|---:|---:|---:|"];
  write(README, [...header, ...rows], "Chromium and the whole stack on one machine");
});

async function addAll(store: Store, count: number): Promise<void> {
  let left = Array.from({ length: count }, (_, index) => {
    const task = { title: `Task ${index}: call somebody about something`, due: day(index % 100), tags: ["work"] };
    return { op: "create", id: newTaskId(), task };
  });
  while (left.length > 0) {
    const items = left.splice(0, 50);
    const headers = await store.headers();
    const response = await store.request.post(`${API}/api/me/tasks/batch`, { data: { atomic: false, items }, headers });
    const { results = [] } = await response.json();
    // A busy machine does not do all of them in time.
    left = [...left, ...items.filter((_, index) => !results[index] || results[index].status === 503)];
  }
}

/** Replaces the figures in a text. */
function write(file: string, table: readonly string[], how: string): void {
  const date = new Date().toISOString().slice(0, 10);
  const command = "Measured on DATE with `npm run figures` in `web/`".replace("DATE", date);
  const text = `<!-- figures -->\n${command} (${how}):\n\n${table.join("\n")}\n<!-- /figures -->`;
  console.log(text);
  writeFileSync(file, readFileSync(file, "utf8").replace(/<!-- figures -->.*<!-- \/figures -->/su, text));
}

/** The client as one file. */
async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["daylist-client-source"] },
    build: { write: false, lib: { entry: "e2e/client.ts", formats: ["es"] } },
  });
  const [output] = Array.isArray(built) ? built : [];
  return output?.output[0].code ?? "";
}

async function measure(page: Page, userId: string, kept: string) {
  const sizes: Promise<number>[] = [];
  page.on("response", (response) => {
    if (response.url().includes("/changes")) sizes.push(response.body().then(({ length }) => length));
  });
  const traffic = async () => {
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    return `${sizes.splice(0).length} | ${bytes.toLocaleString("en")}`;
  };
  const open = (kind: "first" | "delta" | "again") =>
    page.evaluate(
      async ({ kind, kept, userId, apiUrl, tasks }) => {
        const { TaskApi, TaskSync, indexedDbStore, memoryStore }: typeof client = await import(
          `${location.origin}/client.js`
        );
        const scope = globalThis as { sync?: client.TaskSync };
        if (kind !== "delta") await scope.sync?.stop();
        const begin = performance.now();
        if (kind === "delta") await scope.sync?.refresh();
        else {
          const api = new TaskApi({ apiUrl, authUrl: location.origin, userId });
          const store = kept === "memory" ? memoryStore() : indexedDbStore(userId);
          const sync = new TaskSync({ api, store, triggers: null });
          scope.sync = sync;
          await sync.start();
          while (sync.tasks.size < tasks || (kind === "first" && sync.status.phase !== "idle")) {
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        }
        return Math.round(performance.now() - begin);
      },
      { kind, kept, userId, apiUrl: API, tasks: TASKS },
    );
  const first = `${await open("first")} ms | ${await traffic()}`;
  const delta = `${await open("delta")} ms | ${await traffic()}`;
  const again = kept === "memory" ? 0 : await open("again");
  page.removeAllListeners("response");
  return { first, delta, again };
}
