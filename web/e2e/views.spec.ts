/** Lists, search, selection, and keys. */
import { BATCH, day, expect, test } from "./product";

test("lists have counts, tags, and what is due", async ({ page, tasks, store }) => {
  await store.add({ title: "Renew the passport", due: day(-2), tags: ["Papers"] });
  await store.add({ title: "Water the plants", due: day(0), tags: ["home"] });
  await store.add({ title: "Book the train", due: day(3), tags: ["home"] });
  await store.add({ title: "Learn to whistle" });
  await tasks.open("/");
  const lists = page.getByRole("navigation", { name: "Lists" });
  await expect(lists.getByRole("link")).toHaveText([
    "Today, 2 tasks",
    "Upcoming, 1 task",
    "All, 4 tasks",
    "home, 2 tasks",
    "Papers, 1 task",
    "Completed",
  ]);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Today");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText(["Overdue", "Today"]);

  await test.step("a new task of today is due today", async () => {
    await tasks.add("Call the dentist");
    await expect(page.getByRole("region", { name: "Today" })).toContainText("Call the dentist");
  });
  await test.step("what is overdue is moved to today, and back", async () => {
    await page.getByRole("button", { name: "Move to today" }).click();
    await expect(page.getByRole("heading", { level: 2 })).toHaveText(["Today"]);
    await tasks.note("“Renew the passport” is due: Today.").getByRole("button", { name: "Undo" }).click();
    await expect(page.getByRole("region", { name: "Overdue" })).toContainText("Renew the passport");
  });
  await test.step("to where they were due at a time that is still to come, and without their subtasks", async () => {
    const passport = (await store.all()).find(({ title }) => title === "Renew the passport");
    await store.add({ title: "Find the photos", parent_id: passport?.id ?? "" });
    await tasks.open();
    for (const [title, time] of [
      ["Lock the door", "23:59"],
      ["Get up", "0:00"],
    ] as const) {
      await tasks.add(`${title} @${day(-1)} ${time}`);
      await expect(tasks.row(title)).toContainText("Yesterday");
    }
    await page.getByRole("button", { name: "Move to today" }).click();
    const today = page.getByRole("region", { name: "Today" });
    await expect(today).toContainText("Get up");
    await expect(today.getByRole("listitem").filter({ hasText: "Lock the door" })).toContainText("Due 23:59");
    await expect(tasks.row("Find the photos")).not.toContainText("Due");
    await expect(page.getByRole("region", { name: "Overdue" })).toBeHidden();
    await page.keyboard.press("Control+z");
    await expect(tasks.row("Lock the door")).toContainText("Yesterday, 23:59");
    for (const title of ["Lock the door", "Get up"]) await tasks.delete(title);
  });
  await test.step("a tag of any case is a list", async () => {
    await lists.getByRole("link", { name: /^Papers/u }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("#Papers");
    await expect(page.locator("[data-row]")).toHaveCount(1);
    await page.goto("/#/open?tag=HOME");
    await expect(page.locator("[data-row]")).toHaveCount(2);
    await page.getByLabel("Filter by priority").selectOption("High priority");
    await expect(page.getByText("No task here has the tag “HOME” and this priority.")).toBeVisible();
  });
  await test.step("what is coming has its days, or a week", async () => {
    await tasks.show("Upcoming");
    await expect(page.locator("[data-row]")).toHaveCount(1);
    await page.getByRole("button", { name: "Week", exact: true }).click();
    await expect(page.locator(".week-day")).toHaveCount(7);
    await expect(page.locator(".week-today")).toContainText("Water the plants");
    const next = page.locator(".week-day").nth(1);
    await next.getByRole("button", { name: /^Add a task on /u }).click();
    await page.keyboard.type("Mow the lawn");
    await page.keyboard.press("Enter");
    await expect(next).toContainText("Mow the lawn");
  });
});

test("without tasks, there is nothing to filter, and its place stays free", async ({ page, tasks }) => {
  await tasks.open();
  await expect(page.getByRole("heading", { name: "All clear" })).toBeVisible();
  await expect(page.getByRole("combobox", { name: "Sort by" })).toBeHidden();
  const place = await page.locator(".tools").boundingBox();
  await tasks.add("Learn to whistle");
  await expect(page.getByRole("combobox", { name: "Sort by" })).toBeVisible();
  expect((await page.locator(".tools").boundingBox())?.y).toBe(place?.y);
});

for (const [today, whole] of [
  ["2026-11-29T12:00:00", "23 Nov – 29 Nov"],
  ["2026-12-02T12:00:00", "30 Nov – 6 Dec"],
] as const) {
  test(`the week shows the days that are coming on ${today.slice(0, 10)}`, async ({ page, tasks }) => {
    await page.clock.setFixedTime(`${today}+01:00`);
    await tasks.open("/#/upcoming?layout=week");
    await expect(page.locator(".week-day").first()).toHaveClass(/week-today/u);
    await expect(page.locator(".week-day")).toHaveCount(7);
    await page.getByRole("button", { name: "Previous week" }).click();
    await expect(page.getByRole("heading", { level: 2 })).toHaveText(whole);
    await page.getByRole("button", { name: "Today", exact: true }).click();
    await expect(page.locator(".week-day").first()).toHaveClass(/week-today/u);
  });
}

test("Enter in the tag filter takes the tag that is meant", async ({ page, tasks, store }) => {
  await store.add({ title: "Water the plants", tags: ["Garden", "garden shed"] });
  await store.add({ title: "Weed the beds", tags: ["garden shed"] });
  await tasks.open();
  const heading = page.getByRole("heading", { level: 1 });
  const filter = page.getByLabel("Filter by tag");
  for (const [typed, tag] of [
    ["gard", "Garden"],
    ["garden", "Garden"],
    ["den s", "garden shed"],
    ["#garden shed", "garden shed"],
    // That tag again.
    ["shed", "garden shed"],
    ["attic", "attic"],
  ] as const) {
    await filter.fill(typed);
    await filter.press("Enter");
    await expect(heading).toHaveText(`#${tag}`);
    await expect(filter).toHaveValue(tag);
  }
});

test("arrow keys move the focus between the days of a week", async ({ page, tasks, store }) => {
  const { keyboard } = page;
  for (const [title, due] of [
    ["Water the plants", day(0)],
    ["Feed the cat", day(0)],
    ["Book the train", day(3)],
  ] as const)
    await store.add({ title, due });
  await tasks.open("/#/upcoming?layout=week");
  const focused = (title: string) =>
    expect(page.getByRole("button", { name: `Edit ${title}`, exact: true })).toBeFocused();
  await keyboard.press("j");
  await keyboard.press("j");
  await focused("Feed the cat");
  await keyboard.press("ArrowRight");
  await focused("Book the train");
  await keyboard.press("ArrowRight");
  await focused("Book the train");
  await keyboard.press("ArrowLeft");
  await focused("Water the plants");
  await keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toContainText("go to another day of the week");
});

test("tasks are dragged to another day of the week", async ({ page, tasks, store }) => {
  await store.add({ title: "Water the plants", due: day(0) });
  await tasks.open("/#/upcoming?layout=week");
  const other = page.locator(".week-day:not(.week-today)").first();
  const today = page.locator(".week-today");
  await tasks.row("Water the plants").dragTo(today);
  await expect(tasks.note("Water the plants")).toBeHidden();
  await tasks.row("Water the plants").hover();
  await page.mouse.down();
  // The browser tells the place with the second movement.
  for (const y of [100, 120]) await today.hover({ position: { x: 20, y } });
  for (const y of [100, 120]) await other.hover({ position: { x: 20, y } });
  await expect(page.locator(".week-day[data-drop]")).toHaveCount(1);
  await expect(other).toHaveCSS("outline-style", "solid");
  await page.mouse.up();
  await expect(page.locator(".week-day[data-drop]")).toHaveCount(0);
  await expect(other).toContainText("Water the plants");
  await tasks.hasSaved("Water the plants");
  await expect.poll(async () => (await store.all())[0]).not.toMatchObject({ due: day(0) });
});

test("a task that is dragged into a field writes nothing there", async ({ tasks, store }) => {
  const { id } = await store.add({ title: "Water the plants", due: day(0) });
  await store.add({ title: "Fill the can", parent_id: id });
  await tasks.open("/#/upcoming?layout=week");
  await tasks.row("Water the plants").dragTo(tasks.composer);
  await expect(tasks.composer).toHaveValue("");
  const form = await tasks.edit("Water the plants");
  await form.getByRole("listitem").dragTo(form.getByLabel("Add a subtask"));
  await expect(form.getByLabel("Add a subtask")).toHaveValue("");
});

test("search finds words of titles, tags, and notes from the first key", async ({ page, tasks, store }) => {
  await store.add({ title: "Meet José at the Café", tags: ["friends"] });
  await store.add({ title: "Fix the bike" });
  await tasks.open("/");
  await page.keyboard.press("/");
  await page.keyboard.type("j");
  await expect(page.locator("[data-row]")).toHaveCount(1);
  await page.keyboard.type("ose cafe");
  await expect(tasks.row("Meet José at the Café")).toBeVisible();
  await page.keyboard.type(" nowhere");
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Today");
});

test("search loses no letter that is typed fast", async ({ page, tasks }) => {
  await tasks.open();
  const text = "every letter of this was typed within a few milliseconds";
  const search = page.getByRole("searchbox");
  await search.focus();
  await search.evaluate(async (_, text) => {
    for (const [index, letter] of [...text].entries()) {
      document.execCommand("insertText", false, letter);
      await new Promise((resolve) => setTimeout(resolve, index % 12));
    }
  }, text);
  await expect(search).toHaveValue(text);
  await expect(page).toHaveURL(new RegExp(`q=${text.replaceAll(" ", ".")}$`, "u"));
});

test("lists are sorted as the user wants", async ({ page, tasks, store }) => {
  await store.add({ title: "B", priority: "low" });
  await store.add({ title: "A", priority: "high", due: day(9) });
  await store.add({ title: "C", due: day(1) });
  await tasks.open();
  const titles = page.locator(".task-title");
  await expect(titles).toHaveText(["C", "A", "B"]);
  const sort = page.getByRole("combobox", { name: "Sort by" });
  for (const [name, sorted] of [
    ["By priority", ["A", "B", "C"]],
    ["By title", ["A", "B", "C"]],
    ["Newest first", ["C", "A", "B"]],
  ] as const) {
    await sort.selectOption(name);
    await expect(titles).toHaveText(sorted);
  }
  await page.reload();
  await expect(titles).toHaveText(["C", "A", "B"]);
});

test("several tasks are changed at once, and that is undone at once", async ({ page, tasks, store }) => {
  for (const title of ["One", "Two", "Three", "Four"]) await store.add({ title });
  await tasks.open();
  await page.getByRole("button", { name: "Edit One", exact: true }).click({ modifiers: ["Control"] });
  await page.getByRole("button", { name: "Edit Three", exact: true }).click({ modifiers: ["Shift"] });
  const bar = page.getByRole("toolbar", { name: "Selected tasks" });
  await expect(bar).toContainText("3 selected");
  await bar.getByRole("combobox", { name: "Priority" }).selectOption("High");
  await expect(bar).toBeHidden();
  await expect(page.locator(".fact-priority")).toHaveText(["High priority", "High priority", "High priority"]);
  await tasks.note("Changed 3 tasks").getByRole("button", { name: "Undo" }).click();
  await expect(page.locator(".fact-priority")).toHaveCount(0);
  await page.getByRole("button", { name: "Edit One", exact: true }).click({ modifiers: ["Control"] });
  await bar.getByRole("combobox", { name: "Date" }).selectOption("Tomorrow");
  await expect(tasks.row("One")).toContainText("Tomorrow");

  await page.getByRole("button", { name: "Select", exact: true }).click();
  await bar.getByRole("button", { name: "Select all" }).click();
  await bar.getByRole("button", { name: "Delete" }).click();
  await expect(page.locator("[data-row]")).toHaveCount(0);
  await tasks.note("Deleted 4 tasks").getByRole("button", { name: "Undo" }).click();
  await expect(page.locator("[data-row]")).toHaveCount(4);
  await page.getByRole("button", { name: "Select", exact: true }).click();
  await bar.getByRole("button", { name: "Select all" }).click();
  await bar.getByRole("button", { name: "Complete" }).click();
  await expect(tasks.note("Completed 4 tasks.")).toBeVisible();
  await expect(page.locator("[data-row]")).toHaveCount(0);
  await expect.poll(async () => (await store.all()).every(({ completed }) => completed)).toBe(true);
});

test("selected tasks get a tag, and only those that do not have it", async ({ page, tasks, store }) => {
  await store.add({ title: "One", tags: ["Home"] });
  await store.add({ title: "Two", tags: ["bike"] });
  await store.add({ title: "Three" });
  await tasks.open();
  await page.getByRole("button", { name: "Select", exact: true }).click();
  const bar = page.getByRole("toolbar", { name: "Selected tasks" });
  await bar.getByRole("button", { name: "Select all" }).click();
  await bar.getByRole("combobox", { name: "Add a tag" }).selectOption("Home");
  await expect(bar).toBeHidden();
  const tags = async () => (await store.all()).map(({ title, tags }) => [title, ...tags].join(" ")).sort();
  await expect.poll(tags).toEqual(["One Home", "Three Home", "Two bike Home"]);
  await tasks.note("Changed 2 tasks").getByRole("button", { name: "Undo" }).click();
  await expect.poll(tags).toEqual(["One Home", "Three", "Two bike"]);
});

test("selecting begins with nothing, and keys change what is selected", async ({ page, tasks, store }) => {
  for (const title of ["One", "Two", "Three", "Four"]) await store.add({ title });
  await tasks.open();
  await page.getByRole("button", { name: "Select", exact: true }).click();
  const bar = page.getByRole("toolbar", { name: "Selected tasks" });
  await expect(bar).toContainText("0 selected");
  await expect(bar.getByRole("button", { name: "Delete" })).toBeDisabled();
  await expect(page.getByRole("checkbox", { name: "Select", checked: true })).toHaveCount(0);
  for (const title of ["One", "Three"]) await page.getByRole("checkbox", { name: `Select ${title}` }).click();
  await expect(bar).toContainText("2 selected");
  await page.keyboard.press("1");
  await expect(page.locator(".fact-priority")).toHaveText(["High priority", "High priority"]);
  await expect(bar).toBeHidden();
  await page.getByRole("button", { name: "Edit One", exact: true }).click({ modifiers: ["Control"] });
  await expect(bar).toContainText("1 selected");
  await tasks.show("Completed");
  await tasks.show("Open");
  await expect(tasks.row("One")).toBeVisible();
  await expect(bar).toBeHidden();

  await page.getByRole("button", { name: "Edit One", exact: true }).focus();
  await page.keyboard.press("v");
  await page.keyboard.press("j");
  await page.keyboard.press("v");
  await page.keyboard.press("j");
  await page.keyboard.press("Delete");
  await expect(page.locator(".task-title")).toHaveText(["Three", "Four"]);
  await tasks.note("Deleted 2 tasks").getByRole("button", { name: "Undo" }).click();
  await expect(page.locator("[data-row]")).toHaveCount(4);
  await page.getByRole("button", { name: "Select", exact: true }).click();
  await tasks.show("Completed");
  await expect(bar).toBeHidden();
  await tasks.show("Open");
  await page.getByRole("button", { name: "Select", exact: true }).focus();
  await page.keyboard.press("Escape");
  await expect(bar).toBeHidden();
});

test("rows have keys of their own", async ({ page, tasks, store }) => {
  const { keyboard } = page;
  for (const title of ["One", "Two", "Three"]) await store.add({ title });
  await tasks.open();
  await keyboard.press("j");
  await keyboard.press("j");
  await expect(page.getByRole("button", { name: "Edit Two", exact: true })).toBeFocused();
  await keyboard.press("k");
  await keyboard.press("1");
  await expect(tasks.row("One")).toContainText("High");
  await keyboard.press("4");
  await expect(tasks.row("One")).not.toContainText("High");
  await keyboard.press("t");
  await expect(page.getByRole("region", { name: "Today" })).toContainText("One");
  await expect(page.getByRole("button", { name: "Edit One", exact: true })).toBeFocused();
  await keyboard.press("v");
  await expect(page.getByRole("toolbar", { name: "Selected tasks" })).toContainText("1 selected");
  await keyboard.press("Escape");
  await expect(page.getByRole("toolbar", { name: "Selected tasks" })).toBeHidden();
  await keyboard.press("e");
  await expect(page.getByRole("form", { name: "Edit One" })).toBeVisible();
});

test("tags are offered for the beginning of one in a new task, and Tab leads to them", async ({
  page,
  tasks,
  store,
}) => {
  await store.add({ title: "Fix the brake", tags: ["bike", "work", "workshop"] });
  await store.add({ title: "Sort the screws", tags: ["workshop"] });
  await tasks.open();
  const offered = page.getByRole("group", { name: "Tags" }).getByRole("button");
  await tasks.composer.pressSequentially("Write a report #wo");
  // Those of most tasks first.
  await expect(offered).toHaveText(["#workshop", "#work"]);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(offered).toHaveCount(0);
  await expect(tasks.composer).toBeFocused();
  await page.keyboard.type("for Tom #b");
  await offered.click();
  await expect(tasks.composer).toBeFocused();
  await page.keyboard.press("Enter");
  for (const tag of ["#work", "#bike"]) await expect(tasks.row("Write a report for Tom")).toContainText(tag);
});

test("the palette finds commands, lists, tags, and tasks", async ({ page, tasks, store }) => {
  const { keyboard } = page;
  await store.add({ title: "Meet José", tags: ["friends"] });
  await tasks.open();
  const open = () => keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Go to or do" });
  await open();
  const names = await palette.getByRole("option").allInnerTexts();
  expect(names.slice(names.indexOf("Go to Week")).slice(0, 3)).toEqual([
    "Go to Week",
    "#friends",
    "Theme: Like the device",
  ]);
  await keyboard.type("compl");
  await keyboard.press("Enter");
  await expect(palette).toBeHidden();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Completed");
  await open();
  await keyboard.type("jose");
  await expect(palette.getByRole("option")).toHaveText(["Meet José", "Search for “jose”"]);
  await keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Edit Meet José", exact: true })).toBeFocused();
  await open();
  await keyboard.type("friends");
  await keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("#friends");
  await open();
  await keyboard.type("theme");
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await expect(page.locator("html")).toHaveCSS("color-scheme", "dark");
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("rows are swiped, and the lists are at the bottom", async ({ page, tasks, store }) => {
    await store.add({ title: "Complete me" });
    await store.add({ title: "Delete me" });
    await tasks.open();
    const client = await page.context().newCDPSession(page);
    const swipe = async (title: string, by: number) => {
      const box = await tasks.row(title).boundingBox();
      if (!box) throw new Error(`no row ${title}`);
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      const touch = (type: "touchStart" | "touchMove" | "touchEnd", to: number) =>
        client.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x: x + to, y }] });
      await touch("touchStart", 0);
      for (let step = 1; step <= 8; step++) await touch("touchMove", (by * step) / 8);
      await touch("touchEnd", by);
    };
    await swipe("Complete me", 50);
    await expect(tasks.checkbox("Complete me")).not.toBeChecked();
    await swipe("Complete me", 130);
    await expect(tasks.note("Completed “Complete me”")).toBeVisible();
    await swipe("Delete me", -130);
    await expect(tasks.note("Deleted “Delete me”")).toBeVisible();
    const lists = await page.getByRole("navigation", { name: "Lists" }).boundingBox();
    expect((lists?.y ?? 0) + (lists?.height ?? 0)).toBe(844);
    await page.getByRole("button", { name: "More" }).click();
    await expect(page.getByRole("dialog", { name: "Go to or do" })).toBeVisible();
  });

  test("the lists have their whole names", async ({ page, tasks, store }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    for (const title of ["One", "Two"]) await store.add({ title, due: day(0) });
    const cut = () =>
      page
        .locator(".lists .list-name:visible, .tools .chip:visible")
        .evaluateAll((all) =>
          all.flatMap(({ scrollWidth, clientWidth, textContent }) => (scrollWidth > clientWidth ? textContent : [])),
        );
    for (const language of ["en", "de"]) {
      await page.addInitScript((language) => localStorage.setItem("language", language), language);
      for (const list of ["today", "upcoming", "open", "completed"]) {
        await tasks.open(`/#/${list}`);
        await expect(page.locator("html")).toHaveAttribute("lang", language);
        expect(await cut()).toEqual([]);
      }
    }
  });

  test("a menu schedules and moves tasks, and what is above the list fits", async ({ page, tasks, store }) => {
    for (const title of ["One", "Two", "Three"]) await store.add({ title, tags: ["home"] });
    await page.setViewportSize({ width: 360, height: 740 });
    await tasks.open("/#/open?sort=manual");
    for (const name of ["Filter", "Show completed", "Select"]) {
      await expect(page.getByRole("button", { name })).toBeInViewport({ ratio: 1 });
    }
    expect((await page.locator(".tools").boundingBox())?.height).toBeLessThan(40);
    const titles = page.locator(".task-title");
    await page.getByRole("button", { name: "Actions for Three" }).click();
    const menu = page.getByRole("dialog", { name: "Three" });
    await expect(menu).toBeInViewport({ ratio: 1 });
    await menu.getByRole("button", { name: "Move up" }).click();
    await menu.getByRole("button", { name: "Move up" }).click();
    await expect(titles).toHaveText(["Three", "One", "Two"]);
    await menu.getByRole("button", { name: "Today" }).click();
    await expect(menu).toBeHidden();
    await expect(tasks.row("Three")).toContainText("Today");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByRole("combobox", { name: "Filter by priority" }).selectOption("High priority");
    await expect(page.getByRole("heading", { name: "Nothing matches" })).toBeVisible();
  });
});

