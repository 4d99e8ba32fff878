import { createRxDatabase } from "rxdb/plugins/core";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Task } from "../src/index.js";
import { newTask, RxTasks } from "../src/rxdb.js";
import { type Backend, inMemory, type Person, until } from "./device.js";
import { Server } from "./server.js";
import { RxDevice, rxdbSuite } from "./suites/rxdb.js";

describe("a collection of RxDB, with the API in memory", () => {
  rxdbSuite(() => inMemory(new Server()));

  const devices: RxDevice[] = [];
  afterEach(async () => {
    await Promise.all(devices.splice(0).map((device) => device.close()));
  });

  it("waits with a new subtask for its parent if the creation of that is throttled", async () => {
    const server = new Server();
    const backend = inMemory(server);
    const laptop = await new RxDevice(backend, await backend.newPerson()).open();
    devices.push(laptop);
    const pack = newTask({ title: "Pack" });
    let times = 0;
    server.isThrottled = ({ id }) => id === pack.id && ++times === 1;
    await laptop.tasks.bulkInsert([pack, newTask({ title: "Socks", parent_id: pack.id })]);
    await laptop.pull();
    expect(laptop.given).toEqual([]);
    expect(await laptop.titlesOf()).toEqual(["Pack", "Socks"]);
    expect(times).toBeGreaterThan(1);
  });

  it("pulls all pages, and starts over if its checkpoint is too old", async () => {
    const server = new Server();
    server.pageLimit = 3;
    const backend = inMemory(server);
    const person = await backend.newPerson();
    const open = async () => {
      const device = await new RxDevice(backend, person).open();
      devices.push(device);
      return device;
    };
    const laptop = await open();
    await laptop.tasks.bulkInsert(Array.from({ length: 10 }, (_, index) => newTask({ title: `task ${index}` })));
    await laptop.pull();
    const phone = await open();
    expect(await phone.titlesOf()).toHaveLength(10);
    laptop.isOnline = false;
    await laptop.tasks.insert(newTask({ title: "typed" }));
    for (const document of await phone.tasks.find({ limit: 4 }).exec()) await document.remove();
    await phone.pull();
    server.forget(person.id);
    laptop.isOnline = true;
    await laptop.pull();
    await laptop.pull();
    expect(await laptop.titlesOf()).toHaveLength(7);
    await phone.pull();
    expect(await phone.all()).toEqual(await laptop.all());
  });
});

