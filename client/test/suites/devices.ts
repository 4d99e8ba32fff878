/** The devices of one test: of a new person each time, and stopped after it. */
import { afterEach, beforeEach } from "vitest";
import { type Backend, Device, type DeviceOptions, type Person } from "../device.js";

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