for (const { name, viewport, rows } of [
  { name: "laptop", viewport: { width: 1440, height: 900 }, rows: 14 },
  { name: "phone", viewport: { width: 390, height: 844 }, rows: 9 },
]) {
  test(`a ${name} shows ${rows} tasks and more`, async ({ page, tasks, store }) => {
    await page.setViewportSize(viewport);
    for (let index = 0; index < 24; index++) {
      const due = index < 20 ? { due: day(Math.floor(index / 5) * 2 - 2) } : {};
      await store.add({ title: `Call somebody about something ${index}`, tags: ["calls"], ...due });
    }
    await tasks.open();
    const bottom = name === "phone" ? viewport.height - 56 : viewport.height;
    const visible = await page
      .locator("[data-row]")
      .evaluateAll((all, bottom) => all.filter((row) => row.getBoundingClientRect().bottom <= bottom).length, bottom);
    console.log(`A ${name} shows ${visible} tasks.`);
    expect(visible).toBeGreaterThanOrEqual(rows);
  });
}

test("many long tags hide neither their counts nor the completed tasks", async ({ page, tasks, store }) => {
  const tags = Array.from({ length: 20 }, (_, index) => `a tag with a long name, and a number: ${index}`);
  for (const half of [tags.slice(0, 10), tags.slice(10)]) await store.add({ title: "Sort the photos", tags: half });
  await page.setViewportSize({ width: 1280, height: 700 });
  await tasks.open();
  const lists = page.getByRole("navigation", { name: "Lists" });
  await expect(lists.getByRole("link", { name: "Completed" })).toBeInViewport({ ratio: 1 });
  const first = lists.getByRole("link", { name: /number: 0/u });
  await expect(first.locator(".count")).toBeInViewport({ ratio: 1 });
});

