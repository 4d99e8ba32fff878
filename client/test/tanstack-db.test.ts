import { createCollection } from "@tanstack/db";
import { describe, expect, it } from "vitest";
import { taskCollectionOptions } from "../src/tanstack-db.js";
import { Device, inMemory } from "./device.js";
import { Server } from "./server.js";
import { tanstackSuite } from "./suites/tanstack-db.js";

describe("a collection of TanStack DB, with the API in memory", () => {
  tanstackSuite(() => inMemory(new Server()));

  it("stays complete when the token is too old", async () => {
    const server = new Server();
    const backend = inMemory(server);
    const person = await backend.newPerson();
    const [laptop, phone] = [new Device(backend, person), new Device(backend, person)];
    const tasks = createCollection(taskCollectionOptions({ sync: laptop.sync }));
    const kept = await phone.sync.create({ title: "kept" });
    const gone = await phone.sync.create({ title: "gone" });
    await phone.sync.refresh();
    await laptop.sync.refresh();
    await tasks.preload();
    expect(tasks.size).toBe(2);
    await phone.sync.delete(gone.id);
    await phone.sync.create({ title: "new" });
    await phone.sync.refresh();
    server.forget(person.id);
    const seen: number[] = [];
    tasks.subscribeChanges(() => seen.push(tasks.size));
    await laptop.sync.refresh();
    expect(tasks.toArray.map(({ title }) => title).sort()).toEqual(["kept", "new"]);
    expect(tasks.get(kept.id)).toBeDefined();
    // Not emptied in between.
    expect(Math.min(...seen)).toBeGreaterThan(0);
    await Promise.all([laptop.sync.stop(), phone.sync.stop()]);
  });
});
