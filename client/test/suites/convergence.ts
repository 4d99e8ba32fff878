/**
 * Random schedules of two devices of one person: edits of the same and of different tasks, forms that stay open, subtasks,
 * deletions, time without a network, lost answers, reloads. In the end both show what the API has, and every value that was typed is accounted for: it is there, or
 * somebody who saw it has replaced it, deleted its task, or given it up when asked.
 */
import { expect, it } from "vitest";
import type { Task } from "../../src/index.js";
import type { Decision, Refused } from "../../src/sync/index.js";
import { type Backend, Device, type Person } from "../device.js";
import { Ledger } from "../ledger.js";

const STEPS = 40;
/** So often both devices send and pull at the end, at the most. */
const ROUNDS = 6;
const TEXTS = ["title", "description"] as const;

export function convergenceSuite(backend: () => Backend, schedules: number, timeout: number): void {
  const first = Number(process.env.SEED ?? 1);
  const seeds = Array.from({ length: process.env.SEED ? 1 : schedules }, (_, index) => first + index);
  it.each(seeds)("SEED=%i converges, and loses nothing", (seed) => new Schedule(seed).run(backend()), timeout);
}

class Schedule {
  readonly #random: () => number;
  readonly #ledger = new Ledger();
  /** Which devices have completed or deleted a task, and null if a decision has. */
  readonly #closedBy = new Map<string, Set<Device | null>>();
  /** The tasks in open forms, as they were. */
  readonly #forms = new Map<Device, Task>();
  #count = 0;

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  async run(backend: Backend): Promise<void> {
    const person = await backend.newPerson();
    const devices = [new Device(backend, person), new Device(backend, person)] as const;
    const [one, two] = devices;
    for (let index = 0; index < 3; index++) await this.#create(one);
    await one.sync.refresh();
    await two.sync.refresh();
    for (let step = 0; step < STEPS; step++) await this.#step(devices[this.#below(2)] ?? one);
    await this.#settle(devices);
    await this.#check(devices, person);
    for (const { sync } of devices) await sync.stop();
  }

