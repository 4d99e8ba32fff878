import { API, BATCH, expect, refuse, TaskPage, test } from "./product";

test.use({ failuresExpected: true });

const TASKS = `${API}/api/**`;

test("a lost response does not create a task twice", async ({ page, tasks, store }) => {
  await tasks.open();
  const keys: string[] = [];
  await page.route(BATCH, async (route) => {
    const { items } = route.request().postDataJSON();
    keys.push(items[0].idempotency_key);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await tasks.add("Only once");
  await tasks.hasSaved("Only once");
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  expect(await store.all()).toMatchObject([{ title: "Only once", version: 1 }]);
  await tasks.open();
  await expect(page.locator("[data-row]")).toHaveCount(1);
});

test("a lost response does not repeat a change", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  let sent = 0;
  await page.route(BATCH, async (route) => {
    sent += 1;
    if (sent > 1) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await tasks.checkbox("Feed the cat").click();
  await expect(tasks.row("Feed the cat")).toBeHidden();
  await expect.poll(() => sent).toBe(2);
  await tasks.show("Completed");
  await tasks.hasSaved("Feed the cat");
  await expect(page.getByRole("dialog")).toBeHidden();
  expect((await store.all())[0]).toMatchObject({ completed: true, version: 2 });
});

test("changes wait for an API that is down, across reloads", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await page.route(TASKS, (route) => route.abort("connectionrefused"));

  await tasks.checkbox("Feed the cat").click();
  const note = tasks.note("The server can’t be reached. Changes wait on this device.");
  await expect(note).toBeVisible();
  await tasks.add("Written while it was down");
  await expect(tasks.row("Written while it was down")).toHaveAttribute("aria-busy", "true");

  await tasks.open();
  await expect(tasks.row("Written while it was down")).toHaveAttribute("aria-busy", "true");
  await expect(tasks.row("Feed the cat")).toBeHidden();
  await expect(note).toBeVisible();

  await page.unroute(TASKS);
  await note.getByRole("button", { name: "Try again" }).click();
  await tasks.hasSaved("Written while it was down");
  await expect(note).toBeHidden();
  const titles = (await store.all()).map(({ title, completed }) => `${title}: ${completed}`);
  expect(titles.sort()).toEqual(["Feed the cat: true", "Written while it was down: false"]);
});

test("a returning API is noticed automatically", async ({ page, tasks, store }) => {
  await tasks.open();
  await page.route(TASKS, (route) => route.abort("connectionrefused"));
  await tasks.add("Written while it was down");
  await expect(tasks.note("The server can’t be reached.")).toBeVisible();
  await page.unroute(TASKS);
  await tasks.hasSaved("Written while it was down");
  expect(await store.all()).toHaveLength(1);
});

test("an error is shown until tasks can be loaded", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  const busy = { status: 503, headers: { "retry-after": "1", "access-control-allow-origin": "*" }, body: "{}" };
  await page.route(TASKS, (route) => (route.request().method() === "GET" ? route.fulfill(busy) : route.continue()));
  await page.goto("/#/open");
  await expect(page.getByRole("heading", { name: "Your tasks can’t be shown" })).toBeVisible();
  await page.unroute(TASKS);
  await page.getByRole("button", { name: "Try again" }).first().click();
  await expect(tasks.row("Feed the cat")).toBeVisible();
});

test("an interrupted first load resumes", async ({ page, tasks, store }) => {
  await store.addMany(Array.from({ length: 600 }, (_, index) => `Task ${index}`));
  const tokens: (string | null)[] = [];
  await page.route(/\/changes\?/u, (route) => {
    tokens.push(new URL(route.request().url()).searchParams.get("since"));
    return tokens.length === 2 ? route.abort() : route.continue();
  });
  await page.goto("/#/open");
  await expect(page.getByRole("status")).toHaveText("600 tasks");
  // The second page is requested again, but not the first one.
  expect(tokens[0]).toBeNull();
  expect(tokens[2]).toBe(tokens[1]);
  expect(tokens.filter((token) => token === null)).toHaveLength(1);
  await expect(tasks.row("Task 0")).toBeVisible();
});

test("the page works offline, and catches up afterwards", async ({ page, context, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open("/#/completed");
  await context.setOffline(true);
  await expect(tasks.note("You are offline")).toBeVisible();
  await tasks.show("Open");
  await expect(tasks.row("Feed the cat")).toBeVisible();
  await tasks.add("Written offline");
  await expect(tasks.row("Written offline")).toHaveAttribute("aria-busy", "true");
  await context.setOffline(false);
  await tasks.hasSaved("Written offline");
  await expect(tasks.note("You are offline")).toBeHidden();
  await store.add({ title: "Added elsewhere" });
  await context.setOffline(true);
  await context.setOffline(false);
  await expect(tasks.row("Added elsewhere")).toBeVisible();
  await expect(page.locator("[data-row]")).toHaveCount(3);
});

test("a returning user sees their tasks without any service", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await expect(tasks.row("Feed the cat")).toBeVisible();
  for (const url of [TASKS, "**/api/auth/**", "**/config.json"]) await page.route(url, (route) => route.abort());
  await tasks.open();
  await expect(tasks.row("Feed the cat")).toBeVisible();
  await tasks.add("Written offline");
  await expect(tasks.row("Written offline")).toBeVisible();
  await page.unrouteAll();
  await tasks.note("can’t be reached").getByRole("button", { name: "Try again" }).click();
  await tasks.hasSaved("Written offline");
  expect(await store.all()).toHaveLength(2);
});

test("a rejected change shows why, and can be repeated or discarded", async ({ page, tasks, store }) => {
  await tasks.open();
  await refuse(page, { pointer: "/title", detail: "is not allowed today" });
  await tasks.add("Not today");
  const row = tasks.row("Not today");
  await expect(row).toContainText("Not saved. The title is not allowed today.");
  await tasks.open();
  await expect(row).toContainText("Not saved. The title is not allowed today.");
  await page.unroute(BATCH);
  await row.getByRole("button", { name: "Try again" }).click();
  await expect(row).not.toContainText("Not saved");
  await tasks.hasSaved("Not today");
  expect(await store.all()).toHaveLength(1);

  await refuse(page, { pointer: "/title", detail: "is not allowed today" });
  const form = await tasks.edit("Not today");
  await form.getByLabel("Title").fill("Never");
  await form.getByRole("button", { name: "Save" }).click();
  await tasks.row("Never").getByRole("button", { name: "Discard" }).click();
  await expect(tasks.row("Not today")).toBeVisible();
});

test("a rejected deletion brings the task back", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await refuse(page);
  await tasks.delete("Feed the cat");
  await tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  const note = tasks.note("“Feed the cat” was not deleted.");
  await expect(note).toBeVisible();
  await expect(tasks.row("Feed the cat")).toBeVisible();
  await page.unroute(BATCH);
  await note.getByRole("button", { name: "Try again" }).click();
  await expect.poll(async () => (await store.all()).length).toBe(0);
});

