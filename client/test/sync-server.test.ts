/** What takes a server that can be told how to behave. */
import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { indexedDbStore } from "../src/indexeddb.js";
import { memoryStore, type SyncStore } from "../src/sync/index.js";
import { until } from "./device.js";
import { testServer } from "./suites/devices.js";

const { current, device } = testServer();

it("completes a task after its new subtasks, also if their creation is throttled", async () => {
  const laptop = device();
  const { id } = await laptop.sync.create({ title: "Pack" });
  await laptop.sync.refresh();
  laptop.isOnline = false;
  await laptop.sync.create({ title: "Socks", parent_id: id });
  await laptop.sync.update(id, { completed: true });
  let times = 0;
  current.server.isThrottled = ({ op }) => op === "create" && ++times <= 2;
  laptop.isOnline = true;
  await until(() => laptop.sync.pending.length === 0, "everything sent");
  expect(laptop.sync.refused).toEqual([]);
  expect(current.server.tasks(current.person.id).map(({ title, completed }) => [title, completed])).toEqual([
    ["Pack", true],
    ["Socks", true],
  ]);
});

it("waits with a new subtask for its parent if the creation of that is throttled", async () => {
  const laptop = device();
  await laptop.sync.refresh();
  laptop.isOnline = false;
  const { id } = await laptop.sync.create({ title: "Pack" });
  await laptop.sync.create({ title: "Socks", parent_id: id });
  let times = 0;
  current.server.isThrottled = (item) => item.id === id && ++times <= 2;
  laptop.isOnline = true;
  await until(() => laptop.sync.pending.length === 0, "everything sent");
  expect(laptop.sync.refused).toEqual([]);
  expect(current.server.tasks(current.person.id).map(({ title, parent_id }) => [title, parent_id])).toEqual([
    ["Pack", undefined],
    ["Socks", id],
  ]);
});

describe("a pull", () => {
  it("reads all pages", async () => {
    current.server.pageLimit = 7;
    const [laptop, phone] = [device(), device()];
    for (let index = 0; index < 30; index++) await laptop.sync.create({ title: `task ${index}` });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect(phone.titles).toEqual(laptop.titles);
    // Five pages, and what may have changed while they were read.
    expect(phone.requests).toEqual(Array(6).fill("GET …/changes"));
  });

  it("resumes where it was interrupted", async () => {
    current.server.pageLimit = 10;
    const [laptop, store] = [device(), memoryStore()];
    for (let index = 0; index < 30; index++) await laptop.sync.create({ title: `task ${index}` });
    await laptop.sync.refresh();
    const phone = device({ store });
    phone.losesAnswer = () => phone.requests.length > 2;
    await phone.sync.start();
    await until(() => phone.sync.status.phase === "offline", "offline");
    expect(phone.sync.tasks.size).toBe(20);
    expect(phone.sync.isComplete).toBe(false);
    await phone.sync.stop();
    const again = device({ store });
    await again.sync.refresh();
    expect(again.sync.tasks.size).toBe(30);
    expect(again.requests).toHaveLength(2);
  });

  it("starts over if its token is too old, and keeps pending changes", async () => {
    const [laptop, phone] = [device(), device()];
    const { id: kept } = await phone.sync.create({ title: "kept" });
    const { id: gone } = await phone.sync.create({ title: "gone" });
    await phone.sync.refresh();
    await laptop.sync.refresh();
    laptop.isOnline = false;
    await laptop.sync.refresh();
    await laptop.sync.update(kept, { priority: "high" });
    await laptop.sync.create({ title: "typed" });
    await phone.sync.delete(gone);
    await phone.sync.update(kept, { title: "kept, changed" });
    await phone.sync.refresh();
    current.server.forget(current.person.id);
    laptop.isOnline = true;
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect(laptop.titles).toEqual(["kept, changed", "typed"]);
    expect([...phone.sync.tasks.values()]).toEqual(expect.arrayContaining([...laptop.sync.tasks.values()]));
    expect(laptop.sync.tasks.get(kept)?.priority).toBe("high");
  });

  it("does not read a task again after its own change", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "one" });
    await laptop.sync.refresh();
    await laptop.sync.update(id, { title: "two" });
    await laptop.sync.refresh();
    expect(laptop.requests.filter((request) => request.startsWith("GET") && !request.endsWith("changes"))).toEqual([]);
  });
});

