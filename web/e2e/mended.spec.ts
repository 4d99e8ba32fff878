/** Nothing typed is lost, what is new is seen, and notes are true. */
import type { Locator, Page } from "@playwright/test";
import { day, expect, holdDevice, leavesNothing, newAccount, Store, signIn, TaskPage, test } from "./product";

function pasteInto(field: Locator, text: string): Promise<void> {
  return field.evaluate((input, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, text);
}

/** How far the element is outside of the window, in pixels. */
function outside(page: Page, selector: string): Promise<number> {
  return page.locator(selector).evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return Math.max(0, -top, bottom - innerHeight);
  });
}

test.describe("a draft", () => {
  test.beforeEach(async ({ store }) => {
    for (const title of ["Feed the cat", "Walk the dog"]) await store.add({ title });
  });

  test("survives a reload while it is being stored", async ({ page, context, tasks, store }) => {
    await store.add({ title: "Pack" });
    await tasks.open();
    const form = await tasks.edit("Pack");
    const other = await holdDevice(context);
    const subtask = form.getByRole("textbox", { name: "Add a subtask" });
    await subtask.fill("Socks");
    await subtask.press("Enter");
    await expect(subtask).toHaveValue("");
    await tasks.add("Half way");
    await expect(tasks.composer).toHaveValue("");
    await page.reload();
    await other.close();
    await expect(tasks.composer).toHaveValue("Half way");
    await expect((await tasks.edit("Pack")).getByRole("textbox", { name: "Add a subtask" })).toHaveValue("Socks");
  });

  test("survives Escape, another row, another list, and a crash", async ({ page, context, tasks, store }) => {
    const draft = (notes: string) => async (leave: () => Promise<unknown>) => {
      const form = await tasks.edit("Feed the cat");
      await form.getByLabel("Notes").fill(notes);
      await leave();
      await expect(tasks.row("Feed the cat")).toContainText("Not saved yet");
      await expect((await tasks.edit("Feed the cat")).getByLabel("Notes")).toHaveValue(notes);
      await page.keyboard.press("Escape");
    };
    await tasks.open();
    await draft("Escape")(() => page.keyboard.press("Escape"));
    await draft("Another row")(() => tasks.edit("Walk the dog"));
    await draft("Another list")(async () => {
      await tasks.show("Completed");
      await tasks.show("Open");
      await tasks.edit("Walk the dog");
    });
    await tasks.composer.fill("Half a line");
    const options = (page: Page) => page.getByRole("form", { name: "New task" });
    await options(page).getByLabel("Due date").fill("2031-12-31");
    await options(page).getByRole("combobox").selectOption("High");
    await page.close();
    const next = new TaskPage(await context.newPage());
    await next.open();
    await expect(next.composer).toHaveValue("Half a line");
    await expect(options(next.page).getByLabel("Due date")).toHaveValue("2031-12-31");
    await expect(options(next.page).getByRole("combobox")).toHaveValue("high");
    await expect(next.row("Feed the cat")).toContainText("Not saved yet");
    const form = await next.edit("Feed the cat");
    await expect(form.getByLabel("Notes")).toHaveValue("Another list");
    await form.getByRole("button", { name: "Save" }).click();
    await next.hasSaved("Feed the cat");
    await expect(next.row("Feed the cat")).not.toContainText("Not saved yet");
    expect(await store.all()).toContainEqual(expect.objectContaining({ description: "Another list" }));
  });

  test("of a tag or a subtask survives as well", async ({ page, tasks, person }) => {
    await tasks.open();
    let form = await tasks.edit("Feed the cat");
    await form.getByLabel("Add a tag").fill("hom");
    await page.keyboard.press("Escape");
    await expect(tasks.row("Feed the cat")).toContainText("Not saved yet");
    form = await tasks.edit("Feed the cat");
    await expect(form.getByRole("button", { name: "Remove tag hom" })).toBeVisible();
    await form.getByLabel("Add a tag").fill("pet");
    await page.reload();
    form = await tasks.edit("Feed the cat");
    await expect(form.getByRole("button", { name: "Remove tag pet" })).toBeVisible();
    await form.getByRole("button", { name: "Save" }).click();

    form = await tasks.edit("Feed the cat");
    await form.getByLabel("Add a tag").fill("home, #Garden,HOME,");
    await expect(form.getByRole("button", { name: /^Remove tag/u })).toHaveCount(4);
    for (const tag of ["home", "Garden"]) {
      await expect(form.getByRole("button", { name: `Remove tag ${tag}` })).toBeVisible();
    }
    await form.getByRole("button", { name: "Cancel" }).click();

    form = await tasks.edit("Walk the dog");
    await form.getByLabel("Add a subtask").fill("Find the lea");
    await page.reload();
    await expect(tasks.row("Walk the dog")).toContainText("Not saved yet");
    form = await tasks.edit("Walk the dog");
    await expect(form.getByLabel("Add a subtask")).toHaveValue("Find the lea");
    await form.getByLabel("Add a subtask").fill("Find the leash");
    await page.keyboard.press("Enter");
    await expect(form.getByLabel("Add a subtask")).toHaveValue("");
    await form.getByLabel("Add a subtask").fill("Fetch a bag");
    await page.reload();
    await expect(tasks.row("Walk the dog")).toContainText("Not saved yet");
    await tasks.signOut();
    await signIn(page.context(), person);
    const all = await new Store(page.context().request).all();
    expect(all.map(({ title }) => title).sort()).toEqual([
      "Feed the cat",
      "Fetch a bag",
      "Find the leash",
      "Walk the dog",
    ]);
  });

  test("is the same in two tabs", async ({ page, context, tasks }) => {
    await tasks.open();
    const other = new TaskPage(await context.newPage());
    await other.open();
    const [form, same] = [await tasks.edit("Feed the cat"), await other.edit("Feed the cat")];
    await form.getByLabel("Notes").fill("Fish");
    await expect(same.getByLabel("Notes")).toHaveValue("Fish");
    await same.getByLabel("Title").fill("Feed both cats");
    await expect(form.getByLabel("Title")).toHaveValue("Feed both cats");
    await page.keyboard.press("Escape");
    await other.page.keyboard.press("Escape");
    await tasks.edit("Feed the cat");
    await expect(form.getByLabel("Notes")).toHaveValue("Fish");
    await expect(form.getByLabel("Title")).toHaveValue("Feed both cats");
  });

  test("ends in two tabs when one of them cancels or saves it", async ({ context, tasks }) => {
    await tasks.open();
    const other = new TaskPage(await context.newPage());
    await other.open();
    const form = await tasks.edit("Feed the cat");
    await form.getByLabel("Notes").fill("Fish");
    await expect(other.row("Feed the cat")).toContainText("Not saved yet");
    const same = await other.edit("Feed the cat");
    await expect(same.getByLabel("Notes")).toHaveValue("Fish");
    await form.getByRole("button", { name: "Cancel" }).click();
    await expect(same.getByLabel("Notes")).toHaveValue("");
    await tasks.edit("Feed the cat");
    await form.getByLabel("Notes").fill("Two fish");
    await expect(same.getByLabel("Notes")).toHaveValue("Two fish");
    await form.getByRole("button", { name: "Save" }).click();
    await expect(form).toBeHidden();
    await expect(same.getByLabel("Notes")).toHaveValue("Two fish");
    await same.getByLabel("Title").fill("Feed both cats");
    await tasks.edit("Feed the cat");
    await form.getByLabel("Notes").fill("Meat");
    await expect(same.getByLabel("Notes")).toHaveValue("Meat");
    // What is typed here stays.
    await form.getByRole("button", { name: "Cancel" }).click();
    await expect(same.getByLabel("Notes")).toHaveValue("Two fish");
    await expect(same.getByLabel("Title")).toHaveValue("Feed both cats");
  });

  test("is marked below the title on a phone, where the menu stays in its place", async ({ page, tasks }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await tasks.open();
    await (await tasks.edit("Feed the cat")).getByLabel("Notes").fill("Fish");
    await page.keyboard.press("Escape");
    const of = (title: string) => page.getByRole("button", { name: `Actions for ${title}` }).boundingBox();
    const [cat, dog] = [await of("Feed the cat"), await of("Walk the dog")];
    expect(cat?.x).toBe(dog?.x);
    const mark = await page.getByText("Not saved yet").boundingBox();
    expect(mark?.y).toBeGreaterThan((cat?.y ?? 0) + 16);
  });

  test("that is cancelled can be brought back", async ({ page, tasks }) => {
    await tasks.open();
    const form = await tasks.edit("Feed the cat");
    await form.getByLabel("Title").fill("Feed both cats");
    await form.getByRole("button", { name: "Cancel" }).click();
    await expect(tasks.row("Feed the cat")).not.toContainText("Not saved yet");
    await tasks.note("Dropped your changes").getByRole("button", { name: "Undo" }).click();
    await expect(page.locator("input:focus")).toHaveValue("Feed both cats");
  });

  test("survives what closes things, wherever the focus is", async ({ page, tasks }) => {
    for (const singleKeys of ["on", "off"]) {
      await page.addInitScript((choice) => localStorage.setItem("single-key-shortcuts", choice), singleKeys);
      await tasks.open();
      const form = await tasks.edit("Feed the cat");
      await form.getByLabel("Notes").fill(singleKeys);
      await page.evaluate(() => (document.activeElement as HTMLElement).blur());
      // Without single keys, it is the browser that asks to close the form, as for Back on a phone.
      await page.keyboard.press("Escape");
      await expect(form).toBeHidden();
      await expect(tasks.row("Feed the cat")).toContainText("Not saved yet");
    }
  });

  test("of a subtask is dropped with the form, and can be brought back", async ({ page, tasks, store }) => {
    await tasks.open();
    const form = await tasks.edit("Feed the cat");
    const box = form.getByRole("textbox", { name: "Add a subtask" });
    await box.fill("Buy tins");
    await form.getByRole("button", { name: "Cancel" }).click();
    await tasks.note("Dropped your changes").getByRole("button", { name: "Undo" }).click();
    await expect(box).toHaveValue("Buy tins");
    await box.focus();
    await form.getByRole("button", { name: "Cancel" }).click();
    await expect(form).toBeHidden();
    await tasks.add("Sent after everything before it");
    await tasks.hasSaved("Sent after everything before it");
    expect((await store.all()).map(({ title }) => title)).not.toContain("Buy tins");
    await tasks.edit("Feed the cat");
    await expect(box).toHaveValue("");
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("Buy tins");
  });

  test("is saved before signing out", async ({ page, tasks, person, store }) => {
    await tasks.open();
    await (await tasks.edit("Feed the cat")).getByLabel("Title").fill("Feed both cats");
    await tasks.show("Upcoming");
    await tasks.composer.fill("Buy tins #shop");
    await page.getByRole("form", { name: "New task" }).getByRole("combobox").selectOption("High");
    await tasks.signOut();
    await leavesNothing(page);
    await page.getByLabel("Email").fill(person.email);
    await page.getByLabel("Password", { exact: true }).fill(person.password);
    await page.keyboard.press("Enter");
    for (const fact of ["#shop", "High priority"]) await expect(tasks.row("Buy tins")).toContainText(fact);
    await expect(page.getByRole("region", { name: "Tomorrow" })).toContainText("Buy tins");
    await expect(tasks.composer).toBeFocused();
    await tasks.show("Open");
    await expect(tasks.row("Feed both cats")).toBeVisible();
    expect(await new Store(page.context().request).all()).toHaveLength((await store.all()).length);
  });

  test("whose date is still being understood is saved before signing out", async ({ page, tasks, person }) => {
    await tasks.open();
    await page.route("**/assets/*.js", () => {});
    await tasks.composer.fill("Buy tins @24 December 2031");
    await page.keyboard.press("Enter");
    await expect(tasks.composer).toHaveValue("");
    await tasks.signOut();
    await signIn(page.context(), person);
    const titles = (await new Store(page.context().request).all()).map(({ title }) => title);
    expect(titles).toContain("Buy tins @24 December 2031");
  });

  test("that is no task yet is saved before signing out, too", async ({ page, tasks, person }) => {
    const long = "Feed the cat, and then the other cats ".repeat(6).trim();
    await tasks.open();
    await (await tasks.edit("Feed the cat")).getByLabel("Title").fill(long);
    await tasks.composer.fill("#pets");
    await tasks.signOut();
    await signIn(page.context(), person);
    const all = await new Store(page.context().request).all();
    const cat = { title: `${long.slice(0, 199)}…`, description: long };
    const line = { title: "…", tags: ["pets"] };
    expect(all).toEqual(expect.arrayContaining([expect.objectContaining(cat), expect.objectContaining(line)]));
  });

  test("is in sight when its form opens", async ({ page, tasks, store }) => {
    await store.addMany(Array.from({ length: 30 }, (_, index) => `Task ${index}`));
    await page.setViewportSize({ width: 1280, height: 700 });
    await tasks.open();
    const last = page.getByRole("button", { name: "Edit Task 13", exact: true });
    await last.evaluate((row) => scrollBy(0, row.getBoundingClientRect().bottom - innerHeight + 4));
    await last.click();
    expect(await outside(page, ".editor")).toBe(0);
    const box = page.getByRole("textbox", { name: "Add a subtask" });
    for (const title of ["One", "Two", "Three"]) {
      await box.fill(title);
      await box.press("Enter");
      await expect(page.getByRole("checkbox", { name: `Complete ${title}` })).toBeVisible();
      await expect.poll(() => outside(page, ".editor")).toBe(0);
    }
  });
});

