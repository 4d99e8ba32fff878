import { afterEach, describe, expect, it } from "vitest";
import { newTask } from "../src/rxdb.js";
import { inMemory } from "./device.js";
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