test("the list of a tag does not repeat it in each row, and what is above it takes no more lines than elsewhere", async ({
  page,
  tasks,
  store,
}) => {
  await store.add({ title: "Fix the brake", tags: ["home", "bike"] });
  await store.add({ title: "Clean the oven", tags: ["Home"] });
  await tasks.open();
  await expect(tasks.row("Fix the brake")).toContainText("#home");
  await page.getByRole("navigation", { name: "Lists" }).getByRole("link", { name: /^home/u }).click();
  await expect(tasks.row("Fix the brake")).toContainText("#bike");
  for (const title of ["Fix the brake", "Clean the oven"]) await expect(tasks.row(title)).not.toContainText(/#home/iu);
  for (const [width, height] of [
    [1280, 40],
    [390, 80],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    expect((await page.locator(".tools").boundingBox())?.height).toBeLessThan(height);
  }
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(tasks.row("Clean the oven")).toContainText("#Home");
});

test("a week of another year says which", async ({ page, tasks }) => {
  await tasks.open("/#/upcoming?layout=week");
  for (let weeks = 0; weeks < 54; weeks++) await page.getByRole("button", { name: "Next week" }).click();
  await expect(page.getByRole("heading", { level: 2 }).first()).toHaveText(/ \d{4}$/u);
});

test("a row's menu reschedules and prioritizes in one step", async ({ page, tasks, store }) => {
  await store.add({ title: "Water the plants", due: `${day(3)}T18:30:00Z` });
  await tasks.open();
  await tasks.act("Water the plants", "Tomorrow");
  await expect(tasks.row("Water the plants")).toContainText("Tomorrow, 19:30");
  for (const [action, isIt] of [
    [/weekend/u, (date: Date) => date.getUTCDay() === 6],
    ["Next week", (date: Date) => date.getUTCDay() === 1],
  ] as const) {
    await tasks.act("Water the plants", action);
    await tasks.hasSaved("Water the plants");
    await expect.poll(async () => isIt(new Date((await store.all())[0]?.due ?? ""))).toBe(true);
  }
  await tasks.row("Water the plants").click({ button: "right" });
  await page.getByRole("radio", { name: "High" }).click();
  await expect(tasks.row("Water the plants")).toContainText("High priority");
  await tasks.act("Water the plants", "No date");
  await expect(page.getByRole("region", { name: "No date" })).toContainText("Water the plants");
  await page.keyboard.press("Control+z");
  await expect(tasks.row("Water the plants")).toContainText("19:30");

  await page.getByRole("button", { name: "Actions for Water the plants" }).focus();
  await page.keyboard.press("Enter");
  const menu = page.getByRole("dialog", { name: "Water the plants" });
  await menu.getByLabel("Pick a date").focus();
  await page.keyboard.type("12242031");
  await page.keyboard.press("Enter");
  await expect(menu).toBeHidden();
  await expect(tasks.row("Water the plants")).toContainText("24 Dec 2031");
});

test("tasks are put in order by hand, with keys and by dragging", async ({ page, tasks, store }) => {
  for (const title of ["One", "Two", "Three"]) await store.add({ title });
  await tasks.open("/#/open?sort=manual");
  const titles = page.locator(".task-title");
  await expect(titles).toHaveText(["One", "Two", "Three"]);
  await page.getByRole("button", { name: "Edit Three", exact: true }).focus();
  await page.keyboard.press("Alt+ArrowUp");
  await expect(titles).toHaveText(["One", "Three", "Two"]);
  await expect(page.getByRole("button", { name: "Edit Three", exact: true })).toBeFocused();
  await tasks.row("Two").dragTo(tasks.row("One"), { targetPosition: { x: 40, y: 4 } });
  await expect(titles).toHaveText(["Two", "One", "Three"]);
  await page.keyboard.press("Control+z");
  await expect(titles).toHaveText(["One", "Three", "Two"]);
  for (const title of ["One", "Two", "Three"]) await tasks.hasSaved(title);
  await page.reload();
  await expect(titles).toHaveText(["One", "Three", "Two"]);
});

test("a task has subtasks", async ({ page, tasks, store }) => {
  await store.add({ title: "Pack" });
  await tasks.open();
  const form = await tasks.edit("Pack");
  for (const title of ["Socks", "Toothbrush"]) {
    await form.getByLabel("Add a subtask").fill(title);
    await form.getByLabel("Add a subtask").press("Enter");
  }
  const order = form.getByRole("list", { name: "Subtasks" }).getByRole("listitem");
  await form.getByRole("button", { name: "Move Toothbrush up" }).press("Enter");
  await expect(order).toHaveText(["Toothbrush", "Socks"]);
  await expect(form.getByRole("button", { name: "Move Toothbrush up" })).toBeFocused();
  await order.last().dragTo(order.first(), { targetPosition: { x: 40, y: 4 } });
  await expect(order).toHaveText(["Socks", "Toothbrush"]);
  await form.getByLabel("Add a subtask").fill("Passport");
  await form.getByLabel("Add a subtask").press("Enter");
  // Both before the first one is stored.
  await form.getByRole("button", { name: "Move Passport up" }).evaluate((button: HTMLElement) => {
    button.click();
    button.click();
  });
  await expect(order).toHaveText(["Passport", "Socks", "Toothbrush"]);
  await form.getByRole("checkbox", { name: "Passport" }).click();
  const socks = form.getByRole("checkbox", { name: "Socks" });
  await socks.click();
  await expect(socks).toBeChecked();
  await page.keyboard.press("Escape");
  await expect(tasks.row("Pack")).toContainText("2 of 3 subtasks completed");
  await expect(tasks.row("Toothbrush")).toContainText("Part of Pack");
  await tasks.hasSaved("Toothbrush");
});

test("a subtask is written like a task, and opened from the form of its parent", async ({ tasks, store }) => {
  await store.add({ title: "Trip" });
  await tasks.open();
  const form = await tasks.edit("Trip");
  const box = form.getByLabel("Add a subtask");
  for (const line of ["Book a hotel !high @tomorrow #travel", "Water the plants every day"]) {
    await box.fill(line);
    await box.press("Enter");
  }
  const subtask = form.getByRole("listitem").filter({ hasText: "Book a hotel" });
  await expect(subtask).toContainText("Due Tomorrow");
  await expect(subtask).toContainText("High");
  await subtask.getByRole("button", { name: "Edit Book a hotel" }).click();
  const own = tasks.page.getByRole("form", { name: "Edit Book a hotel" });
  await expect(own.getByLabel("Title")).toBeFocused();
  await own.getByLabel("Title").fill("Book a quiet hotel");
  await own.getByRole("button", { name: "Save" }).click();
  await tasks.hasSaved("Book a quiet hotel");
  const stored = { title: "Book a quiet hotel", due: day(1), priority: "high", tags: ["travel"] };
  await expect.poll(() => store.all()).toContainEqual(expect.objectContaining(stored));
  // A subtask does not recur by itself.
  expect(await store.all()).toContainEqual(expect.objectContaining({ title: "Water the plants every day", due: null }));
});

test("the dates of a pasted list are understood, although what finds them is still being loaded", async ({
  page,
  tasks,
}) => {
  await tasks.open();
  let goOn = () => {};
  const isPasted = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await page.route("**/assets/*.js", (route) => isPasted.then(() => route.continue()));
  await tasks.composer.evaluate((input) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "Book a hotel @24 December 2031\nPack");
    input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  });
  await page.getByRole("button", { name: "Add 2 tasks" }).click();
  goOn();
  await expect(tasks.row("Book a hotel")).toContainText("24 Dec 2031");
  await expect(tasks.row("Pack")).toBeVisible();
});

