import { day, expect, newAccount, Store, TaskPage, test } from "./product";

test("a new user signs up, works, signs out, and returns", async ({ page, context }) => {
  // A wrong password is tested elsewhere, because the browser would log the 401.
  const account = newAccount("Grace");
  const tasks = new TaskPage(page);
  await page.goto("/");
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("Your name").fill(account.name);
  await page.getByLabel("Email").fill(account.email);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByLabel("Password", { exact: true }).press("Enter");
  await expect(page.getByRole("heading", { name: "All clear" })).toBeVisible();
  await tasks.show("Open");

  await test.step("adds tasks with Enter", async () => {
    await tasks.add(`Renew the passport !high @${day(-1)} #papers`);
    await tasks.add("Call the dentist @today #health");
    await tasks.add(`Book the train @${day(3)} #travel`);
    await tasks.add(`Plan the holidays @${day(40)} #travel`);
    await tasks.add("Learn to whistle");
    await expect(tasks.composer).toBeFocused();
    const groups = ["Overdue", "Today", "Next 7 days", "Later", "No date"];
    await expect(page.getByRole("heading", { level: 2 })).toHaveText(groups);
    await expect(page.getByRole("region", { name: "Overdue" }).getByRole("listitem")).toContainText(
      "Renew the passport",
    );
    await tasks.hasSaved("Learn to whistle");
  });

  await test.step("adds one with the controls instead of markers", async () => {
    await page.getByLabel("Due date").first().fill(day(0));
    await page.getByRole("combobox", { name: "Priority", exact: false }).first().selectOption("Low");
    await tasks.add("Water the plants");
    await expect(tasks.row("Water the plants")).toContainText("Low");
    await expect(page.getByRole("region", { name: "Today" })).toContainText("Water the plants");
  });

  await test.step("edits in place", async () => {
    const form = await tasks.edit("Book the train");
    await expect(form.getByLabel("Title")).toBeFocused();
    await form.getByLabel("Title").fill("Book the night train");
    await form.getByLabel("Notes").fill("Window seat.\nTwo people.");
    await form.getByLabel("Due date").fill(day(5));
    await form.getByLabel("Due time").fill("18:30");
    await form.getByRole("radio", { name: "Medium" }).check();
    await form.getByLabel("Add a tag").fill("lisbon");
    await form.getByLabel("Add a tag").press("Enter");
    await form.getByRole("button", { name: "Remove tag travel" }).click();
    await form.getByRole("button", { name: "Save" }).click();
    const row = tasks.row("Book the night train");
    for (const fact of ["18:30", "Medium", "Notes", "#lisbon"]) await expect(row).toContainText(fact);
    await expect(row).not.toContainText("#travel");
    await expect(page.getByRole("button", { name: "Edit Book the night train", exact: true })).toBeFocused();
  });

  await test.step("leaves a form without changing anything", async () => {
    const form = await tasks.edit("Learn to whistle");
    await form.getByLabel("Title").fill("Learn to sing");
    await form.getByLabel("Title").press("Escape");
    await expect(tasks.row("Learn to whistle")).toBeVisible();
  });

  await test.step("finds everything again after a reload", async () => {
    await tasks.hasSaved("Book the night train");
    await tasks.open();
    const form = await tasks.edit("Book the night train");
    await expect(form.getByLabel("Notes")).toHaveValue("Window seat.\nTwo people.");
    await expect(form.getByLabel("Due time")).toHaveValue("18:30");
    await form.getByRole("button", { name: "Cancel" }).click();
  });

  await test.step("completes, undoes, completes and reopens", async () => {
    await tasks.checkbox("Call the dentist").click();
    await expect(tasks.row("Call the dentist")).toBeHidden();
    await tasks.note("Completed “Call the dentist”").getByRole("button", { name: "Undo" }).click();
    await expect(tasks.checkbox("Call the dentist")).not.toBeChecked();
    await tasks.checkbox("Call the dentist").click();
    await expect(tasks.row("Call the dentist")).toBeHidden();
    await tasks.show("Completed");
    await expect(tasks.checkbox("Call the dentist")).toBeChecked();
    await tasks.checkbox("Call the dentist").click();
    await expect(tasks.row("Call the dentist")).toBeHidden();
    await expect(page.getByRole("heading", { name: "Nothing completed yet" })).toBeVisible();
    await tasks.show("All");
    await expect(tasks.checkbox("Call the dentist")).not.toBeChecked();
    await expect(page.locator("[data-row]")).toHaveCount(6);
    await expect(page.locator("[data-row]").first()).toContainText("Water the plants");
  });

  await test.step("filters by tag and by priority", async () => {
    await tasks.row("Plan the holidays").getByRole("button", { name: "#travel" }).click();
    await expect(page.locator("[data-row]")).toHaveCount(1);
    await expect(page.getByRole("combobox", { name: "Filter by tag" })).toHaveValue("travel");
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByRole("combobox", { name: "Filter by priority" }).selectOption("High priority");
    await expect(page.locator("[data-row]")).toHaveCount(1);
    await expect(tasks.row("Renew the passport")).toBeVisible();
    await page.getByRole("combobox", { name: "Filter by tag" }).fill("nowhere");
    await page.getByRole("combobox", { name: "Filter by tag" }).press("Enter");
    await expect(page.getByRole("heading", { name: "Nothing matches" })).toBeVisible();
    await page.goBack();
    await expect(tasks.row("Renew the passport")).toBeVisible();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await tasks.show("Open");
  });

  await test.step("deletes, and changes their mind", async () => {
    await tasks.delete("Learn to whistle");
    await expect(tasks.row("Learn to whistle")).toBeHidden();
    await tasks.note("Deleted “Learn to whistle”").getByRole("button", { name: "Undo" }).click();
    await expect(tasks.row("Learn to whistle")).toBeVisible();
    await tasks.delete("Learn to whistle");
    await tasks.note("Deleted “Learn to whistle”").getByRole("button", { name: "Dismiss" }).click();
    const store = new Store(context.request);
    await expect.poll(async () => (await store.all()).map(({ title }) => title)).not.toContain("Learn to whistle");
  });

  await test.step("signs out, and finds the tasks again", async () => {
    await tasks.delete("Plan the holidays");
    await tasks.signOut();
    await expect(page.getByText("Book the night train")).toBeHidden();
    await page.getByLabel("Email").fill(account.email);
    await page.getByLabel("Password", { exact: true }).fill(account.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(tasks.row("Book the night train")).toBeVisible();
    // Signing out sent the deletion without waiting for the undo period.
    await expect(tasks.row("Plan the holidays")).toBeHidden();
  });

  await test.step("leaves no token where a script could find it later", async () => {
    const stored = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    expect(stored).not.toContain("eyJ");
    expect(stored).not.toContain("session_token");
    const cookies = await context.cookies();
    expect(cookies.filter(({ name }) => name.includes("session_token")).map(({ httpOnly }) => httpOnly)).toEqual([
      true,
    ]);
  });
});

test("of a long list, only what is near the screen is in the document", async ({ page, tasks, store }) => {
  await store.addMany(Array.from({ length: 300 }, (_, index) => `Task ${index}`));
  await tasks.open("/#/all");
  const rows = page.locator("[data-row]");
  const few = async () => expect(await rows.count()).toBeLessThan(70);
  await expect(rows.first()).toHaveAttribute("aria-setsize", "300");
  await few();
  await page.keyboard.press("j");
  await page.keyboard.press("End");
  const last = rows.last();
  await expect(last.getByRole("button", { name: /^Edit/u })).toBeFocused();
  await expect(last).toBeInViewport();
  await expect(last).toHaveAttribute("aria-posinset", "300");
  await few();
  await page.evaluate(() => scrollTo(0, 0));
  await expect(rows.first()).toHaveAttribute("aria-posinset", "1");
  // The row with the focus stays, wherever the list is scrolled to.
  await expect(last.getByRole("button", { name: /^Edit/u })).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(page.locator(":focus")).toBeInViewport();
});
