import type { Page } from "@playwright/test";
import { API, expect, holdDevice, leavesNothing, Store, TaskPage, test, WAITS } from "./product";

const TASKS = `${API}/api/**`;

/** The issuer knows the session, and gives no token for it. */
async function withoutTokens(page: Page): Promise<void> {
  await page.route("**/api/auth/token", (route) => route.fulfill({ status: 503 }));
  await page.route("**/api/auth/get-session", async (route) => {
    const response = await route.fetch();
    const { "set-auth-jwt": _, ...headers } = response.headers();
    await route.fulfill({ response, headers });
  });
}

test("a new device shows the next tasks after three requests", async ({ page, store }) => {
  await store.addMany(Array.from({ length: 60 }, (_, index) => `Task ${index}`));
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.resourceType() === "fetch") asked.push(new URL(request.url()).pathname.replace(/^.*\//u, ""));
  });
  // The first pull is still on its way.
  await page.route(/\/changes\?/u, () => {});
  await page.goto("/#/open");
  await expect(page.locator("[data-row]")).toHaveCount(30);
  // The document itself preloads config.json.
  const requests = () => asked.filter((name) => name !== "config.json");
  await expect.poll(requests).toEqual(["get-session", "tasks", "changes"]);
});

test.describe("a returning user", () => {
  test.use({ failuresExpected: true });

  test("sees the tasks before the issuer knows the session", async ({ page, tasks, store }) => {
    await store.add({ title: "Feed the cat" });
    await tasks.open();
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route("**/api/auth/get-session", (route) => asked.then(() => route.continue()));
    await page.reload();
    await expect(tasks.row("Feed the cat")).toBeVisible();
    await page.context().clearCookies();
    answer();
    await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
    await expect(tasks.row("Feed the cat")).toBeHidden();
  });
});

test.describe("a token that expires", () => {
  test("is renewed in the background", async ({ page, tasks }) => {
    const refusals: number[] = [];
    page.on("response", (response) => {
      if (response.status() === 401) refusals.push(response.status());
    });
    await page.clock.install();
    await tasks.open();
    await page.clock.fastForward("10:00");
    await tasks.add("Written ten minutes later");
    await tasks.hasSaved("Written ten minutes later");
    expect(refusals).toEqual([]);
  });
});

test.describe("failing requests", () => {
  test.use({ failuresExpected: true });

  test("an expired token is renewed once, and the request repeated", { tag: WAITS }, async ({ page, tasks, store }) => {
    // The browser's clock is stopped, so the token looks valid to the page. For the API, it expires after 20 seconds plus
    // a leeway of 15.
    await page.clock.install();
    await tasks.open();
    await page.clock.setFixedTime(new Date());
    await page.waitForTimeout(37_000);
    const expired = page.waitForResponse((response) => response.status() === 401 && response.url().startsWith(API));
    await tasks.add("Written with an old token");
    expect((await (await expired).json()).code).toBe("token_expired");
    await tasks.hasSaved("Written with an old token");
    expect(await store.all()).toHaveLength(1);
  });

  test("an ended session asks to sign in, and keeps what was typed", async ({ page, context, tasks, person }) => {
    await page.clock.install();
    await tasks.open();
    await tasks.add("Before");
    await tasks.hasSaved("Before");
    const form = await tasks.edit("Before");
    await form.getByLabel("Notes").fill("Half a thought");
    // What was sent has been pulled by then.
    await page.waitForTimeout(2000);
    // Not so long that the page asks for changes by itself.
    await page.clock.fastForward("00:40");
    await context.clearCookies();

    await tasks.add("Written without a session");
    const dialog = page.getByRole("dialog", { name: "Please sign in again" });
    await expect(dialog).toBeVisible();
    await expect(dialog.getByLabel("Email")).toHaveValue(person.email);
    await dialog.getByLabel("Password", { exact: true }).fill("not the password");
    await dialog.getByRole("button", { name: "Sign in" }).click();
    await expect(dialog.getByRole("alert")).toContainText("No account matches");
    await dialog.getByLabel("Password", { exact: true }).fill(person.password);
    await dialog.getByRole("button", { name: "Sign in" }).click();
    await expect(dialog).toBeHidden();

    await tasks.hasSaved("Written without a session");
    await expect(form.getByLabel("Notes")).toHaveValue("Half a thought");
    await form.getByRole("button", { name: "Save" }).click();
    await tasks.hasSaved("Before");
    expect(await new Store(context.request).all()).toHaveLength(2);
  });

  test("an ended session can be left", async ({ page, context, tasks }) => {
    await page.clock.install();
    await tasks.open();
    // Not so long that the page asks for changes by itself.
    await page.clock.fastForward("00:40");
    await context.clearCookies();
    await tasks.add("Nobody will ever see this");
    await page.getByRole("button", { name: "Leave and drop unsaved changes" }).click();
    await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
    await leavesNothing(page);
  });

  test("a wrong password is reported", async ({ browser, person }) => {
    const stranger = await browser.newPage();
    await stranger.goto("/");
    await stranger.getByLabel("Email").fill(person.email);
    await stranger.getByLabel("Password", { exact: true }).fill("not the password");
    await stranger.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(stranger.getByRole("alert")).toContainText("No account matches");
    await stranger.close();
  });

  test("an issuer that is down is reported, and tried again", async ({ page, tasks }) => {
    await page.route("**/api/auth/get-session", (route) => route.abort());
    await page.goto("/");
    await expect(page.getByRole("heading", { name: "Sign-in can’t be reached" })).toBeVisible();
    await page.unroute("**/api/auth/get-session");
    await withoutTokens(page);
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.locator("#task-list").getByText("The sign-in service can’t be reached.")).toBeVisible();
    const asked = page.waitForRequest("**/api/auth/token");
    await page.locator("#task-list").getByRole("button", { name: "Try again" }).click();
    await asked;
    // It also tries by itself, and the button may be gone before it is pressed.
    await page.unrouteAll();
    await expect(page.getByRole("heading", { name: "All clear" })).toBeVisible();

    await withoutTokens(page);
    await page.reload();
    await expect(tasks.note("The sign-in service can’t be reached.")).toBeVisible();
    await expect(page.getByRole("heading", { name: "All clear" })).toBeVisible();
  });
});