test("the date of the first subtask is understood, although what finds it is still being loaded", async ({
  page,
  tasks,
  store,
}) => {
  await store.add({ title: "Trip" });
  await tasks.open();
  const form = await tasks.edit("Trip");
  const box = form.getByLabel("Add a subtask");
  let goOn = () => {};
  const isTyped = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await page.route("**/assets/*.js", (route) => isTyped.then(() => route.continue()));
  for (const line of ["Book a hotel @24 December 2031", "Pack"]) {
    await box.fill(line);
    await box.press("Enter");
    await expect(box).toHaveValue("");
  }
  goOn();
  await expect(form.getByRole("listitem")).toHaveText([/^Book a hotelDue 24 Dec 2031/u, "Pack"]);
});

test("while the date of a new task is being understood, the next one can be typed", async ({ page, tasks, store }) => {
  await tasks.open();
  let goOn = () => {};
  const isTyped = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await page.route("**/assets/*.js", (route) => isTyped.then(() => route.continue()));
  await tasks.add("Book a hotel @24 December 2031");
  await page.keyboard.type("Pack");
  await page.keyboard.press("Enter");
  goOn();
  await tasks.hasSaved("Book a hotel");
  await tasks.hasSaved("Pack");
  const stored = (await store.all()).map(({ title, due }) => [title, due]).sort();
  expect(stored).toEqual([
    ["Book a hotel", "2031-12-24"],
    ["Pack", null],
  ]);
});

