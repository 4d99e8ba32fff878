import { expect, TaskPage, test } from "./product";

// The browser logs rejected changes.
test.use({ failuresExpected: true });

test.beforeEach(async ({ store }) => {
  await store.add({ title: "Paint the door", tags: ["home"] });
});

test("a conflict of two tabs shows both versions", async ({ context, tasks }) => {
  await tasks.open();
  const second = new TaskPage(await context.newPage());
  await second.open();

  const slow = await tasks.edit("Paint the door");
  await slow.getByLabel("Title").fill("Paint the door red");
  const quick = await second.edit("Paint the door");
  await quick.getByLabel("Title").fill("Paint the door blue");
  await quick.getByRole("radio", { name: "High" }).check();
  await quick.getByRole("button", { name: "Save" }).click();
  await second.hasSaved("Paint the door blue");

  await slow.getByRole("button", { name: "Save" }).click();
  const dialog = tasks.page.getByRole("dialog", { name: "Changed somewhere else" });
  await expect(dialog).toContainText("You changed this task, and so did another tab or device.");
  await expect(dialog.getByRole("region", { name: "Your version" })).toContainText("Paint the door red");
  await expect(dialog.getByRole("region", { name: "The other version" })).toContainText("Paint the door blue");
  await tasks.page.keyboard.press("Escape");
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: "Keep the other" }).click();
  await expect(tasks.row("Paint the door blue")).toContainText("High");
});

test("a form asks before it overwrites what another tab has changed without a network", async ({ context, tasks }) => {
  await tasks.open();
  const second = new TaskPage(await context.newPage());
  await second.open();
  await context.setOffline(true);
  const form = await tasks.edit("Paint the door");
  await form.getByRole("radio", { name: "Low" }).check();
  await second.row("Paint the door").getByRole("button", { name: "Edit Paint the door" }).focus();
  await second.page.keyboard.press("1");
  await expect(second.row("Paint the door")).toContainText("High");
  await form.getByRole("button", { name: "Save" }).click();
  await context.setOffline(false);
  const dialog = tasks.page.getByRole("dialog", { name: "Changed somewhere else" });
  await expect(dialog.getByRole("region", { name: "Your version" })).toContainText("Low");
  await expect(dialog.getByRole("region", { name: "The other version" })).toContainText("High");
  await dialog.getByRole("button", { name: "Keep mine" }).click();
  await tasks.hasSaved("Paint the door");
  await expect(tasks.row("Paint the door")).toContainText("Low");
});

test("keeping my version changes only what I edited", async ({ tasks, store }) => {
  await tasks.open();
  const form = await tasks.edit("Paint the door");
  await form.getByLabel("Title").fill("Paint the door red");
  const [task] = await store.all();
  if (task) await store.change(task, { title: "Paint it", priority: "high" });
  await form.getByRole("button", { name: "Save" }).click();
  await tasks.page.getByRole("button", { name: "Keep mine" }).click();
  await tasks.hasSaved("Paint the door red");
  expect(await store.all()).toMatchObject([{ title: "Paint the door red", priority: "high", version: 3 }]);
});

test("only the contested field is asked about, and what is shown is stored", async ({ tasks, store }) => {
  await tasks.open();
  const form = await tasks.edit("Paint the door");
  await form.getByLabel("Title").fill("Paint the door red");
  await form.getByLabel("Notes").fill("Two coats.");
  const [task] = await store.all();
  if (task) await store.change(task, { title: "Paint the door blue", priority: "high" });
  await form.getByRole("button", { name: "Save" }).click();
  const dialog = tasks.page.getByRole("dialog", { name: "Changed somewhere else" });
  for (const version of ["Your version", "The other version"]) {
    const shown = dialog.getByRole("region", { name: version });
    for (const fact of ["Two coats.", "High"]) await expect(shown).toContainText(fact);
    await expect(shown.locator(".differs dt")).toHaveText(["Title (different)"]);
  }
  await dialog.getByRole("button", { name: "Keep the other" }).click();
  await tasks.hasSaved("Paint the door blue");
  const stored = { title: "Paint the door blue", priority: "high", description: "Two coats." };
  await expect.poll(() => store.all()).toMatchObject([stored]);
});

test("completing a task that was renamed elsewhere asks nothing", async ({ tasks, store }) => {
  await tasks.open();
  const [task] = await store.all();
  if (task) await store.change(task, { title: "Paint the gate" });
  await tasks.checkbox("Paint the door").click();
  await expect.poll(() => store.all()).toMatchObject([{ title: "Paint the gate", completed: true }]);
  await tasks.show("Completed");
  await tasks.hasSaved("Paint the gate");
  await expect(tasks.page.getByRole("dialog")).toBeHidden();
});

test("deleting a task that has changed asks first", async ({ tasks, store }) => {
  await tasks.open();
  const [task] = await store.all();
  if (task) await store.change(task, { title: "Paint the door twice" });
  await tasks.delete("Paint the door");
  await tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  await tasks.page.getByRole("button", { name: "Keep the task" }).click();
  await expect(tasks.row("Paint the door twice")).toBeVisible();
  await tasks.delete("Paint the door twice");
  await tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  await expect.poll(async () => (await store.all()).length).toBe(0);
});

test("edits of a deleted task can become a new task", async ({ tasks, store }) => {
  await tasks.open();
  const form = await tasks.edit("Paint the door");
  await form.getByLabel("Title").fill("Paint the door green");
  const [task] = await store.all();
  const headers = await store.headers();
  await store.request.delete(`${process.env.API_URL}/api/me/tasks/${task?.id}`, { headers });
  await form.getByRole("button", { name: "Save" }).click();
  const row = tasks.row("Paint the door green");
  await expect(row).toContainText("Not saved. It was deleted somewhere else.");
  await row.getByRole("button", { name: "Add it again" }).click();
  await expect(row).toHaveCount(1);
  await expect(row).not.toContainText("Not saved");
  await tasks.hasSaved("Paint the door green");
  expect(await store.all()).toMatchObject([{ title: "Paint the door green", tags: ["home"] }]);
});

test("a new subtask of a deleted task can become a task", async ({ tasks, store }) => {
  await tasks.open();
  const form = await tasks.edit("Paint the door");
  const [task] = await store.all();
  const headers = await store.headers();
  await store.request.delete(`${process.env.API_URL}/api/me/tasks/${task?.id}`, { headers });
  const box = form.getByLabel("Add a subtask");
  await box.fill("Buy paint");
  await box.press("Enter");
  const row = tasks.row("Buy paint");
  await expect(row).toContainText("Not saved. It belongs to a task that was deleted or completed.");
  await row.getByRole("button", { name: "Add it again" }).click();
  await expect(row).not.toContainText("Not saved");
  await tasks.hasSaved("Buy paint");
  await expect.poll(() => store.all()).toMatchObject([{ title: "Buy paint" }]);
});
