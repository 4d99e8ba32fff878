import { expect, test } from "./product";

test("everything works by keyboard", async ({ page, tasks, store }) => {
  const { keyboard } = page;
  await tasks.open();

  await keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Skip to the tasks" })).toBeFocused();
  await keyboard.press("n");
  await expect(tasks.composer).toBeFocused();
  for (const line of ["First #a", "Second #b", "Third #b"]) {
    await keyboard.type(line);
    await keyboard.press("Enter");
    await tasks.hasSaved(line.slice(0, -3));
  }

  await keyboard.press("ArrowDown");
  await expect(page.getByRole("button", { name: "Edit First", exact: true })).toBeFocused();
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await expect(page.locator("input:focus")).toHaveValue("Second");
  await keyboard.type("Second, better");
  await keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Edit Second, better", exact: true })).toBeFocused();

  await keyboard.press("x");
  await expect(tasks.row("Second, better")).toBeHidden();
  // The next task gets the focus.
  await expect(page.getByRole("button", { name: "Edit Third", exact: true })).toBeFocused();
  await keyboard.press("z");
  await expect(tasks.row("Second, better")).toBeVisible();
  await tasks.hasSaved("Second, better");

  await keyboard.press("Delete");
  await expect(tasks.row("Third")).toBeHidden();
  await expect(page.getByRole("button", { name: "Edit Second, better", exact: true })).toBeFocused();
  await keyboard.press("z");
  await expect(tasks.row("Third")).toBeVisible();

  await keyboard.press("e");
  await expect(page.getByRole("form", { name: "Edit Second, better" })).toBeVisible();
  await keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Edit Second, better", exact: true })).toBeFocused();

  for (const key of ["ArrowDown", "Enter"]) {
    await keyboard.press("/");
    await keyboard.type("thi");
    await keyboard.press(key);
    await expect(page.locator("[data-row]")).toHaveCount(1);
    await expect(page.getByRole("button", { name: "Edit Third", exact: true })).toBeFocused();
    await keyboard.press("/");
    await keyboard.press("Escape");
    await expect(page.locator("[data-row]")).toHaveCount(3);
  }

  await keyboard.press("/");
  await keyboard.type("a");
  await expect(page.locator("[data-row]")).toHaveCount(1);
  await keyboard.press("Escape");
  await expect(page.locator("[data-row]")).toHaveCount(3);

  await keyboard.press("Control+k");
  await keyboard.type("upcoming");
  await keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Upcoming" })).toBeVisible();
  await keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.getByRole("checkbox", { name: "Use single-key shortcuts" }).press("Space");
  await keyboard.press("Escape");
  await keyboard.press("n");
  await expect(tasks.composer).not.toBeFocused();
  expect((await store.all()).map(({ title }) => title)).toEqual(["Third", "Second, better", "First"]);
});

test("after the last row, the focus is on the list's heading, where keys are shortcuts", async ({
  page,
  tasks,
  store,
}) => {
  const { keyboard } = page;
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  const heading = page.getByRole("heading", { level: 1 });
  for (const key of ["x", "Delete"]) {
    await keyboard.press("j");
    await expect(page.getByRole("button", { name: "Edit Feed the cat", exact: true })).toBeFocused();
    await keyboard.press(key);
    await expect(page.locator("[data-row]")).toHaveCount(0);
    await expect(heading).toBeFocused();
    await keyboard.press("z");
    await expect(tasks.row("Feed the cat")).toBeVisible();
    await expect(tasks.composer).toHaveValue("");
  }
});

test("keys that compose text are not the page's", async ({ page, tasks, store }) => {
  await store.add({ title: "Tokyo" });
  await tasks.open();
  const form = await tasks.edit("Tokyo");
  const compose = (key: string) =>
    page.locator(":focus").evaluate((box, key) => {
      const options = { key, isComposing: true, bubbles: true, cancelable: true };
      return box.dispatchEvent(new KeyboardEvent("keydown", options));
    }, key);
  for (const [name, typed] of [
    ["Add a subtask", "にほ"],
    ["Add a tag", "とう"],
  ] as const) {
    const box = form.getByLabel(name);
    await box.fill(typed);
    for (const key of ["Enter", "ArrowDown", "Escape"]) expect(await compose(key)).toBe(true);
    await expect(box).toHaveValue(typed);
    await expect(box).toBeFocused();
    await box.fill("");
  }
  await tasks.composer.fill("かい");
  for (const key of ["ArrowDown", "Escape"]) expect(await compose(key)).toBe(true);
  await expect(tasks.composer).toBeFocused();
});

test("screen readers hear what happens", async ({ page, tasks }) => {
  await tasks.open();
  const status = page.getByRole("status");
  await expect(status).toHaveText("No tasks");
  await tasks.add("Feed the cat");
  await expect(status).toHaveText("Added Feed the cat");
  await tasks.hasSaved("Feed the cat");
  await tasks.checkbox("Feed the cat").click();
  await expect(status).toContainText("Completed “Feed the cat”. Undo is available.");
});
