import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { API, expect, findViolations, newPerson, Store, test } from "./product";

const OPERATIONS = readFileSync("../openapi.yaml", "utf8").match(/^ {4}(?:get|put|post|patch|delete):$/gmu) ?? [];

async function open(page: Page): Promise<void> {
  await page.goto("/reference/");
  await expect(page.getByRole("heading", { name: "Daylist API" })).toBeVisible();
}

test("the reference calls operations with the session, whose tokens expire", async ({ page, context }) => {
  await newPerson(context, "Edsger");
  const store = new Store(context.request);
  await page.goto("/");
  await page.getByRole("button", { name: /Account$/u }).click();
  await page.getByRole("link", { name: "API reference" }).click();
  await expect(page.getByRole("status")).toHaveText("Requests from this page use your session.");
  await expect(page.locator(".opblock")).toHaveCount(OPERATIONS.length);
  // The first operations are in sight on a laptop.
  await page.setViewportSize({ width: 1280, height: 800 });
  for (let index = 0; index < 3; index++)
    await expect(page.locator(".opblock").nth(index)).toBeInViewport({ ratio: 1 });

  const tokens = new Set<string | undefined>();
  page.on("request", (request) => {
    if (request.url().startsWith(API)) tokens.add(request.headers().authorization);
  });
  const operation = page.locator("#operations-tasks-createTask");
  await operation.getByRole("button").first().click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  await expect(operation.locator(".live-responses-table tbody .response-col_status")).toContainText("201");
  await expect(operation.locator(".request-url")).toContainText(`${API}/api/me/tasks`);
  expect((await store.all()).map(({ title }) => title)).toEqual(["Buy milk"]);

  await page.waitForTimeout(1_100);
  const list = page.locator("#operations-tasks-listTasks");
  await list.getByRole("button").first().click();
  await list.getByRole("button", { name: "Try it out" }).click();
  await list.getByRole("button", { name: "Execute" }).click();
  await expect(list.locator(".live-responses-table tbody .response-col_status")).toContainText("200");
  tokens.delete(undefined);
  expect(tokens.size).toBe(2);
});

test.describe("without a session", () => {
  test.use({ failuresExpected: true });

  test("the reference takes a pasted token", async ({ page, context, browser }) => {
    await newPerson(context, "Edsger");
    const { authorization = "" } = await new Store(context.request).headers();
    const stranger = await browser.newPage();
    await open(stranger);
    await expect(stranger.getByRole("status")).toContainText("Sign in to Daylist");
    await stranger.getByRole("button", { name: "Authorize" }).first().click();
    const dialog = stranger.locator(".dialog-ux");
    await dialog.getByRole("textbox").fill(authorization.replace("Bearer ", ""));
    await dialog.getByRole("button", { name: "Apply credentials" }).click();
    await dialog.getByRole("button", { name: "Close" }).click();
    const list = stranger.locator("#operations-tasks-listTasks");
    await list.getByRole("button").first().click();
    await list.getByRole("button", { name: "Try it out" }).click();
    await list.getByRole("button", { name: "Execute" }).click();
    await expect(list.locator(".live-responses-table tbody .response-col_status")).toContainText("200");
    await stranger.close();
    await page.close();
  });
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`the reference is accessible, ${colorScheme}`, async ({ page, context }) => {
    await newPerson(context, "Edsger");
    await page.emulateMedia({ colorScheme });
    await open(page);
    await expect(page.locator(".opblock")).toHaveCount(OPERATIONS.length);
    await page.screenshot({ path: `artifacts/screenshots/reference-${colorScheme}.png` });
    expect(await findViolations(page)).toEqual([]);
    const operation = page.locator("#operations-tasks-createTask");
    await operation.getByRole("button").first().click();
    await operation.getByRole("button", { name: "Try it out" }).click();
    await operation.getByRole("button", { name: "Execute" }).click();
    await expect(operation.locator(".live-responses-table tbody .response-col_status")).toContainText("201");
    await page.screenshot({ path: `artifacts/screenshots/reference-${colorScheme}-open.png`, fullPage: true });
    expect(await findViolations(page)).toEqual([]);
  });
}