test.describe("a new task", () => {
  test("out of sight is announced, and shown on request", async ({ page, tasks, store }) => {
    await store.addMany(Array.from({ length: 60 }, (_, index) => `Task ${index}`));
    await tasks.open();
    await tasks.add("Learn to whistle");
    await tasks.note("Added without a date.").getByRole("button", { name: "Show" }).click();
    await expect(tasks.row("Learn to whistle")).toBeInViewport();
    await tasks.show("Completed");
    await tasks.add(`Call the dentist @${day(0)}`);
    await tasks.note("Added to Today.").getByRole("button", { name: "Show" }).click();
    await expect(tasks.row("Call the dentist")).toBeInViewport();
    await expect(page.getByRole("button", { name: "Edit Call the dentist", exact: true })).toBeFocused();
    await tasks.add(`In sight @${day(0)}`);
    await expect(tasks.row("In sight")).toHaveClass(/task-new/u);
    await expect(tasks.note(/^Added /u)).toBeHidden();
  });

  test("that is a subtask is not announced where it is in sight, and with its parent where it is not", async ({
    page,
    tasks,
    store,
  }) => {
    await store.add({ title: "Walk the dog", due: day(0) });
    await page.setViewportSize({ width: 390, height: 600 });
    await tasks.open("/#/today");
    const form = await tasks.edit("Walk the dog");
    const box = form.getByLabel("Add a subtask");
    for (const title of ["Find the leash", "Fetch a bag"]) {
      await box.fill(title);
      await box.press("Enter");
      await expect(form.getByRole("checkbox", { name: title })).toBeVisible();
    }
    await page.waitForTimeout(300);
    await expect(tasks.note("Added")).toBeHidden();
    await box.fill("Go out");
    await box.press("Escape");
    await expect(tasks.note("Added to “Walk the dog”.")).toBeVisible();
  });

  test("that is a subtask is added of each pasted line, in order, after a question", async ({ page, tasks, store }) => {
    await store.add({ title: "Pack" });
    await tasks.open();
    const form = await tasks.edit("Pack");
    const box = form.getByLabel("Add a subtask");
    const subtasks = form.getByRole("list", { name: "Subtasks" }).getByRole("listitem");
    const dialog = page.getByRole("dialog", { name: "Add 3 tasks?" });
    await box.fill("For the trip:");
    await pasteInto(box, "- Tent\n- Socks\n- Map");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await expect(box).toBeFocused();
    await expect(box).toHaveValue("For the trip:");
    await pasteInto(box, "- Tent\n- Socks\n- Map");
    await dialog.getByRole("button", { name: "Make it one task" }).click();
    await expect(box).toHaveValue("For the trip: Tent Socks Map");
    await box.fill("");
    await pasteInto(box, "- Tent\n- Socks\n- Map");
    await page.keyboard.press("Enter");
    await expect(subtasks).toHaveText(["Tent", "Socks", "Map"]);
    await form.getByRole("button", { name: "Cancel" }).click();
    await tasks.hasSaved("Map");
    await tasks.note("Added 3 tasks.").getByRole("button", { name: "Undo" }).click();
    await expect(tasks.row("Map")).toBeHidden();
    await expect(tasks.row("Pack")).toBeVisible();
  });

  test("that is a subtask is not asked for in the form of a completed task", async ({ tasks, store }) => {
    const pack = await store.add({ title: "Pack" });
    await store.add({ title: "Socks", parent_id: pack.id });
    await store.change(pack, { completed: true });
    await tasks.open("/#/completed");
    const form = await tasks.edit("Pack");
    await expect(form.getByRole("checkbox", { name: "Socks" })).toBeVisible();
    await expect(form.getByLabel("Add a subtask")).toBeHidden();
  });

  test("gets the tag of the list", async ({ page, tasks, store }) => {
    await store.add({ title: "Buy bread", tags: ["Shop"] });
    await tasks.open("/#/open?tag=Shop");
    await expect(page.getByRole("form", { name: "New task" })).toContainText("Shop");
    await tasks.add("Buy milk");
    await tasks.add("Buy eggs #shop");
    await tasks.hasSaved("Buy milk");
    expect(await store.all()).toContainEqual(expect.objectContaining({ title: "Buy milk", tags: ["Shop"] }));
    expect(await store.all()).toContainEqual(expect.objectContaining({ title: "Buy eggs", tags: ["shop"] }));
  });

  test("can be read while it is written, whatever it has", async ({ page, tasks }) => {
    await tasks.open();
    const long = "averyveryveryveryverylongtagthatgoesonandon";
    await tasks.composer.fill(`Buy flowers #home #shop #${long} !high @tomorrow 6pm every Monday`);
    await expect(page.getByRole("form", { name: "New task" })).toContainText(long);
    const line = await tasks.composer.boundingBox();
    const add = await page.getByRole("button", { name: "Add", exact: true }).boundingBox();
    expect(line?.width).toBeGreaterThan(250);
    expect(add?.x).toBeGreaterThanOrEqual((line?.x ?? 0) + (line?.width ?? 0));
    expect(Math.abs((add?.y ?? 0) + (add?.height ?? 0) / 2 - (line?.y ?? 0) - (line?.height ?? 0) / 2)).toBeLessThan(2);
    await page.setViewportSize({ width: 390, height: 844 });
    const hidden = await page.locator("html").evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
    expect(hidden).toBeLessThanOrEqual(0);
  });

  test("of each pasted line is added, after a question", async ({ page, tasks, store }) => {
    await tasks.open();
    const paste = (text: string) => pasteInto(tasks.composer, text);
    await paste("- Milk #shop\n- Eggs @tomorrow\n\n- Bread\n");
    const dialog = page.getByRole("dialog", { name: "Add 3 tasks?" });
    await expect(dialog.getByRole("button", { name: "Add 3 tasks" })).toBeFocused();
    const [all, cancel] = await Promise.all(
      ["Add 3 tasks", "Cancel"].map((name) => dialog.getByRole("button", { name }).boundingBox()),
    );
    expect(cancel?.y).toBe(all?.y);
    await page.keyboard.press("Enter");
    await tasks.hasSaved("Bread");
    expect((await store.all()).map(({ title }) => title).sort()).toEqual(["Bread", "Eggs", "Milk"]);
    await page.keyboard.press("Control+z");
    await expect(page.locator("[data-row]")).toHaveCount(0);
    await paste("Milk\nEggs\nBread");
    await dialog.getByRole("button", { name: "Add 3 tasks" }).click();
    await expect(page.locator("[data-row]")).toHaveCount(3);
    await tasks.note("Added 3 tasks.").getByRole("button", { name: "Undo" }).click();
    await expect(page.locator("[data-row]")).toHaveCount(0);
    await tasks.composer.fill("Half a line");
    await paste("Milk\nEggs");
    await page.getByRole("button", { name: "Add 2 tasks" }).click();
    await expect(page.locator("[data-row]")).toHaveCount(2);
    await expect(tasks.composer).toHaveValue("Half a line");
    await tasks.composer.fill("");
    await paste("Buy milk\nand eggs");
    await page.getByRole("button", { name: "Make it one task" }).click();
    await expect(tasks.composer).toHaveValue("Buy milk and eggs");
  });

  test("understands times in words", async ({ page, tasks }) => {
    await tasks.open();
    for (const [line, due] of [
      ["Call mum @tomorrow 5pm", "Tomorrow, 17:00"],
      ["Take out the bins @in 3 hours", ":"],
      ["Pay rent @1 Feb 2031", "1 Feb 2031"],
    ] as const) {
      await tasks.add(line);
      await expect(tasks.row(line.split(" @")[0] ?? "")).toContainText(due);
    }
    await tasks.composer.press("Enter");
    await expect(page.getByRole("alert").filter({ hasText: /./u })).toHaveCount(0);
  });
});