test("subtasks are below their parent, and fold", async ({ page, tasks, store }) => {
  const { id } = await store.add({ title: "Pack", due: day(0) });
  await store.add({ title: "Check the stove", due: day(1) });
  await store.add({ title: "Book the train", due: day(9) });
  await store.add({ title: "Toothbrush", due: day(0), parent_id: id });
  await store.add({ title: "Socks", due: day(2), parent_id: id });
  await tasks.open();
  const titles = page.locator(".task-title");
  await expect(titles).toHaveText(["Pack", "Toothbrush", "Socks", "Check the stove", "Book the train"]);
  await expect(tasks.row("Socks")).toHaveAttribute("aria-level", "2");

  await page.getByRole("button", { name: "Edit Socks", exact: true }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByRole("button", { name: "Edit Pack", exact: true })).toBeFocused();
  await page.keyboard.press("ArrowLeft");
  await expect(titles).toHaveText(["Pack", "Check the stove", "Book the train"]);
  await page.reload();
  await expect(titles).toHaveText(["Pack", "Check the stove", "Book the train"]);
  await tasks.row("Pack").getByRole("button", { name: "0 of 2 subtasks completed" }).click();
  await expect(titles).toHaveCount(5);

  await test.step("whose parent is elsewhere names it", async () => {
    await tasks.show("Upcoming");
    await expect(titles).toHaveText(["Check the stove", "Socks", "Book the train"]);
    await expect(tasks.row("Socks").locator(".fact-parent")).toHaveText("Part of Pack");
  });
  await test.step("are completed and deleted with it, and come back", async () => {
    await tasks.show("Open");
    await tasks.checkbox("Pack").click();
    await expect(titles).toHaveText(["Check the stove", "Book the train"]);
    await expect.poll(async () => (await store.all()).filter(({ completed }) => completed).length).toBe(3);
    await page.keyboard.press("Control+z");
    await expect(titles).toHaveCount(5);
    await tasks.delete("Pack");
    await expect(titles).toHaveText(["Check the stove", "Book the train"]);
    await tasks.note("Deleted").getByRole("button", { name: "Undo" }).click();
    await expect(titles).toHaveCount(5);
  });
});

