/** Tabs of which one forgets what is kept of the user. */
import "fake-indexeddb/auto";
import { expect, it } from "vitest";
import { indexedDbStore } from "../src/indexeddb.js";
import { type Device, until } from "./device.js";
import { testServer } from "./suites/devices.js";

const { current, device } = testServer();
const tab = () => device({ store: indexedDbStore(current.person.id) });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** More than the changes that come again with each pull (six minutes of them, with the real API). */
const TITLES = ["a", "b", "c", "d", "e", "f", "g", "h"];

async function forgetWithOther(): Promise<[Device, Device]> {
  const [one, other] = [tab(), tab()];
  for (const title of TITLES) await one.sync.create({ title });
  await one.sync.refresh();
  await one.sync.refresh();
  await other.sync.start();
  expect(other.titles).toEqual(TITLES);
  await one.sync.forget();
  await pause(30);
  return [one, other];
}

it("everything is pulled again after one of two tabs has forgotten it", async () => {
  const [, other] = await forgetWithOther();
  // The tab that is left begins to work, within the time that its lease check takes.
  await other.sync.refresh();
  await until(() => other.requests.length > 0, "the other tab works");
  await pause(50);
  await other.sync.stop();
  const again = tab();
  await again.sync.refresh();
  expect(again.sync.isComplete).toBe(true);
  expect(again.titles).toEqual(TITLES);
}, 30_000);

it("a change in the other tab is in sight there", async () => {
  const [, other] = await forgetWithOther();
  const { id } = await other.sync.create({ title: "third" }).catch((error: unknown) => ({ id: String(error) }));
  expect(other.sync.tasks.get(id)?.title ?? id).toBe("third");
}, 30_000);