test("undo reaches every change, and notes are true", async ({ page, tasks, store }) => {
  const titles = ["One", "Two", "Three", "Four", "Five"];
  for (const title of titles) await store.add({ title });
  await tasks.open();
  await tasks.checkbox("One").dblclick();
  await expect(tasks.checkbox("One")).not.toBeChecked();
  await expect(tasks.note("Completed")).toBeHidden();

  for (const title of titles) {
    await page.getByRole("button", { name: `Edit ${title}`, exact: true }).focus();
    await page.keyboard.press("Delete");
  }
  await expect(page.locator("[data-row]:not([inert])")).toHaveCount(0);
  await expect(page.locator(".note")).toHaveText([/^5 tasks are deleted\./u, /^Deleted “Five”\./u]);
  await page.keyboard.press("Control+z");
  await expect(tasks.row("Five")).toBeVisible();
  await tasks.note("4 tasks are deleted.").getByRole("button", { name: "Undo all" }).click();
  await expect(page.locator("[data-row]:not([inert])")).toHaveCount(5);

  const form = await tasks.edit("Two");
  await form.getByLabel("Title").fill("Two and a half");
  await form.getByRole("button", { name: "Save" }).click();
  await tasks.hasSaved("Two and a half");
  await page.keyboard.press("Control+z");
  await tasks.hasSaved("Two");
  expect(await store.all()).toHaveLength(5);
});