test("the API is not called before sign-in", async ({ browser }) => {
  const page = await browser.newPage();
  const asked: string[] = [];
  await page.route(TASKS, (route) => {
    asked.push(route.request().url());
    return route.continue();
  });
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  expect(asked).toEqual([]);
  await page.close();
});

test("signing out removes the tasks from the device", async ({ context, tasks }) => {
  await tasks.open();
  await tasks.add("Only for my eyes");
  await tasks.hasSaved("Only for my eyes");
  const second = new TaskPage(await context.newPage());
  await second.open();
  await expect(second.row("Only for my eyes")).toBeVisible();
  await tasks.signOut();
  await expect(second.page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  await leavesNothing(tasks.page);
});

test.describe("without a network", () => {
  test.use({ failuresExpected: true });

  test("signing out waits for a task that is being stored, and asks", async ({ page, context, tasks }) => {
    await tasks.open();
    await page.route(TASKS, (route) => route.abort());
    const other = await holdDevice(context);
    await tasks.add("Just typed");
    await expect(tasks.composer).toHaveValue("");
    await page.getByRole("button", { name: /Account$/u }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await other.close();
    const dialog = page.getByRole("dialog", { name: "Not everything is saved" });
    await expect(dialog).toContainText("One change is only on this device so far.");
    await dialog.getByRole("button", { name: "Stay signed in" }).click();
    await expect(tasks.row("Just typed")).toBeVisible();
  });

  test("signing out with unsent changes asks first", async ({ page, context, tasks, person, store }) => {
    await tasks.open();
    await context.setOffline(true);
    await tasks.add("Not sent");
    await page.getByRole("button", { name: /Account$/u }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    const dialog = page.getByRole("dialog", { name: "Not everything is saved" });
    await expect(dialog).toContainText("One change is only on this device so far.");
    await dialog.getByRole("button", { name: "Stay signed in" }).click();
    await context.setOffline(false);
    await tasks.hasSaved("Not sent");
    expect(await store.all()).toHaveLength(1);

    await page.route(TASKS, (route) => route.abort());
    await tasks.add("Dropped");
    await page.getByRole("button", { name: /Account$/u }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await dialog.getByRole("button", { name: "Sign out and drop it" }).click();
    await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
    await leavesNothing(page);
    await page.unroute(TASKS);
    await page.getByLabel("Email").fill(person.email);
    await page.getByLabel("Password", { exact: true }).fill(person.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(tasks.row("Not sent")).toBeVisible();
    await expect(tasks.row("Dropped")).toBeHidden();
  });
});
