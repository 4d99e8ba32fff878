/** What people do with their account, and with the page's looks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { day, expect, leavesNothing, newPerson, type Person, Store, TaskPage, test } from "./product";

test.use({ failuresExpected: true });

async function settings(page: Page, tab: RegExp) {
  await page.getByRole("button", { name: /(Account|Konto)$/u }).click();
  await page.getByRole("button", { name: /^(Settings|Einstellungen)$/u }).click();
  const dialog = page.getByRole("dialog", { name: /^(Settings|Einstellungen)$/u });
  await dialog.getByRole("tab", { name: tab }).click();
  return dialog;
}

test("the password is changed", async ({ page, tasks, person }) => {
  await tasks.open();
  const dialog = await settings(page, /Account/u);
  await dialog.getByLabel("Current password").fill("not the password");
  await dialog.getByLabel("New password").fill("another long password");
  await dialog.getByRole("button", { name: "Change password" }).click();
  await expect(dialog.getByRole("form", { name: "Change password" }).getByRole("alert")).not.toBeEmpty();
  await dialog.getByLabel("Current password").fill(person.password);
  await dialog.getByLabel("New password").fill("another long password");
  await dialog.getByRole("button", { name: "Change password" }).click();
  await expect(dialog).toContainText("Your password has been changed.");
  await dialog.getByRole("button", { name: "Close" }).click();
  await tasks.signOut();
  await page.getByLabel("Email").fill(person.email);
  await page.getByLabel("Password", { exact: true }).fill("another long password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "All clear" })).toBeVisible();
});

test.describe("a link for a new password", () => {
  // One after the other: the newest link is that of the test.
  test.describe.configure({ mode: "default" });

  test("replaces a forgotten one", async ({ browser, person }) => {
    const page = await browser.newPage();
    await page.goto(await mailedLink(page, person));
    await expect(page.getByText("a link that we send you")).toBeHidden();
    await page.getByLabel("New password").fill("another long password");
    await page.getByRole("button", { name: "Change password" }).click();
    await expect(page.getByRole("status").filter({ hasText: "has been changed" })).toBeVisible();
    await expect(page.getByLabel("New password")).toBeHidden();
    expect(page.url()).not.toContain("token");
    await page.getByRole("button", { name: "Back to sign-in" }).click();
    await page.getByLabel("Email").fill(person.email);
    await page.getByLabel("Password", { exact: true }).fill("another long password");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("heading", { name: "All clear" })).toBeVisible();
    await page.close();

    const late = await (await browser.newContext()).newPage();
    await late.goto(newestLink() ?? "");
    await expect(late.getByRole("alert")).toHaveText("This link does not work any more. Ask for another one.");
    await expect(late.getByRole("button", { name: "Send the link" })).toBeVisible();
    expect(late.url()).not.toContain("error");
    await late.close();
  });

  test("works for a user who is signed in", async ({ browser, page, tasks, person, store }) => {
    await store.add({ title: "Water the plants", due: day(0) });
    await tasks.open();
    const other = await browser.newPage();
    const link = await mailedLink(other, person);
    await other.close();
    await page.goto(link);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("A new password");
    expect(page.url()).not.toContain("token");
    await page.getByRole("button", { name: "Back to your tasks" }).click();
    await expect(tasks.row("Water the plants")).toBeVisible();

    await page.goto(link);
    await page.getByLabel("New password").fill("another long password");
    await page.getByRole("button", { name: "Change password" }).click();
    await expect(page.getByRole("status").filter({ hasText: "has been changed" })).toBeVisible();
    await page.getByRole("button", { name: "Back to your tasks" }).click();
    // The issuer has ended all sessions.
    const again = page.getByRole("dialog", { name: "Please sign in again" });
    await again.getByLabel("Password", { exact: true }).fill("another long password");
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(again).toBeHidden();
    await expect(tasks.row("Water the plants")).toBeVisible();
  });
});

async function mailedLink(page: Page, { email }: Person): Promise<string> {
  const before = newestLink();
  await page.goto("/");
  await page.getByRole("button", { name: "Forgot your password?" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByRole("status").filter({ hasText: "a link is on its way" })).toBeVisible();
  await expect.poll(newestLink).not.toBe(before);
  return newestLink() ?? "";
}

/** The local issuer prints mail. */
function newestLink(): string | null {
  const folder = join(process.env.STACK ?? "", "logs");
  const logs = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  return logs.flatMap((log) => log.match(/http\S+\/reset-password\/\S+/gu) ?? []).at(-1) ?? null;
}