test("notes leave room to read, and what none of them offers is undone as well", async ({ page, tasks, store }) => {
  const titles = ["One", "Two", "Three", "Four"];
  for (const title of titles) await store.add({ title });
  await tasks.open();
  for (const title of titles) {
    await tasks.checkbox(title).focus();
    await page.keyboard.press("x");
    // The next note pushes it out of sight, and the pointer does not leave it.
    if (title === "Two") await tasks.note("One").hover();
  }
  await expect(page.locator(".note")).toHaveText([/^Completed “Three”/u, /^Completed “Four”/u]);
  await page.mouse.move(0, 0);
  await expect(page.locator(".note")).toHaveCount(0);
  for (const _ of titles) await page.keyboard.press("Control+z");
  await expect(page.locator("[data-row]:not(.task-done)")).toHaveCount(4);
});

test("a deletion that was sent can be undone while the page is open", async ({ page, tasks, store }) => {
  const { id } = await store.add({ title: "Pack" });
  await store.add({ title: "Socks", parent_id: id });
  await store.add({ title: "Learn to whistle" });
  await tasks.open();
  await tasks.delete("Learn to whistle");
  await tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  await tasks.delete("Pack");
  await tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  await expect.poll(() => store.all()).toEqual([]);
  await expect(page.locator("[data-row]")).toHaveCount(0);
  await page.keyboard.press("Control+z");
  await expect(page.locator(".task-title")).toHaveText(["Pack", "Socks"]);
  await page.keyboard.press("Control+z");
  await tasks.hasSaved("Learn to whistle");
  await expect.poll(async () => (await store.all()).length).toBe(3);
});

