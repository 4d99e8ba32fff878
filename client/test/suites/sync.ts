/** What sync does for its user, on any back end. */
import { expect, it } from "vitest";
import { newTaskId, SessionOver } from "../../src/index.js";
import { memoryStore, type SyncStore } from "../../src/sync/index.js";
import { type Backend, type DeviceOptions, until } from "../device.js";
import { testDevices } from "./devices.js";

export function syncSuite(backend: () => Backend): void {
  const { device, newPerson } = testDevices(backend);
  /** Two devices of one person that have the same task. */
  const pair = async (options: DeviceOptions = {}) => {
    const [laptop, phone] = [device(options), device()];
    const { id } = await laptop.sync.create({ title: "Buy milk", tags: ["shop"] });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    return { laptop, phone, id };
  };

  it("shows a change immediately, and on the other device after a pull", async () => {
    const { laptop, phone, id } = await pair();
    expect(phone.sync.tasks.get(id)).toEqual(await laptop.api.getTask(id));
    const seen = await phone.sync.update(id, { title: "Buy oat milk" });
    expect(seen.title).toBe("Buy oat milk");
    await phone.sync.refresh();
    await laptop.sync.refresh();
    expect(laptop.sync.tasks.get(id)).toMatchObject({ title: "Buy oat milk", version: 2 });
    await laptop.sync.delete(id);
    expect(laptop.sync.tasks.has(id)).toBe(false);
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect(phone.sync.tasks.size).toBe(0);
  });

  it("waits for a change that is being stored", async () => {
    const store = memoryStore();
    let turn: Promise<unknown> = Promise.resolve();
    // As a browser's database does: one after another, and none at once.
    const change: SyncStore["change"] = (edit) => {
      const changing = turn
        .then(() => new Promise((resolve) => setTimeout(resolve, 10)))
        .then(() => store.change(edit));
      turn = changing;
      return changing;
    };
    const laptop = device({ store: { ...store, change } });
    await laptop.sync.start();
    await laptop.goOffline();
    const creating = laptop.sync.create({ title: "Buy milk" });
    expect(laptop.sync.pending).toHaveLength(0);
    await laptop.sync.catchUp();
    expect(laptop.sync.pending).toHaveLength(1);
    await creating;
  });

  it("makes one request if nothing has changed", async () => {
    const { laptop } = await pair();
    await laptop.sync.refresh();
    const before = laptop.requests.length;
    await laptop.sync.refresh();
    expect(laptop.requests.slice(before)).toEqual(["GET …/changes"]);
  });

  it("works offline, and sends all changes in one batch afterwards", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    laptop.isOnline = false;
    await laptop.sync.refresh();
    expect(laptop.sync.status.phase).toBe("offline");
    const tasks = await Promise.all(["one", "two", "three"].map((title) => laptop.sync.create({ title })));
    await laptop.sync.update(tasks[0]?.id ?? "", { completed: true });
    await laptop.sync.delete(tasks[1]?.id ?? "");
    expect(laptop.titles).toEqual(["one", "three"]);
    expect(laptop.sync.pending).toHaveLength(2);
    laptop.isOnline = true;
    const before = laptop.requests.length;
    await laptop.sync.refresh();
    expect(laptop.requests.slice(before).filter((request) => request === "POST …/batch")).toHaveLength(1);
    expect(laptop.sync.pending).toEqual([]);
    const phone = device();
    await phone.sync.refresh();
    expect(phone.titles).toEqual(["one", "three"]);
    expect(phone.sync.tasks.get(tasks[0]?.id ?? "")).toMatchObject({ completed: true, version: 1 });
  });

  it("completes and skips recurring tasks offline, and pulls what follows", async () => {
    const [laptop, phone] = [device(), device()];
    laptop.isOnline = false;
    const draft = { due: "2099-12-01", recurrence: { rule: "freq=weekly" } };
    const water = await laptop.sync.create({ title: "Water", ...draft });
    await laptop.sync.update(water.id, { completed: true });
    const clean = await laptop.sync.create({ title: "Clean", ...draft });
    await laptop.sync.skip(clean.id);
    laptop.isOnline = true;
    await until(() => laptop.sync.pending.length === 0, "everything sent");
    for (const { sync } of [laptop, phone]) {
      await sync.refresh();
      const tasks = [...sync.tasks.values()].sort((a, b) => `${a.title}${a.due}`.localeCompare(`${b.title}${b.due}`));
      expect(tasks.map(({ title, due, completed, occurrence }) => [title, due, completed, occurrence])).toEqual([
        ["Clean", "2099-12-08", false, 2],
        ["Water", "2099-12-01", true, 1],
        ["Water", "2099-12-08", false, 2],
      ]);
      expect(sync.tasks.get(clean.id)?.recurrence).toEqual({ rule: "FREQ=WEEKLY", time_zone: null, from: "due" });
    }
    // The occurrence that was to be skipped is completed by then: somebody has to decide.
    await phone.sync.update(clean.id, { completed: true });
    await phone.sync.refresh();
    await laptop.sync.skip(clean.id);
    await until(() => laptop.sync.refused.length === 1, "the skip refused");
    expect(laptop.sync.refused[0]?.item).toMatchObject({ op: "skip", refusal: { kind: "conflict" } });
  });

  it("restores a subtask under its parent, whether it has been sent or not", async () => {
    const laptop = device();
    const pack = await laptop.sync.create({ title: "Pack" });
    const sent = await laptop.sync.create({ title: "Socks", parent_id: pack.id });
    await laptop.sync.refresh();
    await laptop.goOffline();
    const unsent = await laptop.sync.create({ title: "Tent", parent_id: pack.id });
    for (const task of [sent, unsent]) {
      const seen = laptop.sync.tasks.get(task.id) ?? task;
      await laptop.sync.delete(task.id);
      expect(await laptop.sync.restore(seen)).toMatchObject({ parent_id: pack.id });
    }
    laptop.isOnline = true;
    await until(() => laptop.sync.pending.length === 0, "everything sent");
    const phone = device();
    await phone.sync.refresh();
    for (const { id } of [sent, unsent]) expect(phone.sync.tasks.get(id)).toMatchObject({ parent_id: pack.id });
  });

  it("completes a task offline after adding its subtasks", async () => {
    const laptop = device();
    const first = await laptop.sync.create({ title: "Plan" });
    await laptop.sync.refresh();
    laptop.isOnline = false;
    const pack = await laptop.sync.create({ title: "Pack" });
    await laptop.sync.update(first.id, { title: "Plan it" });
    for (const parent_id of [pack.id, first.id]) {
      const part = await laptop.sync.create({ title: `Part of ${parent_id}`, parent_id });
      const ids = [parent_id, part.id];
      await laptop.sync.change(ids.map((id) => ({ op: "update", id, changes: { completed: true } })));
    }
    laptop.isOnline = true;
    await until(() => laptop.sync.pending.length === 0, "everything sent");
    expect(laptop.sync.refused).toEqual([]);
    const phone = device();
    await phone.sync.refresh();
    const shown = [...phone.sync.tasks.values()].map(({ title, completed }) => [title, completed]);
    const parts = [`Part of ${pack.id}`, `Part of ${first.id}`];
    expect(shown.sort()).toEqual(["Pack", "Plan it", ...parts].map((title) => [title, true]).sort());
  });

  it("recovers when the network returns", async () => {
    const laptop = device();
    laptop.isOnline = false;
    await laptop.sync.start();
    await laptop.sync.create({ title: "one" });
    laptop.isOnline = true;
    await until(() => laptop.sync.pending.length === 0, "everything sent");
  });

  it("applies a change once if its response is lost", async () => {
    const { laptop, phone, id } = await pair();
    const lost = new Set<string>();
    laptop.losesAnswer = (request) => {
      const isFirst = request.method === "POST" && !lost.has("batch");
      if (isFirst) lost.add("batch");
      return isFirst;
    };
    await laptop.sync.update(id, { title: "Buy oat milk" });
    const { id: second } = await laptop.sync.create({ title: "Water the plants" });
    await until(() => laptop.sync.pending.length === 0, "everything sent");
    await laptop.sync.refresh();
    expect(lost.size).toBe(1);
    expect(laptop.sync.tasks.get(id)).toMatchObject({ title: "Buy oat milk", version: 2 });
    expect(laptop.sync.tasks.get(second)).toMatchObject({ version: 1 });
    await phone.sync.refresh();
    expect(phone.titles).toEqual(laptop.titles);
    expect(laptop.refusals).toEqual([]);
  });

  it("applies a deletion once if its response is lost", async () => {
    const { laptop, id } = await pair();
    let losses = 1;
    laptop.losesAnswer = (request) => request.method === "POST" && losses-- > 0;
    await laptop.sync.delete(id);
    await until(() => laptop.sync.pending.length === 0, "everything sent");
    await laptop.sync.refresh();
    expect(laptop.titles).toEqual([]);
    expect(laptop.refusals).toEqual([]);
  });

  it("keeps changes of a task in order if a response is lost", async () => {
    const { laptop, id } = await pair();
    let isLost = false;
    laptop.losesAnswer = (request) => {
      if (request.method !== "POST" || isLost) return false;
      isLost = true;
      // Made while the first one is under way.
      void laptop.sync.update(id, { title: "second", priority: "high" });
      return true;
    };
    await laptop.sync.update(id, { title: "first" });
    await until(() => isLost && laptop.sync.pending.length === 0, "everything sent");
    await laptop.sync.refresh();
    expect(laptop.sync.tasks.get(id)).toMatchObject({ title: "second", priority: "high", version: 3 });
    expect(laptop.refusals).toEqual([]);
  });

  it("merges changes to different fields without asking", async () => {
    const { laptop, phone, id } = await pair();
    await phone.sync.update(id, { title: "Buy oat milk", tags: ["shop", "food"] });
    await phone.sync.refresh();
    await laptop.sync.update(id, { priority: "high", due: "2026-12-01T09:00:00Z" });
    await laptop.sync.refresh();
    const merged = { title: "Buy oat milk", tags: ["shop", "food"], priority: "high", due: "2026-12-01T09:00:00.000Z" };
    expect(laptop.sync.tasks.get(id)).toMatchObject(merged);
    await phone.sync.refresh();
    expect(phone.sync.tasks.get(id)).toEqual(laptop.sync.tasks.get(id));
    expect(laptop.refusals).toEqual([]);
  });

  it("treats the same change on both devices as one", async () => {
    const { laptop, phone, id } = await pair();
    await phone.sync.update(id, { completed: true });
    await phone.sync.refresh();
    await laptop.sync.update(id, { completed: true });
    await laptop.sync.refresh();
    expect(laptop.refusals).toEqual([]);
    expect(laptop.sync.tasks.get(id)?.version).toBe(2);
  });

  it("asks the application if the same field differs", async () => {
    const { laptop, phone, id } = await pair();
    const { id: other } = await laptop.sync.create({ title: "other" });
    await laptop.sync.refresh();
    await phone.sync.update(id, { title: "theirs", priority: "low" });
    await phone.sync.refresh();
    await laptop.sync.update(id, { title: "mine" });
    await laptop.sync.update(other, { title: "other, changed" });
    await laptop.sync.refresh();
    const [conflict] = laptop.sync.refused;
    expect(conflict?.item.refusal).toMatchObject({ kind: "conflict", fields: ["title"] });
    expect(conflict?.current).toMatchObject({ title: "theirs", version: 2 });
    expect(conflict?.mine).toMatchObject({ title: "mine", priority: "low" });
    expect(laptop.refusals).toHaveLength(1);
    // What is typed stays in sight, and other tasks go on.
    expect(laptop.titles).toEqual(["mine", "other, changed"]);
    expect((await laptop.api.getTask(other)).title).toBe("other, changed");
    if (conflict) await laptop.sync.decide(conflict, { do: "retry" });
    await laptop.sync.refresh();
    expect(await laptop.api.getTask(id)).toMatchObject({ title: "mine", priority: "low", version: 3 });
    expect(laptop.sync.refused).toEqual([]);
  });

  it("drops a conflicting change on request", async () => {
    const { laptop, phone, id } = await pair({ onRefused: () => ({ do: "drop" }) });
    await phone.sync.update(id, { title: "theirs" });
    await phone.sync.refresh();
    await laptop.sync.update(id, { title: "mine" });
    await until(() => laptop.refusals.length > 0 && laptop.sync.pending.length === 0, "decided");
    expect(laptop.titles).toEqual(["theirs"]);
  });

  it("asks before it deletes a task that has changed elsewhere", async () => {
    const { laptop, phone, id } = await pair();
    await phone.sync.update(id, { description: "The one with the blue cap." });
    await phone.sync.refresh();
    await laptop.sync.delete(id);
    await laptop.sync.refresh();
    const [refused] = laptop.sync.refused;
    expect(refused?.item.refusal).toMatchObject({ kind: "conflict", fields: ["description"] });
    if (refused) await laptop.sync.decide(refused, { do: "retry" });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect(phone.titles).toEqual([]);
  });

  it("returns what was typed into a deleted task", async () => {
    const { laptop, phone, id } = await pair();
    await phone.sync.delete(id);
    await phone.sync.refresh();
    await laptop.sync.update(id, { title: "typed" });
    await laptop.sync.refresh();
    const [refused] = laptop.sync.refused;
    expect(refused?.item).toMatchObject({ changes: { title: "typed" }, refusal: { kind: "gone" } });
    expect(refused?.current).toBeUndefined();
    expect(refused?.wanted).toMatchObject({ title: "typed", tags: ["shop"] });

    if (!refused?.wanted) throw new Error("nothing is handed over");
    await laptop.sync.decide(refused, { do: "recreate", task: refused.wanted });
    expect(laptop.titles).toEqual(["typed"]);
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect([laptop.sync.refused, laptop.sync.pending]).toEqual([[], []]);
    const [again] = phone.sync.tasks.values();
    expect(again).toMatchObject({ title: "typed", tags: ["shop"] });
    expect(again?.id).not.toBe(id);
  });

  it("reports a conflict with a change that arrived while a form was open", async () => {
    const { laptop, phone, id } = await pair();
    const seen = laptop.sync.tasks.get(id);
    await phone.sync.update(id, { title: "theirs", priority: "low" });
    await phone.sync.refresh();
    await laptop.sync.refresh();
    if (!seen) throw new Error("it is not here");
    await laptop.sync.change([{ op: "update", id, seen, changes: { due: "2026-12-01" } }]);
    await laptop.sync.refresh();
    expect(laptop.sync.refused).toEqual([]);
    await laptop.sync.change([{ op: "update", id, seen, changes: { title: "mine" } }]);
    await laptop.sync.refresh();
    expect(laptop.sync.refused[0]?.item.refusal).toMatchObject({ kind: "conflict", fields: ["title"] });
    expect(await laptop.api.getTask(id)).toMatchObject({ title: "theirs", due: "2026-12-01" });
  });

  it("reports a conflict with a change that was made here while a form was open", async () => {
    const { laptop, id } = await pair();
    const seen = laptop.sync.tasks.get(id);
    if (!seen) throw new Error("it is not here");
    await laptop.goOffline();
    await laptop.sync.update(id, { title: "typed in another tab" });
    await laptop.sync.change([{ op: "update", id, seen, changes: { title: "typed into the form" } }]);
    laptop.isOnline = true;
    await until(() => laptop.sync.refused.length > 0, "refused");
    const [refused] = laptop.sync.refused;
    expect(refused?.item.refusal).toMatchObject({ kind: "conflict", fields: ["title"] });
    expect(await laptop.api.getTask(id)).toMatchObject({ title: "typed in another tab" });
    if (refused) await laptop.sync.decide(refused, { do: "retry" });
    await laptop.sync.refresh();
    expect(laptop.titles).toEqual(["typed into the form"]);
  });

  it("keeps what was changed here while the deletion could be undone", async () => {
    const { laptop, id } = await pair();
    const seen = laptop.sync.tasks.get(id);
    await laptop.goOffline();
    await laptop.sync.update(id, { title: "typed in another tab" });
    if (seen) await laptop.sync.change([{ op: "delete", id, seen }]);
    laptop.isOnline = true;
    await until(() => laptop.sync.refused.length > 0, "refused");
    expect(laptop.sync.refused[0]?.item.refusal).toMatchObject({ kind: "conflict", fields: ["title"] });
    expect(await laptop.api.getTask(id)).toMatchObject({ title: "typed in another tab" });
  });

  it("keeps a change that arrived while the deletion could be undone", async () => {
    const { laptop, phone, id } = await pair();
    const seen = laptop.sync.tasks.get(id);
    await phone.sync.update(id, { title: "theirs" });
    await phone.sync.refresh();
    await laptop.sync.refresh();
    if (seen) await laptop.sync.change([{ op: "delete", id, seen }]);
    await laptop.sync.refresh();
    expect(laptop.sync.refused[0]?.item.refusal).toMatchObject({ kind: "conflict", fields: ["title"] });
    expect(laptop.sync.refused[0]?.wanted).toBeNull();
  });

  it("restores a deleted task, with what is changed afterwards", async () => {
    const { laptop, phone, id } = await pair();
    const seen = laptop.sync.tasks.get(id);
    if (!seen) throw new Error("it is not here");
    await laptop.sync.delete(id);
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect(phone.titles).toEqual([]);
    await laptop.sync.restore(seen);
    await laptop.sync.update(id, { title: "Buy oat milk" });
    expect(laptop.titles).toEqual(["Buy oat milk"]);
    await laptop.sync.refresh();
    await laptop.sync.refresh();
    await phone.sync.refresh();
    expect(phone.sync.tasks.get(id)).toMatchObject({ title: "Buy oat milk", tags: ["shop"], version: 4 });
    expect([laptop.sync.refused, laptop.sync.pending]).toEqual([[], []]);
  });

  it("takes back a deletion that was not sent, and keeps what was changed before it", async () => {
    const { laptop, id } = await pair();
    laptop.isOnline = false;
    const seen = await laptop.sync.update(id, { title: "Buy oat milk" });
    await laptop.sync.delete(id);
    await laptop.sync.restore(seen);
    const draft = await laptop.sync.create({ title: "new" });
    await laptop.sync.delete(draft.id);
    await laptop.sync.restore(draft);
    expect(laptop.sync.pending.map(({ op }) => op)).toEqual(["update", "create"]);
    laptop.isOnline = true;
    await laptop.sync.refresh();
    expect(laptop.titles).toEqual(["Buy oat milk", "new"]);
    expect(await laptop.api.getTask(id)).toMatchObject({ title: "Buy oat milk", version: 2 });
  });

  it("says that a task cannot be restored any more", async () => {
    const { laptop, id } = await pair();
    const seen = laptop.sync.tasks.get(id);
    if (seen) await laptop.sync.restore({ ...seen, id: newTaskId() });
    await laptop.sync.refresh();
    expect(laptop.sync.refused[0]?.item.refusal).toMatchObject({ kind: "gone" });
    expect(laptop.sync.refused[0]?.wanted).toMatchObject({ title: "Buy milk", tags: ["shop"] });
  });

  it("reports which service does not answer", async () => {
    const laptop = device({ pause: () => 60_000 });
    laptop.isOnline = false;
    await laptop.sync.refresh();
    expect(laptop.sync.status).toMatchObject({ phase: "offline", trouble: "api" });
    laptop.getToken = () => Promise.reject(new Error("down"));
    laptop.api.forget();
    await laptop.sync.refresh();
    expect(laptop.sync.status).toMatchObject({ phase: "offline", trouble: "issuer" });
  });

  it("treats a deletion on both devices as one", async () => {
    const { laptop, phone, id } = await pair();
    await phone.sync.delete(id);
    await phone.sync.refresh();
    await laptop.sync.delete(id);
    await laptop.sync.refresh();
    expect(laptop.sync.pending).toEqual([]);
    expect(laptop.refusals).toEqual([]);
  });

  it("isolates the rejected change, and applies the others", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    laptop.isOnline = false;
    await laptop.sync.create({ title: "good" });
    const bad = await laptop.sync.create({ title: "x".repeat(201) });
    await laptop.sync.create({ title: "good as well" });
    laptop.isOnline = true;
    await laptop.sync.refresh();
    const [refused, ...others] = laptop.sync.refused;
    expect(others).toEqual([]);
    expect(refused?.item).toMatchObject({ id: bad.id, refusal: { kind: "refused", problem: { status: 422 } } });
    expect(refused?.item.refusal.problem?.errors?.[0]).toMatchObject({ pointer: expect.stringMatching(/title$/u) });
    expect((await laptop.api.listTasks()).tasks.map(({ title }) => title).sort()).toEqual(["good", "good as well"]);
    // Mended, it goes by itself.
    await laptop.sync.update(bad.id, { title: "short" });
    await laptop.sync.refresh();
    expect(laptop.sync.pending).toEqual([]);
    expect((await laptop.api.getTask(bad.id)).title).toBe("short");
  });

  it("splits changes into batches of 100", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    laptop.isOnline = false;
    await Promise.all(Array.from({ length: 130 }, (_, index) => laptop.sync.create({ title: `task ${index}` })));
    laptop.isOnline = true;
    await laptop.sync.refresh();
    expect(laptop.sync.pending).toEqual([]);
    const sizes = laptop.bodies.flatMap((body) => ((body as { items?: unknown[] } | null)?.items ?? []).length || []);
    expect(sizes).toEqual([100, 30]);
    const phone = device();
    await phone.sync.refresh();
    expect(phone.sync.tasks.size).toBe(130);
  });

  it("keeps batches below the size limit", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    laptop.isOnline = false;
    const description = "ä".repeat(10_000);
    await Promise.all(Array.from({ length: 60 }, () => laptop.sync.create({ title: "long", description })));
    laptop.isOnline = true;
    await laptop.sync.refresh();
    expect(laptop.sync.pending).toEqual([]);
    const batches = laptop.bodies.filter((body) => body !== null);
    expect(batches.length).toBe(2);
    for (const body of batches) expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(1_048_576);
  });

  it("waits for a session, then sends everything", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    const { getToken } = laptop;
    laptop.api.forget();
    laptop.getToken = async () => {
      throw new SessionOver();
    };
    const before = laptop.requests.length;
    await laptop.sync.create({ title: "one" });
    await until(() => laptop.sync.status.phase === "signed-out", "signed out");
    laptop.sync.hint();
    await laptop.sync.create({ title: "two" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(laptop.requests.length).toBe(before);
    laptop.getToken = getToken;
    laptop.sync.resume();
    await until(() => laptop.sync.pending.length === 0, "everything sent");
  });

  it("forgets erased tasks on every device, and sends nothing that would bring one back", async () => {
    const { laptop, phone, id } = await pair();
    const { id: other } = await laptop.sync.create({ title: "other" });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    phone.isOnline = false;
    await phone.sync.update(id, { title: "typed before it was erased" });
    await phone.sync.delete(other);
    await phone.sync.create({ title: "new, and never sent" });
    // A create whose answer is lost was erased with the others.
    laptop.losesAnswer = (request) => request.method === "POST";
    await laptop.sync.create({ title: "sent" });
    await laptop.sync.refresh();
    // It must not repeat the create before it hears of the erasure.
    await laptop.goOffline();
    laptop.losesAnswer = () => false;
    await device().api.eraseTasks();
    laptop.isOnline = true;
    await laptop.sync.refresh();
    expect([laptop.titles, laptop.sync.pending]).toEqual([[], []]);

    phone.isOnline = true;
    await phone.sync.refresh();
    await laptop.sync.refresh();
    for (const { sync, titles } of [phone, laptop]) {
      expect([titles, sync.pending, sync.refused]).toEqual([["new, and never sent"], [], []]);
    }
    expect((await phone.api.listTasks()).tasks.map(({ title }) => title)).toEqual(["new, and never sent"]);
  });

  it("never sends to another user's tasks", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    const { getToken } = await newPerson();
    laptop.api.forget();
    laptop.getToken = getToken;
    await laptop.sync.create({ title: "secret" });
    await until(() => laptop.sync.status.phase === "signed-out", "signed out");
    expect(laptop.sync.pending).toHaveLength(1);
  });
}
