/** The collection of RxDB, with the library itself, on any back end. */
import { createRxDatabase, type RxCollection, type RxDatabase } from "rxdb/plugins/core";
import type { RxReplicationState } from "rxdb/plugins/replication";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { wrappedValidateAjvStorage } from "rxdb/plugins/validate-ajv";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SessionOver, type Task } from "../../src/index.js";
import { type Checkpoint, newTask, type RxTaskConflict, type RxTaskRefusal, RxTasks } from "../../src/rxdb.js";
import { type Backend, Device, type Person, until } from "../device.js";

let databases = 0;

/** A device whose tasks RxDB keeps. */
export class RxDevice extends Device {
  readonly conflicts: RxTaskConflict[] = [];
  readonly given: RxTaskRefusal[] = [];
  choice: "mine" | "theirs" = "mine";
  #database: RxDatabase<{ tasks: RxCollection<Task> }> | undefined;
  #replication: RxReplicationState<Task, Checkpoint> | undefined;

  get tasks(): RxCollection<Task> {
    if (!this.#database) throw new Error("not open");
    return this.#database.tasks;
  }

  get replication(): RxReplicationState<Task, Checkpoint> {
    if (!this.#replication) throw new Error("not open");
    return this.#replication;
  }

  async open(): Promise<this> {
    const rx = new RxTasks({
      api: this.api,
      onConflict: (conflict) => {
        this.conflicts.push(conflict);
        return this.choice;
      },
      onRefused: (refusal) => this.given.push(refusal),
    });
    databases += 1;
    const storage = wrappedValidateAjvStorage({ storage: getRxStorageMemory() });
    this.#database = await createRxDatabase({ name: `tasks-${databases}`, storage, multiInstance: false });
    await this.#database.addCollections({ tasks: { schema: rx.schema, conflictHandler: rx.conflictHandler } });
    const options = { triggers: null, retryTime: 20, settle: 1, waitForLeadership: false };
    this.#replication = rx.replicate(this.tasks, options);
    await this.replication.awaitInitialReplication();
    return this;
  }

  async pull(): Promise<void> {
    await this.replication.awaitInSync();
    this.replication.reSync();
    await this.replication.awaitInSync();
  }

  async all(): Promise<Task[]> {
    const documents = await this.tasks.find({ sort: [{ id: "asc" }] }).exec();
    return documents.map((document) => document.toMutableJSON());
  }

  async titlesOf(): Promise<string[]> {
    return (await this.all()).map(({ title }) => title).sort();
  }

  async close(): Promise<void> {
    await this.#database?.close();
    await this.sync.stop();
  }
}

export function rxdbSuite(backend: () => Backend): void {
  let api: Backend;
  let person: Person;
  const devices: RxDevice[] = [];
  const device = () => {
    const made = new RxDevice(api, person);
    devices.push(made);
    return made.open();
  };

  beforeEach(async () => {
    api = backend();
    person = await api.newPerson();
  });

  afterEach(async () => {
    await Promise.all(devices.splice(0).map((device) => device.close()));
  });

  it("pulls, and pushes inserts, updates and deletions", async () => {
    const [laptop, phone] = [await device(), await device()];
    const task = newTask({ title: "Buy milk", tags: ["shop"] });
    await laptop.tasks.bulkInsert([task, newTask({ title: "Water the plants" })]);
    await laptop.pull();
    await phone.pull();
    expect(await phone.titlesOf()).toEqual(["Buy milk", "Water the plants"]);
    const there = await phone.tasks.findOne(task.id).exec(true);
    expect(there.toMutableJSON()).toEqual(await phone.api.getTask(task.id));
    await there.patch({ completed: true, tags: ["shop", "food"] });
    await phone.pull();
    await laptop.pull();
    const here = await laptop.tasks.findOne(task.id).exec(true);
    expect(here.toMutableJSON()).toEqual(await laptop.api.getTask(task.id));
    expect(here).toMatchObject({ completed: true, version: 2 });
    const seen = here.toMutableJSON();
    await here.remove();
    await laptop.pull();
    await phone.pull();
    expect(await phone.titlesOf()).toEqual(["Water the plants"]);
    await laptop.tasks.insert(seen);
    await laptop.pull();
    await phone.pull();
    expect(await phone.titlesOf()).toEqual(["Buy milk", "Water the plants"]);
    expect(await phone.api.getTask(task.id)).toMatchObject({ completed: true, tags: ["shop", "food"], version: 4 });
    expect([laptop.conflicts, laptop.given]).toEqual([[], []]);
  });

  it("works offline, and applies everything once", async () => {
    const laptop = await device();
    laptop.isOnline = false;
    const task = newTask({ title: "typed in a tunnel" });
    await laptop.tasks.insert(task);
    let losses = 2;
    laptop.losesAnswer = (request) => request.method === "POST" && losses-- > 0;
    laptop.isOnline = true;
    await laptop.pull();
    expect(losses).toBeLessThan(1);
    expect(await laptop.api.getTask(task.id)).toMatchObject({ title: "typed in a tunnel", version: 1 });
    losses = 2;
    const here = await laptop.tasks.findOne(task.id).exec(true);
    await here.patch({ title: "typed in a long tunnel" });
    await laptop.pull();
    expect(await laptop.api.getTask(task.id)).toMatchObject({ title: "typed in a long tunnel", version: 2 });
    expect(laptop.conflicts).toEqual([]);
  });

  it("completes tasks offline after adding their subtasks", async () => {
    const laptop = await device();
    const plan = newTask({ title: "Plan" });
    await laptop.tasks.insert(plan);
    await laptop.pull();
    laptop.isOnline = false;
    const pack = newTask({ title: "Pack", completed: true });
    const parts = [plan, pack].map(({ id }) => newTask({ title: `Part of ${id}`, parent_id: id }));
    await laptop.tasks.bulkInsert([...parts, pack]);
    await (await laptop.tasks.findOne(plan.id).exec(true)).patch({ completed: true });
    laptop.isOnline = true;
    await laptop.pull();
    const phone = await device();
    const shown = (await phone.all()).map(({ title, parent_id }) => [title, parent_id]).sort();
    const wanted = [["Pack"], ["Plan"], ...[plan, pack].map(({ id }) => [`Part of ${id}`, id])];
    expect(shown).toEqual(wanted.map(([title, parent]) => [title, parent]).sort());
    expect((await phone.tasks.findOne(pack.id).exec(true)).completed).toBe(true);
    expect(laptop.given).toEqual([]);
  });

  it("forgets erased tasks, and sends nothing that would bring one back", async () => {
    const [laptop, phone] = [await device(), await device()];
    await laptop.tasks.insert(newTask({ title: "pulled" }));
    await laptop.pull();
    const insertAndLose = async (title: string, ...lost: string[]) => {
      laptop.losesAnswer = ({ method }) => lost.includes(method);
      laptop.isOnline = true;
      laptop.requests.length = 0;
      await laptop.tasks.insert(newTask({ title }));
      await until(() => laptop.requests.some((request) => request.startsWith(`${lost[0]} `)), "the lost answer");
      await laptop.goOffline();
    };
    await insertAndLose("sent, and not pulled", "GET");
    await insertAndLose("sent without an answer", "POST", "GET");
    await laptop.tasks.insert(newTask({ title: "never sent" }));
    await phone.api.eraseTasks();
    laptop.losesAnswer = () => false;
    laptop.isOnline = true;
    await laptop.pull();
    await laptop.pull();
    expect(await laptop.titlesOf()).toEqual(["never sent"]);
    expect((await phone.api.listTasks()).tasks.map(({ title }) => title)).toEqual(["never sent"]);
  });

  it("pauses without a session, and sends everything once it is started again", async () => {
    const laptop = await device();
    const { getToken } = laptop;
    laptop.getToken = () => Promise.reject(new SessionOver());
    laptop.api.forget();
    const tasks = ["typed signed out", "typed later"].map((title) => newTask({ title }));
    await laptop.tasks.insert(tasks[0] as Task);
    await until(() => laptop.replication.isPaused(), "the pause");
    laptop.replication.reSync();
    await laptop.tasks.insert(tasks[1] as Task);
    let asked = 0;
    laptop.getToken = () => {
      asked += 1;
      return Promise.reject(new SessionOver());
    };
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asked).toBe(0);
    laptop.getToken = getToken;
    await laptop.replication.start();
    await until(() => laptop.requests.includes("POST …/batch"), "a push");
    await laptop.pull();
    expect((await (await device()).titlesOf()).sort()).toEqual(["typed later", "typed signed out"]);
  });

  it("merges different fields, and asks where the same one differs", async () => {
    const [laptop, phone] = [await device(), await device()];
    const task = newTask({ title: "Buy milk" });
    await laptop.tasks.insert(task);
    await laptop.pull();
    await phone.pull();
    const edit = async (device: RxDevice, changes: Partial<Task>) => {
      await (await device.tasks.findOne(task.id).exec(true)).patch(changes);
      await device.pull();
    };
    await edit(phone, { priority: "high" });
    await edit(laptop, { due: "2026-12-01" });
    expect(laptop.conflicts).toEqual([]);
    expect(await laptop.api.getTask(task.id)).toMatchObject({ priority: "high", due: "2026-12-01", version: 3 });
    await phone.pull();
    await edit(phone, { title: "theirs", tags: ["phone"] });
    await edit(laptop, { title: "mine" });
    expect(laptop.conflicts).toMatchObject([
      { fields: ["title"], mine: { title: "mine" }, theirs: { title: "theirs" } },
    ]);
    await laptop.pull();
    await phone.pull();
    expect(await laptop.api.getTask(task.id)).toMatchObject({ title: "mine", tags: ["phone"] });
    expect(await phone.all()).toEqual(await laptop.all());
    laptop.choice = "theirs";
    await edit(phone, { title: "theirs again" });
    await edit(laptop, { title: "mine again" });
    await laptop.pull();
    expect(await laptop.titlesOf()).toEqual(["theirs again"]);
  });

  it("asks before it deletes a task that has changed elsewhere", async () => {
    const [laptop, phone] = [await device(), await device()];
    const task = newTask({ title: "Buy milk" });
    await laptop.tasks.insert(task);
    await laptop.pull();
    await phone.pull();
    await (await phone.tasks.findOne(task.id).exec(true)).patch({ title: "theirs" });
    await phone.pull();
    laptop.choice = "theirs";
    await (await laptop.tasks.findOne(task.id).exec(true)).remove();
    await laptop.pull();
    expect(laptop.conflicts).toMatchObject([{ mine: { _deleted: true }, theirs: { title: "theirs" } }]);
    await laptop.pull();
    expect(await laptop.titlesOf()).toEqual(["theirs"]);
  });

  it("returns changes that the API rejects or whose task is deleted", async () => {
    const [laptop, phone] = [await device(), await device()];
    const task = newTask({ title: "Buy milk" });
    await laptop.tasks.bulkInsert([task, newTask({ title: "x".repeat(201) }), newTask({ title: "good" })]);
    await laptop.pull();
    expect(laptop.given).toMatchObject([{ mine: { title: "x".repeat(201) }, problem: { status: 422 } }]);
    await laptop.pull();
    expect(await laptop.titlesOf()).toEqual(["Buy milk", "good"]);
    await phone.pull();
    await (await phone.tasks.findOne(task.id).exec(true)).remove();
    await phone.pull();
    await (await laptop.tasks.findOne(task.id).exec(true)).patch({ title: "typed" });
    await laptop.pull();
    expect(laptop.given.slice(1)).toMatchObject([{ mine: { title: "typed" }, problem: null }]);
    await laptop.pull();
    expect(await laptop.titlesOf()).toEqual(["good"]);
  });
}