test("rows stay under a pointer at work", async ({ page, tasks, store }) => {
  for (const title of ["One", "Two", "Three"]) await store.add({ title });
  await tasks.open();
  const place = async (title: string) => (await tasks.checkbox(title).boundingBox())?.y;
  const { x = 0 } = (await tasks.checkbox("Two").boundingBox()) ?? {};
  const before = await place("Two");
  await tasks.checkbox("One").click();
  for (let moves = 0; moves < 8; moves++) {
    await page.mouse.move(x + 40 + moves, (before ?? 0) + 10);
    await page.waitForTimeout(200);
  }
  expect(await place("Two")).toBe(before);
  await tasks.delete("Two");
  const three = await place("Three");
  await page.waitForTimeout(1_200);
  expect(await place("Three")).toBe(three);
  await expect(tasks.row("One")).toBeHidden();
  await expect(tasks.row("Two")).toBeHidden();
});

test("what is typed into date fields is shown, and a time is not lost", async ({ page, tasks, store }) => {
  await store.add({ title: "Book the train", due: `${day(3)}T18:30:00Z` });
  await tasks.open();
  const date = page.getByLabel("Due date").first();
  await date.focus();
  await page.keyboard.type("1231");
  await expect(date).toHaveCSS("opacity", "1");
  await page.keyboard.type("2031");
  await tasks.add("See the fireworks");
  await expect(tasks.row("See the fireworks")).toContainText("31 Dec 2031");

  const form = await tasks.edit("Book the train");
  const time = await form.getByLabel("Due time").inputValue();
  await form.getByLabel("Due date").focus();
  await page.keyboard.press("Delete");
  await expect(form.getByLabel("Due date")).toHaveValue("");
  await expect(form.getByLabel("Due time")).toHaveValue(time);
  await page.keyboard.type("12242031");
  await expect(form.getByLabel("Due date")).toHaveValue("2031-12-24");
  await expect(form.getByLabel("Due time")).toHaveValue(time);
});