test("a list is printed without what can be done with it, and in dark letters", async ({ page, tasks, store }) => {
  await store.add({ title: "Water the plants", due: day(-1), tags: ["home"] });
  await tasks.open();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").fill("dark");
  await page.keyboard.press("Enter");
  await tasks.add("Learn to whistle");
  await tasks.hasSaved("Learn to whistle");
  await page.emulateMedia({ media: "print" });
  const title = page.getByText("Water the plants");
  await expect(title).toHaveCSS("color", "rgb(20, 33, 29)");
  const headings = page.getByRole("heading");
  await expect(headings).toHaveText(["All tasks", "Overdue", "No date"]);
  await expect(tasks.row("Water the plants")).toContainText("Yesterday");
  for (const gone of [
    page.getByRole("navigation"),
    page.getByRole("textbox"),
    page.getByRole("combobox"),
    page.getByRole("region", { name: "Notifications" }),
    page.getByRole("button", { name: /^(?:Actions|Select|Move)/u }),
  ]) {
    await expect(gone).toHaveCount(0);
  }
});

test("a long list is printed as a whole", async ({ page, tasks, store }) => {
  await store.addMany(Array.from({ length: 250 }, (_, index) => `Task ${index}`));
  await tasks.open();
  await expect(page.getByRole("status")).toHaveText("250 tasks");
  const rows = page.locator("[data-row]");
  expect(await rows.count()).toBeLessThan(100);
  // The browser does not wait: it prints what is there when the event has been handled.
  const printed = await page.evaluate(async () => {
    dispatchEvent(new Event("beforeprint"));
    await Promise.resolve();
    return document.querySelectorAll("[data-row]").length;
  });
  expect(printed).toBe(250);
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  await expect.poll(() => rows.count()).toBeLessThan(100);
});

