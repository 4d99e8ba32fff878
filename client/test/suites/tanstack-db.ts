/** The collection of TanStack DB, with the library itself, on any back end. */
import { type Collection, createCollection, eq, not, queryOnce } from "@tanstack/db";
import { expect, it } from "vitest";
import type { Task } from "../../src/index.js";
import { newTask, taskCollectionOptions } from "../../src/tanstack-db.js";
import { type Backend, type Device, until } from "../device.js";
import { testDevices } from "./devices.js";

export function tanstackSuite(backend: () => Backend): void {
  const { device } = testDevices(backend);
  const collectionOf = async ({ sync }: Device) => {
    const collection = createCollection(taskCollectionOptions({ sync }));
    await collection.preload();
    return collection;
  };
  const titles = (collection: Collection<Task, string>) => collection.toArray.map(({ title }) => title).sort();

  it("is ready once all tasks are loaded", async () => {
    const laptop = device();
    for (const title of ["one", "two"]) await laptop.api.createTask({ title });
    const tasks = await collectionOf(laptop);
    expect(tasks.status).toBe("ready");
    expect(titles(tasks)).toEqual(["one", "two"]);
    expect(tasks.toArray[0]).toMatchObject(await laptop.api.getTask(tasks.toArray[0]?.id ?? ""));
  });

  it("sends inserts, updates, and deletions, and shows those of others", async () => {
    const [laptop, phone] = [device(), device()];
    const [here, there] = [await collectionOf(laptop), await collectionOf(phone)];
    const task = newTask({ title: "Buy milk", tags: ["shop"] });
    await here.insert([task, newTask({ title: "Water the plants" })]).isPersisted.promise;
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect(titles(there)).toEqual(["Buy milk", "Water the plants"]);
    await there.update(task.id, (draft) => {
      draft.completed = true;
      draft.tags.push("food");
    }).isPersisted.promise;
    await phone.sync.refresh();
    await laptop.sync.refresh();
    expect(here.get(task.id)).toMatchObject({ completed: true, tags: ["shop", "food"], version: 2 });
    const open = await queryOnce((query) =>
      query.from({ task: here }).where(({ task }) => not(eq(task.completed, true))),
    );
    expect(open.map(({ title }) => title)).toEqual(["Water the plants"]);
    await here.delete(task.id).isPersisted.promise;
    expect(titles(here)).toEqual(["Water the plants"]);
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect(titles(there)).toEqual(["Water the plants"]);
  });

  it("keeps offline changes for a collection that is created later", async () => {
    const laptop = device();
    const tasks = await collectionOf(laptop);
    laptop.isOnline = false;
    await laptop.sync.refresh();
    const task = newTask({ title: "typed in a tunnel" });
    await tasks.insert(task).isPersisted.promise;
    await tasks.update(task.id, (draft) => {
      draft.title = "typed in a long tunnel";
    }).isPersisted.promise;
    await tasks.cleanup();
    const later = await collectionOf(laptop);
    expect(titles(later)).toEqual(["typed in a long tunnel"]);
    expect(laptop.sync.pending).toHaveLength(1);
    laptop.isOnline = true;
    await laptop.sync.refresh();
    expect(later.get(task.id)).toMatchObject({ title: "typed in a long tunnel", version: 1 });
  });

  it("never flickers between the outbox and the response", async () => {
    const laptop = device();
    const tasks = await collectionOf(laptop);
    const task = newTask({ title: "one" });
    await tasks.insert(task).isPersisted.promise;
    await laptop.sync.refresh();
    const seen: (string | undefined)[] = [];
    tasks.subscribeChanges(() => seen.push(tasks.get(task.id)?.title));
    tasks.update(task.id, (draft) => {
      draft.title = "two";
    });
    seen.push(tasks.get(task.id)?.title);
    await until(() => tasks.get(task.id)?.version === 2, "pulled");
    expect(new Set(seen)).toEqual(new Set(["two"]));
  });

  it("reverts a change that the application drops", async () => {
    const [laptop, phone] = [device({ onRefused: () => ({ do: "drop" }) }), device()];
    const [here, there] = [await collectionOf(laptop), await collectionOf(phone)];
    const task = newTask({ title: "one" });
    await here.insert(task).isPersisted.promise;
    await laptop.sync.refresh();
    await phone.sync.refresh();
    await there.update(task.id, (draft) => {
      draft.title = "theirs";
    }).isPersisted.promise;
    await phone.sync.refresh();
    here.update(task.id, (draft) => {
      draft.title = "mine";
    });
    await until(() => laptop.refusals.length > 0 && here.get(task.id)?.title === "theirs", "dropped");
  });
}