test.describe("the sign-in form", () => {
  test.use({ failuresExpected: true });

  test("keeps the email, has the focus, and explains what is wrong", async ({ page }) => {
    const { email } = newAccount("Ada");
    await page.goto("/");
    await expect(page.getByLabel("Email")).toBeFocused();
    await page.getByLabel("Email").fill(email);
    await page.getByRole("button", { name: "Create an account" }).click();
    await expect(page.getByLabel("Email")).toHaveValue(email);
    await expect(page.getByLabel("Your name")).toBeFocused();
    await page.getByLabel("Your name").fill("   ");
    await page.getByLabel("Password", { exact: true }).fill("a long enough password");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert")).toHaveText("Please enter your name.");
    await page.getByLabel("Your name").fill("Ada");
    const json = { code: "FAILED_TO_CREATE_USER", message: "Failed: [body.name] Invalid input" };
    await page.route("**/sign-up/email", (route) => route.fulfill({ status: 422, json }));
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert")).toHaveText("The sign-in service did not accept that.");
    await page.unroute("**/sign-up/email");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("textbox", { name: "New task" })).toBeFocused();
    await new TaskPage(page).signOut();
    await expect(page.getByLabel("Email")).toBeFocused();
  });
});

test("a completed task says when it was completed, or the heading above it does", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat" });
  await tasks.open();
  await tasks.checkbox("Feed the cat").click();
  await tasks.show("Completed");
  await expect(page.getByRole("region", { name: /^Today · / })).toHaveText(/1.*Feed the cat$/u);
  await expect(tasks.row("Feed the cat")).not.toContainText("Today");
  await tasks.show("All");
  await expect(tasks.row("Feed the cat")).toContainText("Completed Today");
});

