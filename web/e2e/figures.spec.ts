/** Measures the page on a slow phone, and the client with 10,000 tasks, and writes the figures into their READMEs. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { build } from "vite";
import { newTaskId } from "../../client/src/ids";
import type * as client from "./client";
import { API, day, expect, type Store, test } from "./product";

const TASKS = Number(process.env.TASKS ?? 10_000);
/** A pull gives the changes of the last six minutes again. */
const OVERLAP = 6 * 60_000 + 5_000;
const PAGE_README = fileURLToPath(new URL("../README.md", import.meta.url));
const README = fileURLToPath(new URL("../../client/README.md", import.meta.url));

test("the page on a slow phone", async ({ page, person, store }) => {
  test.setTimeout(10 * 60_000);
  expect(person.id).not.toBe("");
  await addAll(store, 5_000);
  await page.setViewportSize({ width: 390, height: 844 });
  const client = await page.context().newCDPSession(page);
  await client.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await client.send("Network.enable");
  // “Slow 4G” of Lighthouse.
  const network = { offline: false, latency: 150, downloadThroughput: 1_638_400 / 8, uploadThroughput: 768_000 / 8 };
  await client.send("Network.emulateNetworkConditions", network);
  await page.addInitScript(recordPaints);
  const paints = () => page.evaluate(() => Reflect.get(window, "paints") as { lcp: number; shift: number });
  const rows: string[] = [];
  const note = (what: string, figure: string) => rows.push(`| ${what} | ${figure} |`);
  const open = async (visit: string, shown: string) => {
    await page.goto("about:blank");
    await page.goto("/#/open");
    const first = page.locator(shown).first();
    await first.waitFor();
    const time = await page.evaluate(() => Math.round(performance.now()));
    await page.waitForTimeout(1_000);
    const { lcp, shift } = await paints();
    note(`largest paint, ${visit}`, `${Math.round(lcp)} ms`);
    note(`first task, ${visit}`, `${time} ms`);
    note(`layout shift, ${visit}`, shift.toFixed(3));
  };
  await open("first visit", "[data-row]");
  await expect(page.getByRole("status")).toHaveText("5000 tasks", { timeout: 180_000 });
  await open("return", "[data-row]");

  await client.send("Network.emulateNetworkConditions", {
    ...network,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: -1,
  });
  const frames = await page.evaluate(scrollThrough);
  note("frames later than 20 ms while 5,000 tasks are scrolled", `${frames.late} of ${frames.all}`);
  note("the longest frame", `${Math.round(frames.longest)} ms`);
  await page.getByRole("searchbox").focus();
  const keys: number[] = [];
  for (const key of "somebody") {
    await page.evaluate(measureKey);
    await page.keyboard.press(key);
    keys.push(await page.evaluate(() => Reflect.get(window, "key") as Promise<number>));
  }
  note("a key in search, from the key to the paint: the slowest", `${Math.round(Math.max(...keys))} ms`);
  write(
    PAGE_README,
    ["| what | figure |", "|---|---:|", ...rows],
    "Chromium with its CPU slowed down four times, the network as in Lighthouse’s Slow 4G",
  );
});

function recordPaints(): void {
  const paints = { lcp: 0, shift: 0 };
  Reflect.set(window, "paints", paints);
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) paints.lcp = startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) paints.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
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