  async #step(device: Device): Promise<void> {
    const dice = this.#random();
    if (dice < 0.36) await this.#edit(device);
    else if (dice < 0.42) await this.#useForm(device);
    else if (dice < 0.53) await this.#create(device);
    else if (dice < 0.59) await this.#delete(device);
    else if (dice < 0.7) device.isOnline = !device.isOnline;
    else if (dice < 0.78) device.losesAnswer = this.#random() < 0.5 ? () => this.#random() < 0.4 : () => false;
    else if (dice < 0.82) await device.reload();
    else if (dice < 0.9) await device.sync.refresh();
    else if (dice < 0.95) await this.#decide(device);
    else await new Promise((resolve) => setTimeout(resolve, this.#below(8)));
  }

  async #create(device: Device): Promise<void> {
    const [title, description] = [this.#text(), this.#text()];
    const open = [...device.sync.tasks.values()].filter(({ completed, parent_id }) => !completed && !parent_id);
    const parent = this.#random() < 0.5 ? this.#pick(open) : undefined;
    const draft = { title, description, ...(parent && { parent_id: parent.id }) };
    const { id } = await device.sync.create(draft);
    if (parent) this.#ledger.isUnder(id, parent.id);
    this.#ledger.typed(id, "title", title);
    this.#ledger.typed(id, "description", description);
  }

  async #edit(device: Device): Promise<void> {
    const task = this.#pick([...device.sync.tasks.values()]);
    if (!task) return;
    const dice = this.#random();
    if (dice < 0.25) return this.#complete(device, task);
    if (dice < 0.32) return void (await device.sync.update(task.id, { tags: [this.#text()] }).catch(gone));
    const fields = dice < 0.9 ? [dice < 0.65 ? ("title" as const) : ("description" as const)] : TEXTS;
    const changes = Object.fromEntries(fields.map((field) => [field, this.#text()]));
    for (const field of fields) {
      this.#ledger.typed(task.id, field, changes[field]);
      this.#ledger.replaced(task.id, field, task[field], changes[field]);
    }
    await device.sync.update(task.id, changes).catch(gone);
  }

  /** Opens a form, or saves the one that is open, whatever has become of its task since. */
  async #useForm(device: Device): Promise<void> {
    const seen = this.#forms.get(device);
    if (!seen) {
      const task = this.#pick([...device.sync.tasks.values()]);
      if (task) this.#forms.set(device, task);
      return;
    }
    this.#forms.delete(device);
    const { id } = seen;
    if (!device.sync.tasks.has(id)) return;
    const title = this.#text();
    this.#ledger.typed(id, "title", title);
    this.#ledger.replaced(id, "title", seen.title, title);
    await device.sync.change([{ op: "update", id, seen, changes: { title } }]);
  }

  /** As the API does, with its open subtasks; or reopens it. */
  async #complete(device: Device, { id, completed }: Task): Promise<void> {
    const isPart = (part: Task) => !completed && !part.completed && part.parent_id === id;
    const ids = [id, ...[...device.sync.tasks.values()].filter(isPart).map(({ id }) => id)];
    if (!completed) this.#close(id, device);
    const changes = ids.map((id) => ({ op: "update" as const, id, changes: { completed: !completed } }));
    await device.sync.change(changes).catch(gone);
  }

  #close(id: string, device: Device | null): void {
    this.#closedBy.set(id, (this.#closedBy.get(id) ?? new Set()).add(device));
  }

  async #delete(device: Device): Promise<void> {
    const task = this.#pick([...device.sync.tasks.values()]);
    if (!task) return;
    const isPart = (part: Task) => part.parent_id === task.id;
    for (const { id, ...texts } of [task, ...[...device.sync.tasks.values()].filter(isPart)]) {
      for (const field of TEXTS) this.#ledger.givenUp(id, field, texts[field]);
      await device.sync.delete(id).catch(gone);
    }
    this.#close(task.id, device);
  }

  /** The user decides on what was refused. */
  async #decide(device: Device): Promise<void> {
    for (const refused of device.sync.refused) {
      const { item, wanted } = refused;
      if (item.op === "create") {
        // Nobody else has closed its parent, so it was only sent too early or too late.
        const closers = [...(this.#closedBy.get(wanted?.parent_id ?? "") ?? [])];
        expect(closers, `who closed the parent of “${wanted?.title}”`).not.toEqual([]);
        expect(closers, `who closed the parent of “${wanted?.title}”`).not.toEqual([device]);
      }
      await device.sync.decide(refused, this.#decision(refused));
    }
  }

  #decision({ item, current }: Refused): Decision {
    const isKept = current !== undefined && item.refusal.kind === "conflict" && this.#random() < 0.5;
    for (const field of TEXTS) {
      const mine = item.changes[field];
      // Keeping a deletion gives up what the others have, and so does keeping a text.
      if (isKept && item.op === "delete") this.#ledger.givenUp(item.id, field, current[field]);
      else if (isKept && mine !== undefined) this.#ledger.replaced(item.id, field, current[field], mine);
      else if (mine !== undefined) this.#ledger.givenUp(item.id, field, mine);
    }
    // Without this change, its task may remain closed.
    if (!isKept) this.#close(item.id, null);
    return { do: isKept ? "retry" : "drop" };
  }

  /** Everybody has a network again. */
  async #settle(devices: readonly Device[]): Promise<void> {
    for (const device of devices) {
      device.isOnline = true;
      device.losesAnswer = () => false;
    }
    const isSettled = () => devices.every(({ sync }) => sync.pending.length === 0) && same(devices);
    let rounds = 0;
    // What is decided in a round is sent, and seen by the other device, in the next one.
    for (let isDecided = true; isDecided || !isSettled(); rounds++) {
      expect(rounds, "rounds until both show the same").toBeLessThan(ROUNDS);
      isDecided = false;
      for (const device of devices) {
        await device.sync.refresh();
        isDecided ||= device.sync.refused.length > 0;
        await this.#decide(device);
      }
    }
  }

  async #check([device, other]: readonly [Device, Device], person: Person): Promise<void> {
    expect(person.id).not.toBe("me");
    const tasks: Task[] = [];
    for await (const task of device.api.eachTask({ status: "all", limit: 100 })) tasks.push(task);
    const byId = (tasks: Iterable<Task>) => [...tasks].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(byId(device.sync.tasks.values())).toEqual(byId(tasks));
    expect(byId(other.sync.tasks.values())).toEqual(byId(tasks));
    expect(this.#ledger.lost(device.sync.tasks)).toEqual([]);
  }

  #text(): string {
    this.#count += 1;
    return `text ${this.#count}`;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(of: readonly T[]): T | undefined {
    return of[this.#below(of.length)];
  }
}

/** The task has gone while it was being edited, and the text is still with the person who types; or it has gone with its parent. */
function gone(error: unknown): void {
  expect(String(error)).toContain("There is no task");
}

function same([one, two]: readonly Device[]): boolean {
  const all = (device: Device | undefined) =>
    [...(device?.sync.tasks.values() ?? [])].map((task) => `${task.id} ${task.version}`);
  return all(one).sort().join() === all(two).sort().join();
}

/** Random numbers from a seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
