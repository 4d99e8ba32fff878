/** Two devices of one person. */
import type { BrowserContext, Page } from "@playwright/test";
import { expect, type Person, type Store, signIn, TaskPage } from "./product";
import { type Content, Driver, inOrder, type Tasks } from "./schedules";

/** How soon both devices must show the same, in milliseconds. */
export const SOON = 5_000;

export interface Device {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly tasks: TaskPage;
  readonly driver: Driver;
}

async function deviceOf(context: BrowserContext): Promise<Device> {
  const page = await context.newPage();
  const tasks = new TaskPage(page);
  await tasks.open("/#/all");
  return { context, page, tasks, driver: new Driver(page) };
}

export async function pair(context: BrowserContext, person: Person): Promise<[Device, Device]> {
  const other = await context.browser()?.newContext();
  if (!other) throw new Error("there is no browser");
  await signIn(other, person);
  return [await deviceOf(context), await deviceOf(other)];
}

/** Waits until both devices and the API have the same tasks. Returns them. */
export async function showTheSame(devices: readonly Device[], store: Store): Promise<Content[]> {
  const before = Date.now();
  let tasks: Content[] = [];
  await expect(async () => {
    tasks = await lookAndCompare(devices, store);
  }).toPass({ timeout: SOON, intervals: [50, 200, 500] });
  expect(Date.now() - before).toBeLessThan(SOON);
  return tasks;
}

/** Fails unless both devices and the API have the same tasks. What one device sends after the other has looked, the next look finds. */
export async function lookAndCompare(devices: readonly Device[], store: Store): Promise<Content[]> {
  const sorted = (tasks: Tasks | undefined) => [...(tasks?.values() ?? [])].map(inOrder).sort();
  await Promise.all(devices.map(({ driver }) => driver.look()));
  const [first, second] = await Promise.all(devices.map(({ driver }) => driver.read()));
  expect(sorted(first)).toEqual(sorted(second));
  const all = await store.all();
  const shown = [...(first?.values() ?? [])];
  const [here, there] = [shown, all].map((tasks) =>
    tasks.map(({ title, completed }) => `${title}: ${completed}`).sort(),
  );
  expect(here).toEqual(there);
  return shown;
}
