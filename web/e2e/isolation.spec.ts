import { API, expect, newPerson, Store, TaskPage, test, WAITS } from "./product";

test.use({ failuresExpected: true });

test("users see only their own tasks", async ({ browser, tasks, person, store }) => {
  await tasks.open();
  await tasks.add("Ada’s secret");
  await tasks.hasSaved("Ada’s secret");
  const [secret] = await store.all();

  const other = await browser.newContext();
  const bob = await newPerson(other, "Bob");
  const bobs = new TaskPage(await other.newPage());
  await bobs.open("/#/all");
  await expect(bobs.page.getByRole("heading", { name: "No tasks yet" })).toBeVisible();
  await bobs.add("Bob’s own");
  await bobs.hasSaved("Bob’s own");

  const headers = await new Store(other.request).headers();
  const status = async (path: string) => (await other.request.get(API + path, { headers })).status();
  expect(await status(`/api/${person.id}/tasks`)).toBe(403);
  expect(await status(`/api/me/tasks/${secret?.id}`)).toBe(404);
  expect(await status(`/api/${bob.id}/tasks`)).toBe(200);

  await tasks.open("/#/all");
  await expect(tasks.page.locator("[data-row]")).toHaveCount(1);
  await other.close();
});

test("a tab follows a sign-in of another user in another tab", { tag: WAITS }, async ({ context, tasks, person }) => {
  await tasks.open();
  await tasks.add("Ada’s secret");
  await tasks.hasSaved("Ada’s secret");

  const bob = await newPerson(context, "Bob");
  const bobs = new TaskPage(await context.newPage());
  await bobs.open();
  await expect(bobs.page.getByRole("heading", { name: "All clear" })).toBeVisible();

  // Ada's tab does not know yet. Its request has Ada's id in the path, which does not match Bob's token.
  await tasks.page.waitForTimeout(21_000);
  await tasks.add("Written by Ada, too late");
  await expect(tasks.page.getByRole("button", { name: `${bob.name} Account` })).toBeVisible();
  await expect(tasks.page.getByText("Ada’s secret")).toBeHidden();
  expect(await new Store(context.request).all()).toEqual([]);
  expect(person.id).not.toBe(bob.id);
});

test("signing out ends all tabs", async ({ context, tasks }) => {
  await tasks.open();
  const second = new TaskPage(await context.newPage());
  await second.open();
  await second.signOut();
  await expect(tasks.page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
});
