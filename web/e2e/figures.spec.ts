/** Measures the client with 10,000 tasks in Chromium, and writes the figures into its README. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { build } from "vite";
import { newTaskId } from "../../client/src/ids";
import type * as client from "./client";
import { API, day, test } from "./product";

const TASKS = Number(process.env.TASKS ?? 10_000);
/** A pull gives the changes of the last six minutes again. */
const OVERLAP = 6 * 60_000 + 5_000;
const README = fileURLToPath(new URL("../../client/README.md", import.meta.url));

test(`${TASKS} tasks`, async ({ page, person, store }) => {
  test.setTimeout(30 * 60_000);
  let left = Array.from({ length: TASKS }, (_, index) => {
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
  const table = ["| kept in | what | time | requests | bytes |", "|---|---|---:|---:|---:|", ...rows].join("\n");
  const date = new Date().toISOString().slice(0, 10);
  const text = `<!-- figures -->\nMeasured on ${date} with \`npm run figures\` in \`web/\` (Chromium and the whole stack on one machine):\n\n${table}\n<!-- /figures -->`;
  console.log(text);
  const readme = readFileSync(README, "utf8");
  writeFileSync(README, readme.replace(/<!-- figures -->.*<!-- \/figures -->/su, text));
});

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