test("a list begins at its top, and where it was left when the user comes back", async ({ page, tasks, store }) => {
  await store.addMany(Array.from({ length: 250 }, (_, index) => `Task ${index}`));
  await tasks.open();
  const top = () => page.evaluate(() => scrollY);
  await expect(page.getByRole("link", { name: /^All\b.*250 tasks$/u })).toBeVisible();
  await page.evaluate(() => scrollTo(0, 5000));
  await expect(tasks.row("Task 130")).toBeInViewport();
  await tasks.show("Completed");
  await expect.poll(top).toBe(0);
  await page.goBack();
  await expect(tasks.row("Task 130")).toBeInViewport();
  expect(await top()).toBe(5000);
  await page.getByRole("searchbox").fill("task 13");
  await expect.poll(top).toBe(0);
  await page.keyboard.press("Escape");
  await expect(tasks.row("Task 130")).toBeInViewport();
  await page.reload();
  await expect(tasks.row("Task 130")).toBeInViewport();
  expect(await top()).toBe(5000);
  await page.evaluate(() => scrollTo(0, 4000));
  await page.getByRole("combobox", { name: "Sort by" }).selectOption("By title");
  await expect.poll(top).toBe(0);
});

test("a row does not say again what its heading says", async ({ page, tasks, store }) => {
  await store.add({ title: "Water the plants", due: day(0), priority: "high" });
  await tasks.open();
  await tasks.add(`Lock the door @${day(0)} 23:59`);
  await expect(tasks.row("Water the plants")).not.toContainText("Today");
  await expect(tasks.row("Water the plants")).toContainText("High priority");
  await expect(tasks.row("Lock the door").locator(".fact-due")).toHaveText("Due 23:59");
  await page.getByRole("combobox", { name: "Sort by" }).selectOption("By priority");
  await expect(tasks.row("Water the plants")).toContainText("Today");
  await expect(tasks.row("Water the plants")).not.toContainText("High priority");
});

test("the subtasks of an open form are shown once", async ({ page, tasks, store }) => {
  const { id } = await store.add({ title: "Pack", due: day(0) });
  await store.add({ title: "Socks", parent_id: id });
  await store.add({ title: "Toothbrush", due: day(0), parent_id: id });
  await tasks.open();
  await expect(page.locator(".group-count")).toHaveText("2");
  await expect(page.getByText("Socks", { exact: true })).toHaveCount(1);
  const form = await tasks.edit("Pack");
  await expect(form.getByRole("checkbox", { name: "Socks" })).toBeVisible();
  await expect(page.getByText("Socks", { exact: true })).toHaveCount(1);
  await expect(page.locator(".group-count")).toHaveText("2");
  await page.keyboard.press("Escape");
  await expect(tasks.row("Socks")).toBeVisible();
});

test("the palette leads to a subtask, whatever hides it", async ({ page, tasks, store }) => {
  const { keyboard } = page;
  const { id } = await store.add({ title: "Pack" });
  await store.add({ title: "Pack socks", parent_id: id });
  await tasks.open();
  for (const hide of [
    () => tasks.edit("Pack"),
    () => tasks.row("Pack").getByRole("button", { name: "0 of 1 subtasks completed" }).click(),
  ]) {
    await hide();
    await keyboard.press("Control+k");
    await keyboard.type("pack");
    await keyboard.press("ArrowDown");
    await keyboard.press("Enter");
    await expect(page.getByRole("button", { name: "Edit Pack socks", exact: true })).toBeFocused();
  }
});

test("a task recurs: completing it brings the next one", async ({ tasks, store }) => {
  await store.add({ title: "Water the plants", due: day(0) });
  await tasks.open();
  const form = await tasks.edit("Water the plants");
  await form.getByLabel("Repeat").selectOption("Every week");
  await form.getByRole("button", { name: "Save" }).click();
  await tasks.hasSaved("Water the plants");
  await expect(tasks.row("Water the plants")).toContainText("Every week");
  await tasks.checkbox("Water the plants").click();
  await expect(tasks.page.getByRole("region", { name: "Later" })).toContainText("Water the plants");
  await expect.poll(async () => (await store.all()).map(({ completed }) => completed).sort()).toEqual([false, true]);
});