test("dialogs close when the browser goes back to another list", async ({ page, tasks, store }) => {
  await store.add({ title: "Feed the cat", due: day(0) });
  await tasks.open("/#/today");
  const dialogs = page.getByRole("dialog");
  const open = [
    () => page.getByRole("button", { name: "Actions for Feed the cat" }).click(),
    () => page.keyboard.press("Control+k"),
    () => page.getByRole("button", { name: "Keyboard shortcuts" }).click(),
  ];
  for (const act of open) {
    await tasks.show("Open");
    await tasks.row("Feed the cat").hover();
    await act();
    await expect(dialogs).toBeVisible();
    await page.goBack();
    await expect(page.getByRole("heading", { level: 1, name: "Today" })).toBeVisible();
    await expect(dialogs).toHaveCount(0);
  }
});

test("an unknown address leads to a list, and text has its own direction", async ({ page, tasks, store }) => {
  await store.add({ title: "לקנות חלב", due: day(0) });
  await tasks.open("/#/nowhere");
  await expect(page).toHaveURL(/#\/today$/u);
  await expect(page.getByRole("button", { name: "Edit לקנות חלב" })).toHaveAttribute("dir", "auto");
  await expect(tasks.composer).toHaveAttribute("dir", "auto");
});

test("on a phone, notes do not cover the buttons of a form", async ({ page, tasks, store }) => {
  for (const title of ["Water the plants", "Sell the bike", "Paint the door"]) await store.add({ title });
  await page.setViewportSize({ width: 390, height: 600 });
  await tasks.open();
  await tasks.delete("Sell the bike");
  await tasks.delete("Paint the door");
  const save = (await tasks.edit("Water the plants")).getByRole("button", { name: "Save" });
  await expect(tasks.note(/deleted/iu)).toHaveCount(2);
  // As low as the bar leaves it.
  const isFree = await save.evaluate((button) => {
    button.scrollIntoView({ block: "end" });
    scrollBy(0, 64);
    const { left, top, width, height } = button.getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height / 2)?.closest("button") === button;
  });
  expect(isFree).toBe(true);
});
