import { readFileSync } from "node:fs";
import { API, expect, newPerson, Store, test } from "./product";

test("the reference shows every operation, and can call them", async ({ page, context }) => {
  await newPerson(context, "Edsger");
  const store = new Store(context.request);
  const { authorization = "" } = await store.headers();

  await page.goto("/reference/");
  await expect(page.getByRole("heading", { name: "Daylist API" })).toBeVisible();
  const operations = readFileSync("../openapi.yaml", "utf8").match(/^ {4}(?:get|put|post|patch|delete):$/gmu) ?? [];
  await expect(page.locator(".opblock")).toHaveCount(operations.length);

  await page.screenshot({ path: "artifacts/screenshots/reference.png" });

  await page.getByRole("button", { name: "Authorize" }).first().click();
  const dialog = page.locator(".dialog-ux");
  await dialog.getByRole("textbox").fill(authorization.replace("Bearer ", ""));
  await dialog.getByRole("button", { name: "Apply credentials" }).click();
  await dialog.getByRole("button", { name: "Close" }).click();

  const operation = page.locator("#operations-tasks-createTask");
  await operation.getByRole("button").first().click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  await expect(operation.locator(".live-responses-table tbody .response-col_status")).toContainText("201");
  await expect(operation.locator(".request-url")).toContainText(`${API}/api/me/tasks`);
  expect((await store.all()).map(({ title }) => title)).toEqual(["Buy milk"]);

  const list = page.locator("#operations-tasks-listTasks");
  await list.getByRole("button").first().click();
  await list.getByRole("button", { name: "Try it out" }).click();
  await list.getByRole("button", { name: "Execute" }).click();
  await expect(list.locator(".live-responses-table tbody .response-col_status")).toContainText("200");
});
