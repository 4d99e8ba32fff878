/** Checks every main state for accessibility and layout shifts, and saves screenshots for review. */

import type { Page } from "@playwright/test";
import { API, BATCH, day, expect, findViolations, newPerson, refuse, Store, TaskPage, test } from "./product";

test.use({ failuresExpected: true });

const SCREENS = [
  { name: "phone", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
  { name: "desktop", viewport: { width: 1280, height: 860 }, deviceScaleFactor: 1, hasTouch: false, isMobile: false },
] as const;

for (const { name, ...screen } of SCREENS) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`on a ${name}, ${colorScheme}`, async ({ browser }) => {
      const context = await browser.newContext({ ...screen, colorScheme, reducedMotion: "reduce" });
      const page = await context.newPage();
      const tasks = new TaskPage(page);
      const inspect = (state: string) => inspectState(page, `${name}-${colorScheme}-${state}`);

      await page.goto("/");
      await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
      await inspect("sign-in");
      await page.getByRole("button", { name: "Create an account" }).click();
      await inspect("sign-up");

      await newPerson(context, "Ada");
      const store = new Store(context.request);
      await page.route(`${API}/api/**`, (route) => route.abort());
      await page.goto("/");
      await expect(page.getByRole("heading", { name: "Your tasks can’t be shown" })).toBeVisible();
      await inspect("never-loaded");
      await page.unroute(`${API}/api/**`);
      await tasks.open();
      await inspect("empty");
      await fill(store);
      await tasks.open();
      await expect(tasks.row("Renew the passport")).toBeVisible();
      await inspect("open");
      await tasks.composer.fill("Buy oat milk #shop !high @tomorrow");
      await inspect("quick-add");
      await tasks.composer.fill("");

      await tasks.edit("Book the night train to Lisbon");
      await inspect("edit");
      await page.keyboard.press("Escape");
      await tasks.checkbox("Water the plants").click();
      await tasks.delete("Sort the photos");
      await inspect("undo");
      const dismiss = page.getByRole("button", { name: "Dismiss" });
      while ((await dismiss.count()) > 0) await dismiss.last().click();
      await page.waitForTimeout(1000);

      const form = await tasks.edit("Read about partition keys");
      await form.getByLabel("Title").fill("Read about sort keys");
      const task = (await store.all()).find(({ title }) => title === "Read about partition keys");
      if (task) await store.change(task, { title: "Read about indexes", priority: "high" });
      await form.getByRole("button", { name: "Save" }).click();
      await expect(page.getByRole("dialog", { name: "Changed somewhere else" })).toBeVisible();
      await inspect("conflict");
      await page.getByRole("button", { name: "Keep mine" }).click();

      await page.getByRole("button", { name: /Account$/u }).click();
      await inspect("account");
      await page.keyboard.press("Escape");
      await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
      await page.keyboard.press("?");
      await inspect("shortcuts");
      await page.keyboard.press("Escape");
      await tasks.show("Completed");
      await expect(tasks.row("Water the plants")).toBeVisible();
      await inspect("completed");
      await tour(page, inspect);

      await page.route(`${API}/api/**`, (route) => route.abort());
      await tasks.show("Open");
      await tasks.add("Written while it was down");
      await expect(tasks.note("The server can’t be reached.")).toBeVisible();
      await inspect("down");
      await page.getByRole("button", { name: /Account$/u }).click();
      await page.getByRole("button", { name: "Sign out" }).click();
      await expect(page.getByRole("dialog", { name: "Not everything is saved" })).toBeVisible();
      await inspect("not-everything-saved");
      await page.getByRole("button", { name: "Stay signed in" }).click();
      await page.unroute(`${API}/api/**`);
      await refuse(page, { pointer: "/title", detail: "is too long" });
      await tasks.add("Written against the rules");
      await expect(page.getByText("Not saved. The title is too long.").first()).toBeVisible();
      await inspect("not-saved");
      await page.unroute(BATCH);
      await page.reload();
      await expect(tasks.row("Renew the passport")).toBeVisible();
      await page.route("**/api/auth/token", (route) => route.fulfill({ status: 401, body: "{}" }));
      await page.route(`${API}/api/**`, (route) =>
        route.fulfill({
          status: 401,
          headers: { "access-control-allow-origin": new URL(page.url()).origin },
          contentType: "application/problem+json",
          body: JSON.stringify({ status: 401, code: "token_expired", title: "", detail: "", type: "about:blank" }),
        }),
      );
      await page.evaluate(() => dispatchEvent(new Event("online")));
      await expect(page.getByRole("dialog", { name: "Please sign in again" })).toBeVisible();
      await inspect("sign-in-again");
      await context.close();
    });

    test(`nothing shifts while it loads, on a ${name}, ${colorScheme}`, async ({ browser }) => {
      const context = await browser.newContext({ ...screen, colorScheme });
      await newPerson(context, "Ada");
      await fill(new Store(context.request));
      const page = await context.newPage();
      await page.addInitScript(recordShifts);
      // Slow enough to show the skeleton.
      await page.route(`${API}/api/**`, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        await route.continue();
      });
      await page.goto("/");
      await expect(page.locator(".skeleton")).toBeVisible();
      if (colorScheme === "light") await page.screenshot({ path: `artifacts/screenshots/${name}-light-loading.png` });
      await expect(page.getByRole("heading", { name: "Overdue" })).toBeVisible();
      await page.waitForTimeout(300);
      expect(await page.evaluate(() => Reflect.get(window, "shifted"))).toBeLessThan(0.02);
      await context.close();
    });
  }
}