test("deleting the account erases its tasks, and the page says so", async ({ page, context, tasks, store, person }) => {
  await store.add({ title: "Only for my eyes" });
  const headers = await store.headers();
  await tasks.open();
  const dialog = await settings(page, /Account/u);
  const form = dialog.getByRole("form", { name: "Delete account" });
  await form.getByLabel("Password").fill("not the password");
  await form.getByRole("button", { name: "Delete my account" }).click();
  await expect(form.getByRole("alert")).not.toBeEmpty();
  await form.getByLabel("Password").fill(person.password);
  const other = await context.newPage();
  await other.goto("/");
  await form.getByRole("button", { name: "Delete my account" }).click();
  for (const tab of [page, other]) {
    await expect(tab.getByRole("heading", { level: 1 })).toHaveText("Goodbye");
    await expect(tab.locator(".lead")).toHaveText("Your account and its tasks are deleted.");
    await expect(tab.getByRole("button", { name: "Create an account" })).toBeVisible();
  }
  await leavesNothing(page);
  // The token is still valid for a while.
  const left = await store.request.get(`${process.env.API_URL}/api/${person.id}/tasks`, { headers });
  expect((await left.json()).tasks ?? []).toEqual([]);
});

test.describe("a session that has ended meanwhile", () => {
  test.use({ failuresExpected: true });

  test("is renewed where the account is changed", async ({ page, context, tasks, person }) => {
    await tasks.open();
    const dialog = await settings(page, /Account/u);
    await context.clearCookies();
    const form = dialog.getByRole("form", { name: "Change password" });
    await form.getByLabel("Current password").fill(person.password);
    await form.getByLabel("New password").fill("another long password");
    await form.getByRole("button", { name: "Change password" }).click();
    const again = page.getByRole("dialog", { name: "Please sign in again" });
    await again.getByLabel("Password", { exact: true }).fill(person.password);
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(again).toBeHidden();
    await expect(form.getByRole("alert")).toContainText("repeat this");
    await form.getByRole("button", { name: "Change password" }).click();
    await expect(form).toContainText("Your password has been changed.");
  });
});

test("tasks are exported, and imported into another account", async ({ page, tasks, store, browser }) => {
  await store.add({ title: "Water the plants", due: day(0), tags: ["home"], priority: "low" });
  await store.add({ title: "Learn to whistle" });
  await store.add({ title: "Pay rent", due: day(1), recurrence: { rule: "FREQ=MONTHLY" } });
  const { id: parent_id } = await store.add({ title: "Pack" });
  const trip = await store.add({ title: "Socks", parent_id });
  await store.add({ title: "Tent", parent_id });
  await store.change(trip, { completed: true });
  const party = await store.add({ title: "Party" });
  await store.add({ title: "Cake", parent_id: party.id });
  await store.change(party, { completed: true });
  await tasks.open();
  let dialog = await settings(page, /Your tasks/u);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Export" }).click(),
  ]);
  const path = await download.path();
  await dialog.getByLabel("Import").setInputFiles(path);
  await expect(dialog).toContainText("0 tasks added, 8 already here.");
  const broken = { name: "x.json", mimeType: "application/json", buffer: Buffer.from("{") };
  await dialog.getByLabel("Import").setInputFiles(broken);
  await expect(dialog).toContainText("This file is not an export of tasks.");
  await expect(dialog).not.toContainText("already here");

  const context = await browser.newContext();
  await newPerson(context, "Grace");
  const other = await context.newPage();
  await other.goto("/");
  dialog = await settings(other, /Your tasks/u);
  await dialog.getByLabel("Import").setInputFiles(broken);
  await expect(dialog).toContainText("This file is not an export of tasks.");
  await dialog.getByLabel("Import").setInputFiles(path);
  await expect(dialog).toContainText("8 tasks added.");
  const imported = new Store(context.request);
  await expect.poll(async () => (await imported.all()).length).toBe(8);
  // A parent is completed when it has its subtasks.
  await expect.poll(async () => (await imported.all()).filter(({ completed }) => completed).length).toBe(3);
  const all = await imported.all();
  expect(all).toContainEqual(
    expect.objectContaining({ title: "Water the plants", due: day(0), tags: ["home"], priority: "low" }),
  );
  const recurrence = expect.objectContaining({ rule: "FREQ=MONTHLY" });
  expect(all).toContainEqual(expect.objectContaining({ title: "Pay rent", recurrence }));
  const under = (parent: string) => all.find(({ title }) => title === parent)?.id;
  for (const [title, completed, parent] of [
    ["Socks", true, "Pack"] as const,
    ["Tent", false, "Pack"] as const,
    ["Cake", true, "Party"] as const,
  ]) {
    expect(all).toContainEqual(expect.objectContaining({ title, completed, parent_id: under(parent) }));
  }
  expect(all).toContainEqual(expect.objectContaining({ title: "Party", completed: true }));
  await dialog.getByLabel("Import").setInputFiles(path);
  await expect(dialog).toContainText("0 tasks added, 8 already here.");
  await dialog.getByRole("button", { name: "Close" }).click();
  await other.keyboard.press("Control+z");
  await expect.poll(async () => (await imported.all()).length).toBe(0);
  await context.close();
});