test("completing and skipping what recurs is undone as a whole", async ({ page, tasks, store }) => {
  await store.add({ title: "Water the plants", due: day(0), recurrence: { rule: "FREQ=DAILY" } });
  await tasks.open();
  await tasks.checkbox("Water the plants").click();
  await expect.poll(async () => (await store.all()).length).toBe(2);
  await tasks.note("Completed").getByRole("button", { name: "Undo" }).click();
  await expect.poll(async () => (await store.all()).length).toBe(1);
  await expect(page.locator("[data-row]")).toHaveCount(1);
  const again = { completed: false, due: day(0), recurrence: { rule: "FREQ=DAILY" } };
  await expect.poll(() => store.all()).toMatchObject([again]);

  await tasks.act("Water the plants", "Skip this time");
  await expect(tasks.row("Water the plants")).toContainText("Tomorrow");
  const note = tasks.note("“Water the plants” is due: Tomorrow.");
  await expect(note).toBeVisible();
  expect(await store.all()).toMatchObject([{ ...again, due: day(1) }]);
  await note.getByRole("button", { name: "Undo" }).click();
  const today = page.getByRole("region", { name: "Today" });
  await expect(today).toContainText("Water the plants");
  await expect.poll(() => store.all()).toMatchObject([again]);

  await test.step("also before the next date is known, and nothing else is undone", async () => {
    await tasks.add("Call the dentist");
    await tasks.hasSaved("Call the dentist");
    const plants = async () => (await store.all()).find(({ title }) => title === "Water the plants");
    const { version } = (await plants()) ?? { version: 0 };
    await tasks.act("Water the plants", "Skip this time");
    await page.keyboard.press("Control+z");
    // Skipped, and set back.
    await expect.poll(plants).toMatchObject({ ...again, version: version + 2 });
    await expect(today).toContainText("Water the plants");
    await expect(tasks.row("Call the dentist")).toBeVisible();
  });
});

test("a skip is shown at once, before its next date is known", async ({ page, tasks, store }) => {
  await store.add({ title: "Water the plants", due: day(0), recurrence: { rule: "FREQ=DAILY" } });
  await tasks.open();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(BATCH, async (route) => {
    await answered;
    await route.continue();
  });
  await tasks.act("Water the plants", "Skip this time");
  const row = tasks.row("Water the plants");
  await expect(row.locator(".fact-due")).toHaveText("Skipping…");
  await expect(page.getByRole("status")).toHaveText("Skipping “Water the plants”.");
  await tasks.open();
  await expect(row.locator(".fact-due")).toHaveText("Skipping…");
  answer();
  await expect(row.locator(".fact-due")).toHaveText("Due Tomorrow");
});

test("the last date of a task that recurs is not skipped, and a note says so", async ({ tasks, store }) => {
  await store.add({ title: "Pay rent", due: day(0), recurrence: { rule: "FREQ=DAILY;COUNT=1" } });
  await tasks.open();
  await tasks.act("Pay rent", "Skip this time");
  await expect(tasks.note("“Pay rent” was not skipped. It has no next date.")).toBeVisible();
  await tasks.hasSaved("Pay rent");
  await expect(tasks.row("Pay rent")).not.toContainText("Not saved");
});

test("of a skipped task that is completed meanwhile, no note tells the date", async ({ page, tasks, store }) => {
  await store.add({ title: "Water the plants", due: day(0), recurrence: { rule: "FREQ=DAILY" } });
  await tasks.open();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(BATCH, async (route) => {
    await answered;
    await route.continue();
  });
  await tasks.act("Water the plants", "Skip this time");
  await tasks.checkbox("Water the plants").click();
  await expect(tasks.note("Completed")).toBeVisible();
  const isTold = tasks.note("is due").waitFor({ timeout: 4_000 });
  answer();
  await expect(isTold).rejects.toThrow("Timeout");
  await expect.poll(async () => (await store.all()).map(({ due }) => due).sort()).toEqual([day(1), day(2)]);
});

test("a task recurs by a rule of its own", async ({ page, tasks, store }) => {
  await store.add({ title: "Take out the bins", due: day(0) });
  await tasks.open();
  let form = await tasks.edit("Take out the bins");
  await form.getByLabel("Repeat").first().selectOption("Custom…");
  await form.getByLabel("Every").fill("3");
  for (const name of ["Monday", "Thursday"]) await form.getByRole("button", { name }).click();
  await form.getByLabel("Ends").selectOption("after a number of times");
  await form.getByLabel("Times").fill("5");
  await form.getByLabel("Counted from").selectOption("the day of completion");
  const words = "Every 3 weeks on Monday and Thursday after completion, 5 times";
  await expect(form.getByRole("status")).toHaveText(words);
  await form.getByRole("button", { name: "Save" }).click();
  await tasks.hasSaved("Take out the bins");
  await expect(tasks.row("Take out the bins")).toContainText(words);
  const recurrence = { rule: "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,TH;COUNT=5", from: "completion" };
  expect(await store.all()).toMatchObject([{ recurrence }]);

  form = await tasks.edit("Take out the bins");
  await form.getByLabel("Counted from").selectOption("the due date");
  await form.getByRole("button", { name: "Save" }).click();
  await expect.poll(() => store.all()).toMatchObject([{ recurrence: { ...recurrence, from: "due" } }]);

  form = await tasks.edit("Take out the bins");
  await form.getByLabel("Ends").selectOption("never");
  await form.getByLabel("Every").fill("1");
  await form.getByLabel("Due date").fill("2030-01-29");
  await form.getByLabel("Unit").selectOption("months");
  await expect(form.getByLabel("Day", { exact: true }).getByRole("option")).toHaveText([
    "on the same day",
    "on the last day",
    "on the last Tuesday",
  ]);
  await form.getByLabel("Due date").fill("2030-01-22");
  await form.getByLabel("Day", { exact: true }).selectOption("on the fourth Tuesday");
  await form.getByRole("button", { name: "Save" }).click();
  const monthly = { due: "2030-01-22", recurrence: { rule: "FREQ=MONTHLY;BYDAY=4TU" } };
  await expect.poll(() => store.all()).toMatchObject([monthly]);

  await tasks.add("Water the plants every other Monday 9am #home");
  await expect(tasks.row("Water the plants")).toContainText("Every 2 weeks on Monday");
  await page.getByRole("button", { name: /Account$/u }).click();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Language").selectOption("Deutsch");
  await page.keyboard.press("Escape");
  await page
    .getByRole("textbox", { name: "Neue Aufgabe" })
    .fill("Blumen gießen alle zwei Wochen @übermorgen 17 Uhr !hoch");
  await expect(page.getByRole("form", { name: "Neue Aufgabe" })).toContainText("Alle 2 Wochen");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("listitem").filter({ hasText: "Blumen gießen" })).toContainText("17:00");
});