describe("a change", () => {
  it("survives a table that was restored from a backup", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "one" });
    await laptop.sync.refresh();
    const backup = await laptop.api.getTask(id);
    await laptop.sync.update(id, { title: "two" });
    await laptop.sync.update(id, { priority: "low" });
    await laptop.sync.refresh();
    current.server.restore(current.person.id, backup);
    await laptop.sync.update(id, { due: "2026-12-01" });
    await laptop.sync.refresh();
    expect(laptop.sync.pending).toEqual([]);
    expect(await laptop.api.getTask(id)).toMatchObject({ title: "one", due: "2026-12-01" });
    expect(laptop.sync.tasks.get(id)).toEqual(await laptop.api.getTask(id));
  });

  it("is not sent if it was undone before", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    laptop.isOnline = false;
    await laptop.sync.refresh();
    const { id } = await laptop.sync.create({ title: "oops" });
    await laptop.sync.delete(id);
    laptop.isOnline = true;
    const before = current.server.writes;
    await laptop.sync.refresh();
    expect(current.server.writes).toBe(before);
    expect(laptop.sync.pending).toEqual([]);
  });

  it("to an unknown task fails, and nothing is kept", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    const id = "01997f2b-2c00-7a3e-9b1d-6f0d2c4b8a11";
    const changes = [
      { op: "create", id, task: { title: "one" } },
      { op: "delete", id: "01997f2b-2c00-7a3e-9b1d-6f0d2c4b8a12" },
    ] as const;
    await expect(laptop.sync.change(changes)).rejects.toThrow("There is no task");
    expect(laptop.sync.tasks.size).toBe(0);
  });
});

describe.each([
  ["in memory", () => memoryStore()],
  ["in IndexedDB", () => indexedDbStore(current.person.id)],
] as [string, () => SyncStore][])("a store %s", (_, open) => {
  it("survives a reload with tasks and token", async () => {
    const store = open();
    const before = device({ store });
    const { id } = await before.sync.create({ title: "one" });
    await before.sync.refresh();
    before.isOnline = false;
    await before.sync.refresh();
    await before.sync.update(id, { title: "two" });
    await before.sync.stop();
    const after = device({ store });
    after.isOnline = false;
    await after.sync.start();
    expect(after.titles).toEqual(["two"]);
    after.isOnline = true;
    await after.sync.refresh();
    expect((await after.api.getTask(id)).title).toBe("two");
    expect(after.requests.slice(-4)).not.toContain("GET …");
  });

  it("is repeated with its key after a reload", async () => {
    const store = open();
    const before = device({ store });
    await before.sync.refresh();
    before.losesAnswer = () => true;
    await before.sync.create({ title: "one" });
    await until(() => before.requests.includes("POST …/batch"), "sent");
    await before.sync.stop();
    const after = device({ store });
    await after.sync.refresh();
    expect(after.sync.pending).toEqual([]);
    expect(current.server.tasks(current.person.id)).toHaveLength(1);
    expect(current.server.writes).toBe(1);
  });

  it("is cleared when the user is forgotten", async () => {
    const first = device({ store: open() });
    await first.sync.create({ title: "one" });
    await first.sync.refresh();
    await first.sync.forget();
    const again = device({ store: open() });
    again.isOnline = false;
    await again.sync.start();
    expect(again.sync.tasks.size).toBe(0);
  });
});

describe("two tabs", () => {
  const tabs = () =>
    [
      device({ store: indexedDbStore(current.person.id) }),
      device({ store: indexedDbStore(current.person.id) }),
    ] as const;

  it("show the same, and only one calls the API", async () => {
    const [one, other] = tabs();
    await one.sync.refresh();
    await other.sync.start();
    const { id } = await other.sync.create({ title: "from the other" });
    await until(() => one.sync.tasks.has(id), "seen");
    await until(() => other.sync.pending.length === 0, "sent");
    await one.sync.update(id, { title: "from the one" });
    await until(() => other.sync.tasks.get(id)?.title === "from the one", "seen");
    await other.sync.refresh();
    expect(other.sync.tasks.get(id)).toEqual(one.sync.tasks.get(id));
    expect(other.sync.tasks.get(id)?.version).toBe(2);
    expect(other.requests).toEqual([]);
    expect(other.sync.status).toEqual(one.sync.status);
  });

  it("continue when the sender closes", async () => {
    const [one, other] = tabs();
    await one.sync.refresh();
    await other.sync.start();
    await one.sync.stop();
    await other.sync.create({ title: "still sent" });
    await until(() => other.sync.pending.length === 0, "sent");
    expect(current.server.tasks(current.person.id)).toHaveLength(1);
  }, 15_000);

  it("lose nothing when both change a task at once", async () => {
    const [one, other] = tabs();
    await one.sync.refresh();
    await other.sync.start();
    one.isOnline = false;
    await one.sync.refresh();
    const { id } = await one.sync.create({ title: "one" });
    await until(() => other.sync.tasks.has(id), "seen");
    await Promise.all([
      one.sync.update(id, { title: "two" }),
      other.sync.update(id, { priority: "high" }),
      one.sync.update(id, { due: "2026-12-01" }),
      other.sync.update(id, { tags: ["shop"] }),
    ]);
    one.isOnline = true;
    await one.sync.refresh();
    const wanted = { title: "two", priority: "high", due: "2026-12-01", tags: ["shop"], version: 1 };
    expect(current.server.tasks(current.person.id)[0]).toMatchObject(wanted);
    await until(() => other.sync.tasks.get(id)?.version === 1, "seen");
    expect(other.sync.tasks.get(id)).toMatchObject(wanted);
  });
});