test("settings are in tabs, on a phone as well, and can always be closed", async ({ page, tasks }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  await tasks.open("/#/upcoming?layout=week");
  await page.getByRole("button", { name: "Next week" }).click();
  const first = page.locator(".week-day h3").first();
  await expect(first).toContainText("Mon");
  const dialog = await settings(page, /Appearance/u);
  await dialog.getByLabel("First day of the week").selectOption("Sunday");
  await expect(first).toContainText("Sun");
  await dialog.getByRole("tab", { name: "Appearance" }).press("ArrowRight");
  await expect(dialog.getByRole("tab", { name: "Account" })).toBeFocused();
  await expect(dialog.getByRole("form", { name: "Delete account" })).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Close" })).toBeInViewport({ ratio: 1 });
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(dialog).toBeHidden();
});

test("another time zone moves tasks to their days", async ({ page, tasks, store }) => {
  // Early on another day in Tokyo.
  await store.add({ title: "Call Tokyo", due: `${day(2)}T20:00:00Z` });
  for (const [address, of] of [
    ["/#/upcoming?layout=week", ".week-day"],
    ["/#/upcoming", "main section"],
  ] as const) {
    await tasks.open(address);
    const heading = page
      .locator(of)
      .filter({ has: tasks.row("Call Tokyo") })
      .locator("h2, h3")
      .first();
    const before = await heading.innerText();
    const dialog = await settings(page, /Appearance/u);
    await dialog.getByLabel("Time zone").selectOption("Asia/Tokyo");
    await expect(heading).not.toHaveText(before);
    await dialog.getByLabel("Time zone").selectOption({ index: 0 });
    await expect(heading).toHaveText(before);
  }
});

test("what is chosen in one tab, the others follow", async ({ page, context, tasks, store }) => {
  await store.add({ title: "Call Tokyo", due: `${day(3)}T12:00:00Z` });
  await tasks.open();
  const other = new TaskPage(await context.newPage());
  await other.open();
  const dialog = await settings(page, /Appearance/u);
  await dialog.getByLabel("Theme").selectOption("Dark");
  await dialog.getByLabel("Time zone").selectOption("Asia/Tokyo");
  await dialog.getByLabel("Language").selectOption("Deutsch");
  await expect(other.page.getByRole("heading", { level: 1 })).toHaveText("Alle Aufgaben");
  await expect(other.page.locator("html")).toHaveCSS("color-scheme", "dark");
  await expect(other.page.locator("[data-row]")).toContainText("21:00");
  await dialog.getByLabel("Sprache").selectOption("English");
  await dialog.getByLabel("Theme").selectOption("Like the device");
  await expect(other.page.getByRole("heading", { level: 1 })).toHaveText("All tasks");
  await expect(other.page.locator("html")).toHaveCSS("color-scheme", "light dark");
});

test("theme, language, and time zone stay as they are chosen", async ({ page, tasks, store }) => {
  await store.add({ title: "Call Tokyo", due: `${day(3)}T12:00:00Z` });
  await tasks.open();
  await expect(tasks.row("Call Tokyo")).toContainText("13:00");
  const dialog = await settings(page, /Appearance/u);
  await dialog.getByLabel("Theme").selectOption("Dark");
  await expect(page.locator("html")).toHaveCSS("color-scheme", "dark");
  // Not only the controls of the browser: the page's own colors, whatever the device has.
  const ground = () => page.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor);
  expect(await ground()).toBe("rgb(19, 25, 23)");
  // The color of the browser's bar.
  const bar = () =>
    page.evaluate(() => {
      const colors = [...document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")];
      return colors.find(({ media }) => matchMedia(media).matches)?.content;
    });
  expect(await bar()).toBe("#0f1614");
  const selected = await page.locator("body").evaluate((body) => getComputedStyle(body, "::selection").color);
  expect(selected).toBe("rgb(233, 241, 238)");
  await page.emulateMedia({ colorScheme: "dark" });
  await dialog.getByLabel("Theme").selectOption("Light");
  expect(await ground()).toBe("rgb(255, 255, 255)");
  expect(await bar()).toBe("#f2f5f3");
  await dialog.getByLabel("Theme").selectOption({ index: 0 });
  expect(await bar()).toBe("#0f1614");
  await page.emulateMedia({ colorScheme: "light" });
  await dialog.getByLabel("Theme").selectOption("Dark");
  await dialog.getByLabel("Time zone").selectOption("Asia/Tokyo");
  await dialog.getByLabel("Language").selectOption("Deutsch");
  await expect(dialog.getByRole("tab", { name: "Darstellung" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Alle Aufgaben");
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await expect(page.locator("html")).toHaveCSS("color-scheme", "dark");
  expect(await bar()).toBe("#0f1614");
  await expect(page.locator("[data-row]")).toContainText("21:00");
});