for (const { name, language = "en-GB", ...screen } of [
  { name: "narrow", viewport: { width: 320, height: 640 } },
  // 1280 × 860 at 200 %
  { name: "zoomed", viewport: { width: 640, height: 430 }, deviceScaleFactor: 2 },
  { name: "forced-colors", forcedColors: "active" },
  { name: "german", language: "de-DE" },
] as const) {
  test(`with ${name} settings`, async ({ browser }) => {
    const context = await browser.newContext({ ...screen, locale: language, reducedMotion: "reduce" });
    await newPerson(context, "Ada");
    await fill(new Store(context.request));
    const page = await context.newPage();
    await page.goto("/#/open");
    await expect(page.locator("[data-row]").first()).toBeVisible();
    const inspect = (state: string) => inspectState(page, `${name}-${state}`);
    await inspect("open");
    await page.locator(".task-title").first().click();
    await inspect("edit");
    await page.keyboard.press("Escape");
    await tour(page, inspect);
    await context.close();
  });
}

/** Visits the other lists, and what opens over them. */
async function tour(page: Page, inspect: (state: string) => Promise<void>): Promise<void> {
  for (const [state, address] of [
    ["today", "#/today"],
    ["upcoming", "#/upcoming"],
    ["week", "#/upcoming?layout=week"],
    ["search", "#/search?q=p"],
    ["nothing-found", "#/search?q=nowhere"],
    ["by-priority", "#/open?sort=priority"],
  ] as const) {
    await page.goto(`/${address}`);
    await expect(page.locator("#task-list")).toHaveAttribute("aria-busy", "false");
    await inspect(state);
  }
  await page.locator("[data-row]").first().locator(".task-title").focus();
  await page.keyboard.press("v");
  await expect(page.getByRole("toolbar")).toBeVisible();
  await inspect("selection");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await inspect("palette");
  await page.keyboard.press("Escape");
  await page.goto("/#/open");
  const [plants, trip] = ["Water the plants", "Plan the winter holidays"].map((text) =>
    page.locator("[data-row]").filter({ hasText: text }).first(),
  );
  await trip?.hover();
  await trip?.locator(".task-menu").click();
  await inspect("menu");
  await page.keyboard.press("Escape");
  await plants?.locator(".task-title").click();
  await expect(page.locator(".repeat-form")).toBeVisible();
  await page.locator(".repeat-form").scrollIntoViewIfNeeded();
  await inspect("repeat");
  await page.keyboard.press("Escape");
  await page.locator(".account-button").click();
  await page.locator(".account-panel button").first().click();
  await expect(page.locator(".settings")).toBeVisible();
  await inspect("settings");
  await page.getByRole("tab").nth(1).click();
  await inspect("settings-account");
  await page.getByRole("tab").nth(2).click();
  await inspect("settings-tasks");
  await page.keyboard.press("Escape");
}

async function inspectState(page: Page, state: string): Promise<void> {
  // Color transitions may still be running.
  await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const ending = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(ending.map(({ finished }) => finished));
  });
  await page.screenshot({ path: `artifacts/screenshots/${state}.png` });
  expect(await findViolations(page), state).toEqual([]);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(width, `${state} is no wider than the screen`).toBeLessThanOrEqual(0);
}

async function fill(store: Store): Promise<void> {
  const tasks = [
    { title: "Renew the passport", due: day(-2), priority: "high", tags: ["papers"] },
    {
      ...{ title: "Water the plants", due: day(0), tags: ["home"] },
      recurrence: { rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;COUNT=10" },
    },
    { title: "Call the dentist", due: `${day(0)}T22:30:00Z`, tags: ["health"] },
    { title: "Book the night train to Lisbon", due: day(3), priority: "medium", tags: ["travel"] },
    { title: "Read about partition keys", due: day(5), priority: "low", tags: ["study", "work"] },
    {
      title: "Plan the winter holidays with everyone who said they would come",
      due: day(30),
      tags: ["travel", "family"],
    },
    { title: "Learn to whistle" },
    { title: "Sort the photos", tags: ["home"] },
  ];
  const added = new Map<string, string>();
  for (const task of tasks) added.set(task.title, (await store.add(task)).id);
  const parent_id = added.get("Plan the winter holidays with everyone who said they would come");
  if (!parent_id) return;
  await store.add({ title: "Ask when they have time", parent_id, due: day(30) });
  await store.add({ title: "Look for a house", parent_id, priority: "medium" });
}

function recordShifts(): void {
  Reflect.set(window, "shifted", 0);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) {
      Reflect.set(window, "shifted", Reflect.get(window, "shifted") + entry.value);
    }
  }).observe({ type: "layout-shift", buffered: true });
}
