/** The installed page: what it keeps, how it starts without a network, and how it is updated. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "./product";

test.use({ serviceWorkers: "allow", failuresExpected: true });

/** Waits until the page's files are kept, and starts it from them. */
async function isKept(page: Page): Promise<void> {
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
}

test("the page can be installed, and starts without a network", async ({ page, context, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await isKept(page);
  const session = await context.newCDPSession(page);
  // Tests run in private windows, where nothing can be installed. Chromium reports that last.
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(["in-incognito"]);
  const { data, errors } = await session.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  expect(JSON.parse(data ?? "")).toMatchObject({ name: "Daylist", display: "standalone" });

  await context.setOffline(true);
  await tasks.open();
  await expect(tasks.row("Feed the cat")).toBeVisible();
  await tasks.add("Written offline @tomorrow 5pm");
  await expect(tasks.row("Written offline")).toBeVisible();
  await tasks.open();
  await expect(tasks.row("Written offline")).toContainText("17:00");
  await expect(tasks.note("Changes wait on this device.")).toHaveCount(1);
  await context.setOffline(false);
  await tasks.hasSaved("Written offline");
  await expect(tasks.note("Changes wait on this device.")).toHaveCount(0);

  const kept = await page.evaluate(async () => {
    const caches = await Promise.all((await window.caches.keys()).map((name) => window.caches.open(name)));
    const requests = (await Promise.all(caches.map((cache) => cache.keys()))).flat();
    return requests.map(({ url }) => new URL(url).pathname);
  });
  const isFile =
    /^\/(index\.html|manifest\.webmanifest|[\w-]+\.(svg|png)|assets\/(?!reference)[\w.-]+\.(js|css|woff2))$/u;
  expect(kept.length).toBeGreaterThan(5);
  expect(kept.filter((path) => !isFile.test(path))).toEqual([]);
});

test("a new version starts when the user wants", async ({ page }) => {
  const files = mkdtempSync(join(tmpdir(), "daylist-"));
  cpSync("dist", files, { recursive: true });
  const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
  const server = createServer(({ url = "/" }, response) => {
    const path = join(files, url === "/" ? "index.html" : url);
    const content = existsSync(path) ? readFileSync(path) : null;
    const headers = { "content-type": types[extname(path)] ?? "application/json", "cache-control": "no-cache" };
    response.writeHead(content ? 200 : 404, headers).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const urls = { api_url: `http://127.0.0.1:${port}`, auth_url: `http://127.0.0.1:${port}` };
  writeFileSync(join(files, "config.json"), JSON.stringify(urls));
  await page.goto(`http://127.0.0.1:${port}/`);
  await isKept(page);

  const [index, worker] = [join(files, "index.html"), join(files, "sw.js")];
  writeFileSync(index, readFileSync(index, "utf8").replace('lang="en"', 'lang="en" data-version="2"'));
  const revised = readFileSync(worker, "utf8").replace(/(url:"index\.html",revision:")\w+/u, "$1second");
  writeFileSync(worker, revised);
  await page.reload();
  await expect(page.locator("html")).not.toHaveAttribute("data-version");
  const note = page.getByRole("status").filter({ hasText: "A new version of Daylist is ready." });
  await note.getByRole("button", { name: "Reload" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-version", "2");
  server.close();
  rmSync(files, { recursive: true });
});

test("what one tab does, the other shows at once", async ({ context, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  const second = await context.newPage();
  await second.goto("/#/open");
  await expect(second.getByRole("checkbox", { name: "Complete Feed the cat" })).toBeVisible();
  await context.setOffline(true);
  await tasks.add("Walk the dog");
  await expect(second.getByRole("checkbox", { name: "Complete Walk the dog" })).toBeVisible({ timeout: 1_000 });
});