describe("several changes in one push", () => {
  let server: Server;
  let backend: Backend;
  let person: Person;
  const devices: RxDevice[] = [];

  async function device(): Promise<RxDevice> {
    const made = new RxDevice(backend, person);
    devices.push(made);
    return made.open();
  }

  beforeEach(async () => {
    server = new Server();
    backend = inMemory(server);
    person = await backend.newPerson();
  });

  afterEach(async () => {
    await Promise.all(devices.splice(0).map((device) => device.close()));
  });

  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const shown = () =>
    server
      .tasks(person.id)
      .map(({ title }) => title)
      .sort();

  /** A push is under way, and what comes now goes with the next one, together. */
  async function busy(laptop: RxDevice): Promise<void> {
    laptop.isOnline = false;
    await laptop.tasks.insert(newTask({ title: "first" }));
    await pause(30);
  }

  it("a completed task is reopened, and given a subtask", async () => {
    const laptop = await device();
    const pack = newTask({ title: "Pack", completed: true });
    await laptop.tasks.insert(pack);
    await laptop.pull();
    await busy(laptop);
    await (await laptop.tasks.findOne(pack.id).exec(true)).patch({ completed: false });
    await laptop.tasks.insert(newTask({ title: "Socks", parent_id: pack.id }));
    laptop.isOnline = true;
    await laptop.pull();
    await laptop.pull();
    expect(laptop.given).toEqual([]);
    expect(await laptop.titlesOf()).toEqual(["Pack", "Socks", "first"]);
  });

  it("a deleted task is inserted again, and given a subtask", async () => {
    const laptop = await device();
    const pack = newTask({ title: "Pack" });
    await laptop.tasks.insert(pack);
    await laptop.pull();
    const here = await laptop.tasks.findOne(pack.id).exec(true);
    const seen = here.toMutableJSON();
    await here.remove();
    await laptop.pull();
    await busy(laptop);
    await laptop.tasks.insert(seen);
    await laptop.tasks.insert(newTask({ title: "Socks", parent_id: pack.id }));
    laptop.isOnline = true;
    await laptop.pull();
    await laptop.pull();
    expect(laptop.given).toEqual([]);
    expect(await laptop.titlesOf()).toEqual(["Pack", "Socks", "first"]);
  });

  it("a deleted task is inserted again, and changed", async () => {
    const laptop = await device();
    const task = newTask({ title: "Buy milk" });
    await laptop.tasks.insert(task);
    await laptop.pull();
    const here = await laptop.tasks.findOne(task.id).exec(true);
    const seen = here.toMutableJSON();
    await here.remove();
    await laptop.pull();
    await busy(laptop);
    await laptop.tasks.insert(seen);
    await (await laptop.tasks.findOne(task.id).exec(true)).patch({ title: "Buy oat milk" });
    laptop.isOnline = true;
    await laptop.pull();
    await laptop.pull();
    expect(laptop.given).toEqual([]);
    expect(await laptop.titlesOf()).toEqual(["Buy oat milk", "first"]);
  });

  it("a task is deleted again before its restoration is pulled", async () => {
    const laptop = new RxDevice(backend, person);
    const rx = new RxTasks({ api: laptop.api, onConflict: () => "mine", onRefused: () => {} });
    const storage = getRxStorageMemory();
    const database = await createRxDatabase({ name: "deleted-again", storage, multiInstance: false });
    const { tasks } = await database.addCollections({
      tasks: { schema: rx.schema, conflictHandler: rx.conflictHandler },
    });
    // As it is by default: the pull comes a second after the last push.
    const replication = rx.replicate(tasks, { triggers: null, retryTime: 20, settle: 400, waitForLeadership: false });
    await replication.awaitInitialReplication();
    const task = newTask({ title: "Buy milk" });
    await tasks.insert(task);
    const stored = async () => (await tasks.findOne(task.id).exec(true)).toMutableJSON() as Task;
    await vi.waitUntil(async () => (await stored()).version === 1, { timeout: 5_000 });
    const seen = await stored();
    await (await tasks.findOne(task.id).exec(true)).remove();
    await until(() => shown().length === 0, "deleted");
    await pause(50);
    await tasks.insert(seen);
    await until(() => shown().length === 1, "restored");
    await pause(50);
    await (await tasks.findOne(task.id).exec(true)).remove();
    await until(() => shown().length === 0, "deleted again");
    replication.reSync();
    await replication.awaitInSync();
    const here = await tasks.find().exec();
    await database.close();
    expect([shown(), here.length]).toEqual([[], 0]);
  });

  it("more than a hundred subtasks are inserted before their parent", async () => {
    const laptop = await device();
    await busy(laptop);
    const pack = newTask({ title: "Pack" });
    const parts = Array.from({ length: 101 }, (_, index) => newTask({ title: `part ${index}`, parent_id: pack.id }));
    await laptop.tasks.bulkInsert([...parts, pack]);
    laptop.isOnline = true;
    await laptop.pull();
    await laptop.pull();
    expect(laptop.given.length).toBe(0);
    expect(server.tasks(person.id)).toHaveLength(103);
  }, 20_000);

  it("a task is renamed many times before a pull", async () => {
    const laptop = await device();
    const task = newTask({ title: "a" });
    await laptop.tasks.insert(task);
    await laptop.pull();
    for (const title of ["b", "a", "b", "c", "a", "b"]) {
      await (await laptop.tasks.findOne(task.id).exec(true)).patch({ title });
      await pause(15);
    }
    await laptop.pull();
    await laptop.pull();
    expect([shown(), await laptop.titlesOf()]).toEqual([["b"], ["b"]]);
  });

  it("a deletion of a new task asks if somebody else has changed it", async () => {
    const [laptop, phone] = [await device(), await device()];
    laptop.losesAnswer = ({ method }) => method === "GET";
    const task = newTask({ title: "typed" });
    await laptop.tasks.insert(task);
    await until(() => shown().length === 1, "created");
    await phone.pull();
    await (await phone.tasks.findOne(task.id).exec(true)).patch({ title: "theirs" });
    await phone.pull();
    laptop.choice = "theirs";
    await (await laptop.tasks.findOne(task.id).exec(true)).remove();
    laptop.losesAnswer = () => false;
    await laptop.pull();
    await laptop.pull();
    expect(await laptop.titlesOf()).toEqual(["theirs"]);
  });
});