test("a task that cannot be restored any more can be added again", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await tasks.delete("Feed the cat");
  await tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  await expect.poll(() => store.all()).toEqual([]);
  await page.route(BATCH, (route) => {
    const [{ id }] = route.request().postDataJSON().items;
    const problem = { code: "restore_expired", detail: "The task was deleted too long ago to be restored." };
    const headers = { "access-control-allow-origin": "*" };
    return route.fulfill({ headers, json: { results: [{ id, status: 410, etag: null, problem }] } });
  });
  await page.keyboard.press("Control+z");
  await expect(tasks.row("Feed the cat")).toContainText("Not saved.");
  await page.unroute(BATCH);
  await tasks.row("Feed the cat").getByRole("button", { name: "Add it again" }).click();
  await tasks.hasSaved("Feed the cat");
  await expect.poll(async () => (await store.all()).length).toBe(1);
});

test("a closing page sends its deletions", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await tasks.delete("Feed the cat");
  await page.goto("about:blank");
  await expect.poll(async () => (await store.all()).length).toBe(0);
});

test("an unsent deletion is made at the next visit", async ({ page, context, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await store.add({ title: "Walk the dog" });
  // As in a crash, it has no time to say goodbye.
  await page.addInitScript(() => addEventListener("pagehide", (event) => event.stopImmediatePropagation()));
  await tasks.open();
  await tasks.delete("Feed the cat");
  await tasks.delete("Walk the dog");
  await tasks.note("Walk the dog").getByRole("button", { name: "Undo" }).click();
  await page.close();
  expect(await store.all()).toHaveLength(2);
  const next = new TaskPage(await context.newPage());
  await next.open();
  await expect(next.row("Walk the dog")).toBeVisible();
  await expect(next.row("Feed the cat")).toBeHidden();
  await expect.poll(async () => (await store.all()).map(({ title }) => title)).toEqual(["Walk the dog"]);
});

test("a deletion can be undone while its page is open", async ({ context, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  const second = new TaskPage(await context.newPage());
  await second.open();
  await tasks.delete("Feed the cat");
  await expect(second.row("Feed the cat")).toBeHidden();
  const third = new TaskPage(await context.newPage());
  await third.open();
  await expect(third.page.getByRole("heading", { name: "All clear" })).toBeVisible();
  await tasks.note("Deleted").hover();
  await tasks.note("Deleted").getByRole("button", { name: "Undo" }).click();
  for (const { row } of [tasks, second, third].map((page) => ({ row: page.row("Feed the cat") }))) {
    await expect(row).toBeVisible();
  }
  expect(await store.all()).toHaveLength(1);
  await tasks.delete("Feed the cat");
  await tasks.page.close();
  await expect.poll(async () => (await store.all()).length).toBe(0);
  await expect(second.row("Feed the cat")).toBeHidden();
});

test.describe("on a phone in German", () => {
  test.use({ locale: "de-DE", viewport: { width: 390, height: 844 } });

  test("a lost connection leaves room for what it says", async ({ page, tasks }) => {
    await tasks.open();
    await page.route(BATCH, (route) => route.abort("connectionreset"));
    await page.getByRole("textbox", { name: "Neue Aufgabe" }).fill("Blumen kaufen");
    await page.keyboard.press("Enter");
    const note = page.locator(".note").filter({ hasText: "Änderungen warten" });
    await expect(note).toBeVisible();
    expect((await note.boundingBox())?.height).toBeLessThan(150);
  });
});
