import { effect } from "@preact/signals";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Device, inMemory, type Person, until } from "../../../client/test/device";
import { Server } from "../../../client/test/server";
import { Deletions } from "./deletions";
import { Drafts } from "./drafts";
import { Form } from "./form";
import { LocalTasks } from "./local-tasks";
import { OPEN } from "./query";
import { Rows } from "./rows";

let person: Person;
let backend: ReturnType<typeof inMemory>;
const opened: LocalTasks[] = [];

beforeEach(async () => {
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => {}, removeItem: () => {} });
  backend = inMemory(new Server());
  person = await backend.newPerson();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((tasks) => tasks.stop()));
});

/** A device of the person, with the signals of its page. */
function device({ isOnline = true } = {}) {
  const device = new Device(backend, person, { pause: () => 60_000 });
  device.isOnline = isOnline;
  const tasks = new LocalTasks(device.sync);
  opened.push(tasks);
  const form = new Form(new Drafts("ada"));
  return { device, tasks, form, rows: new Rows("ada", tasks, form, new Deletions("ada", async () => {})) };
}

it("loads until all tasks are here", async () => {
  const { tasks } = device();
  const phases: string[] = [];
  const end = effect(() => void phases.push(tasks.phase.value));
  await tasks.start();
  await until(() => tasks.phase.value === "ready", "ready");
  expect(phases).toEqual(["loading", "ready"]);
  expect(tasks.snapshot.value.tasks.size).toBe(0);
  end();
});

it("is unreachable until the first pull succeeds", async () => {
  const { device: phone, tasks } = device({ isOnline: false });
  await tasks.start();
  await until(() => tasks.phase.value === "unreachable", "unreachable");
  phone.isOnline = true;
  tasks.sync.hint();
  await until(() => tasks.phase.value === "ready", "ready");
});

it("shows a change immediately, marked as unsent", async () => {
  const { device: phone, tasks, rows } = device();
  await tasks.sync.refresh();
  phone.isOnline = false;
  await tasks.sync.refresh();
  const { id } = await tasks.sync.create({ title: "Feed the cat" });
  expect(rows.all.value).toMatchObject([{ task: { title: "Feed the cat" }, isSaving: true, refused: null }]);
  phone.isOnline = true;
  await tasks.sync.refresh();
  expect(rows.all.value).toMatchObject([{ isSaving: false, task: { id, version: 1 } }]);
});

it("reuses unchanged rows", async () => {
  const { tasks, rows } = device();
  const { id } = await tasks.sync.create({ title: "Feed the cat" });
  await tasks.sync.create({ title: "Walk the dog" });
  await tasks.sync.refresh();
  const [cat, dog] = rows.all.value;
  await tasks.sync.update(id, { priority: "high" });
  expect(rows.all.value.find(({ task }) => task.id === id)).not.toBe(cat);
  expect(rows.all.value).toContain(dog);
});

it("keeps a task in place while it is edited, even if others delete it", async () => {
  const [here, there] = [device(), device()];
  const { id } = await here.tasks.sync.create({ title: "Feed the cat", tags: ["home"] });
  await here.tasks.sync.refresh();
  await there.tasks.sync.refresh();
  const [row] = here.rows.all.value;
  if (row) here.form.open(row.task);
  here.form.type({ title: "Feed both cats" });
  await there.tasks.sync.update(id, { completed: true });
  await there.tasks.sync.refresh();
  await here.tasks.sync.refresh();
  expect(here.rows.all.value).toHaveLength(1);
  await there.tasks.sync.delete(id);
  await there.tasks.sync.refresh();
  await here.tasks.sync.refresh();
  here.form.close();
  // The draft is still there.
  expect(here.rows.all.value).toHaveLength(1);
  here.form.drafts.drop(id);
  expect(here.rows.all.value).toEqual([]);
});

it("shows edits of deleted tasks in every list", async () => {
  const [here, there] = [device(), device()];
  const { id } = await here.tasks.sync.create({ title: "Feed the cat", tags: ["home"] });
  await here.tasks.sync.refresh();
  await there.tasks.sync.refresh();
  await there.tasks.sync.delete(id);
  await there.tasks.sync.refresh();
  await here.tasks.sync.update(id, { title: "Feed both cats" });
  await here.tasks.sync.refresh();
  here.rows.open({ ...OPEN, list: "completed" });
  const [row] = here.rows.all.value;
  expect(row?.task).toMatchObject({ id, title: "Feed both cats", tags: ["home"] });
  expect(row?.refused?.item.refusal.kind).toBe("gone");
});

it("shows a preview until the local copy has tasks", async () => {
  const task = await device().tasks.sync.create({ title: "Feed the cat" });
  await opened[0]?.sync.refresh();
  const { sync } = new Device(backend, person, { pause: () => 60_000 });
  const tasks = new LocalTasks(sync, [{ ...task, title: "Feed the dog" }]);
  opened.push(tasks);
  const titles = () => [...tasks.snapshot.value.tasks.values()].map(({ title }) => title);
  expect(titles()).toEqual(["Feed the dog"]);
  expect(tasks.isPreview.value).toBe(true);
  expect(tasks.phase.value).toBe("loading");
  const seen: string[][] = [];
  const end = effect(() => void seen.push(titles()));
  await tasks.start();
  await until(() => !tasks.isPreview.value, "no preview");
  end();
  // It was never empty in between.
  expect(seen).toEqual([["Feed the dog"], ["Feed the cat"]]);
});

it("shows no preview of an account that turns out to be empty", async () => {
  const task = await device().tasks.sync.create({ title: "Feed the cat" });
  await opened[0]?.sync.refresh();
  await opened[0]?.sync.delete(task.id);
  await opened[0]?.sync.refresh();
  const tasks = new LocalTasks(new Device(backend, person).sync, [task]);
  opened.push(tasks);
  await tasks.start();
  await until(() => tasks.phase.value === "ready", "ready");
  expect(tasks.snapshot.value.tasks.size).toBe(0);
  expect(tasks.isPreview.value).toBe(false);
});

it("reports that the browser stores nothing", async () => {
  const store = { ...new Device(backend, person).store, read: () => Promise.reject(new Error("denied")) };
  const task = await device().tasks.sync.create({ title: "Feed the cat" });
  const tasks = new LocalTasks(new Device(backend, person, { store }).sync, [task]);
  await tasks.start();
  expect(tasks.phase.value).toBe("unkept");
  expect(tasks.snapshot.value.tasks.size).toBe(0);
});
