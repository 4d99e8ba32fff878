import { API, expect, test } from "./product";

test.use({ failuresExpected: true });

const TASKS = `${API}/api/**`;

test("a create whose answer is lost makes one task", async ({ page, tasks, store }) => {
  await tasks.open();
  const keys: (string | undefined)[] = [];
  await page.route(TASKS, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await tasks.add("Only once");
  await tasks.hasSaved("Only once");
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  expect(await store.all()).toHaveLength(1);
  await tasks.open();
  await expect(page.locator("[data-row]")).toHaveCount(1);
});

test("a change whose answer is lost is made once, without a word", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  const keys: (string | undefined)[] = [];
  await page.route(TASKS, async (route) => {
    if (route.request().method() !== "PATCH") return route.continue();
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await tasks.checkbox("Feed the cat").click();
  await expect(tasks.row("Feed the cat")).toBeHidden();
  await expect(tasks.note("was not saved")).toBeHidden();
  await expect(() => expect(keys).toHaveLength(2)).toPass();
  expect(new Set(keys).size).toBe(1);
  expect((await store.all())[0]).toMatchObject({ completed: true, version: 2 });
});

test("a change whose answers are all lost is not taken for somebody else’s", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  // As often as the client sends a request.
  let losses = 3;
  await page.route(TASKS, async (route) => {
    if (route.request().method() !== "PATCH" || losses === 0) return route.continue();
    losses -= 1;
    await route.fetch();
    return route.abort("connectionreset");
  });
  await tasks.checkbox("Feed the cat").click();
  await tasks.note("was not saved").getByRole("button", { name: "Try again" }).click();
  await expect(tasks.row("Feed the cat")).toBeHidden();
  await expect(page.getByRole("dialog")).toBeHidden();
  expect((await store.all())[0]).toMatchObject({ completed: true, version: 2 });
});

test("an API that is down takes changes back, keeps what was written, and comes back", async ({
  page,
  tasks,
  store,
}) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await page.route(TASKS, (route) => route.abort("connectionrefused"));

  await tasks.checkbox("Feed the cat").click();
  const note = tasks.note("“Feed the cat” was not saved. The server can’t be reached.");
  await expect(note).toBeVisible();
  await expect(tasks.checkbox("Feed the cat")).not.toBeChecked();
  await tasks.add("Written while it was down");
  await expect(tasks.row("Written while it was down")).toContainText("Not saved yet. The server can’t be reached.");

  await page.unroute(TASKS);
  await note.getByRole("button", { name: "Try again" }).click();
  await expect(tasks.row("Feed the cat")).toBeHidden();
  await tasks.row("Written while it was down").getByRole("button", { name: "Try again" }).click();
  await tasks.hasSaved("Written while it was down");
  const titles = (await store.all()).map(({ title, completed }) => `${title}: ${completed}`);
  expect(titles.sort()).toEqual(["Feed the cat: true", "Written while it was down: false"]);
});

test("a list that cannot be had says so, and is there once it can", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  const busy = { status: 503, headers: { "retry-after": "1", "access-control-allow-origin": "*" }, body: "{}" };
  await page.route(TASKS, (route) => (route.request().method() === "GET" ? route.fulfill(busy) : route.continue()));
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Your tasks can’t be shown" })).toBeVisible();
  await page.unroute(TASKS);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(tasks.row("Feed the cat")).toBeVisible();
});

test("offline, the page says so, and reads on by itself afterwards", async ({ page, context, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open("/#/completed");
  await context.setOffline(true);
  await expect(tasks.note("You are offline")).toBeVisible();
  await tasks.show("Open");
  await expect(page.getByRole("heading", { name: "Your tasks can’t be shown" })).toBeVisible();
  await context.setOffline(false);
  await expect(tasks.row("Feed the cat")).toBeVisible();
  await expect(tasks.note("You are offline")).toBeHidden();
});

test("a deletion that fails brings the task back", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await page.route(TASKS, (route) => (route.request().method() === "DELETE" ? route.abort() : route.continue()));
  await tasks.delete("Feed the cat");
  await tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  await expect(tasks.note("“Feed the cat” was not deleted.")).toBeVisible();
  await expect(tasks.row("Feed the cat")).toBeVisible();
});

test("a page that goes away takes its deletions along", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await tasks.delete("Feed the cat");
  await page.goto("about:blank");
  await expect.poll(async () => (await store.all()).length).toBe(0);
});

test("the next page of a list can be tried again", async ({ page, tasks, store }) => {
  const headers = await store.headers();
  const create = (title: string) => store.request.post(`${API}/api/me/tasks`, { data: { title }, headers });
  await Promise.all(Array.from({ length: 60 }, (_, index) => create(`Task ${index}`)));
  await page.route(/cursor=/u, (route) => route.abort());
  await tasks.open();
  await page.locator("[data-row]").last().scrollIntoViewIfNeeded();
  await expect(page.getByText("The next tasks could not be loaded.")).toBeVisible();
  await page.unroute(/cursor=/u);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.locator("[data-row]")).toHaveCount(60);
});
