/** The devices of one test: of a new person each time, and stopped after it. */
import { afterEach, beforeEach } from "vitest";
import { type Backend, Device, type DeviceOptions, inMemory, type Person } from "../device.js";
import { Server } from "../server.js";

/** Registers the hooks. Returns what makes a device of the test's person, and what makes another person. */
export function testDevices(backend: () => Backend) {
  let api: Backend;
  let person: Person;
  const devices: Device[] = [];

  beforeEach(async () => {
    api = backend();
    person = await api.newPerson();
  });

  afterEach(async () => {
    await Promise.all(devices.splice(0).map(({ sync }) => sync.stop()));
  });

  const device = (options: DeviceOptions = {}) => {
    const made = new Device(api, person, options);
    devices.push(made);
    return made;
  };
  return { device, newPerson: () => api.newPerson() };
}

/** The same with an API in memory that can be told how to behave: `server` and `person` are those of the test that runs. */
export function testServer() {
  const current = { server: new Server(), person: { id: "", getToken: async () => "" } as Person };
  const { device } = testDevices(() => {
    current.server = new Server();
    const backend = inMemory(current.server);
    const newPerson = async () => {
      current.person = await backend.newPerson();
      return current.person;
    };
    return { ...backend, newPerson };
  });
  return { current, device };
}
