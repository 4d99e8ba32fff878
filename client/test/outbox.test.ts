/** Changes that wait in the outbox together: what is undone, a task and its subtasks, and what recurs. */
import { describe, expect, it } from "vitest";
import { type Device, until } from "./device.js";
import { testServer } from "./suites/devices.js";

const { current, device } = testServer();

/** Whatever waits is sent, or refused. */
async function settled(laptop: Device): Promise<void> {
  for (let round = 0; round < 6; round++) await laptop.sync.refresh();
}

/** Without a network, and it knows: nothing of what comes is sent. */
async function offline(laptop: Device): Promise<void> {
  await laptop.goOffline();
  await laptop.sync.refresh();
}

function refusals({ sync }: Device) {
  return sync.refused.map(({ item }) => [item.op, item.refusal.kind, item.refusal.problem?.code, item.refusal.fields]);
}

/** A request that never reaches the API, though the client has sent it: as when the network goes. */
async function sendInVain(laptop: Device, change: () => Promise<unknown>): Promise<void> {
  laptop.isOnline = false;
  await change();
  await until(() => laptop.sync.pending.some(({ sent }) => sent !== null), "sent in vain");
}

describe("what is deleted and restored", () => {
  it("takes back a deletion that was not sent, of a task that was just sent", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    laptop.losesAnswer = ({ method }) => method === "POST";
    const task = await laptop.sync.create({ title: "typed" });
    await until(() => laptop.requests.includes("POST …/batch"), "sent");
    await offline(laptop);
    laptop.losesAnswer = () => false;
    await laptop.sync.delete(task.id);
    await laptop.sync.restore(task).catch(() => {});
    laptop.isOnline = true;
    await settled(laptop);
    expect([laptop.titles, refusals(laptop)]).toEqual([["typed"], []]);
  });

  it("restores a task as it was seen right after its creation", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    const task = await laptop.sync.create({ title: "typed" });
    await laptop.sync.refresh();
    await laptop.sync.delete(task.id);
    await laptop.sync.refresh();
    await laptop.sync.restore(task);
    await settled(laptop);
    expect([refusals(laptop), current.server.tasks(current.person.id).map(({ title }) => title)]).toEqual([
      [],
      ["typed"],
    ]);
  });

  it("restores a task twice, offline", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "typed" });
    await laptop.sync.refresh();
    const seen = laptop.sync.tasks.get(id);
    if (!seen) throw new Error();
    await laptop.sync.delete(id);
    await laptop.sync.refresh();
    await offline(laptop);
    await laptop.sync.restore(seen);
    const again = laptop.sync.tasks.get(id);
    await laptop.sync.delete(id);
    if (again) await laptop.sync.restore(again);
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), current.server.tasks(current.person.id).map(({ title }) => title)]).toEqual([
      [],
      ["typed"],
    ]);
  });

  it("restores a task as it was seen right after its creation, with what is changed afterwards", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    const task = await laptop.sync.create({ title: "typed" });
    await laptop.sync.refresh();
    await laptop.sync.delete(task.id);
    await laptop.sync.refresh();
    await offline(laptop);
    await laptop.sync.restore(task);
    await laptop.sync.update(task.id, { title: "edited" });
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), current.server.tasks(current.person.id).map(({ title }) => title)]).toEqual([
      [],
      ["edited"],
    ]);
  });

  it("restores it with what is changed afterwards, also if an answer is lost", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    const task = await laptop.sync.create({ title: "typed" });
    await laptop.sync.refresh();
    await laptop.sync.delete(task.id);
    await laptop.sync.refresh();
    await offline(laptop);
    await laptop.sync.restore(task);
    await laptop.sync.update(task.id, { title: "edited" });
    let losses = 1;
    laptop.losesAnswer = ({ method }) => method === "POST" && losses-- > 0;
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), current.server.tasks(current.person.id).map(({ title }) => title)]).toEqual([
      [],
      ["edited"],
    ]);
  });

  it("creates a task again whose deletion was not sent", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "typed" });
    await laptop.sync.refresh();
    await offline(laptop);
    await laptop.sync.delete(id);
    await laptop.sync.change([{ op: "create", id, task: { title: "typed" } }]);
    expect(laptop.titles).toEqual(["typed"]);
  });

  it("shows a restored subtask under its parent", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack" });
    const { id: part } = await laptop.sync.create({ title: "Socks", parent_id: id });
    await laptop.sync.refresh();
    const seen = laptop.sync.tasks.get(part);
    await laptop.sync.delete(part);
    await laptop.sync.refresh();
    await offline(laptop);
    if (seen) await laptop.sync.restore(seen);
    expect(laptop.sync.tasks.get(part)?.parent_id).toBe(id);
  });

  it("keeps what is changed after a deletion was taken back, if others have changed the task", async () => {
    const [laptop, phone] = [device(), device()];
    const { id } = await laptop.sync.create({ title: "Buy milk" });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    const seen = laptop.sync.tasks.get(id);
    if (!seen) throw new Error();
    await sendInVain(laptop, () => laptop.sync.delete(id));
    await laptop.sync.restore(seen);
    await laptop.sync.update(id, { title: "Buy oat milk" });
    await phone.sync.update(id, { description: "theirs" });
    await phone.sync.refresh();
    laptop.isOnline = true;
    await settled(laptop);
    const kept = laptop.sync.refused.map(({ wanted }) => wanted?.title);
    expect([...kept, current.server.tasks(current.person.id)[0]?.title]).toContain("Buy oat milk");
  });
});

describe("a subtask", () => {
  it("restores a new subtask under its parent", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack" });
    await laptop.sync.refresh();
    await offline(laptop);
    const socks = await laptop.sync.create({ title: "Socks", parent_id: id });
    await laptop.sync.delete(socks.id);
    const back = await laptop.sync.restore(socks);
    expect.soft(back.parent_id).toBe(id);
    laptop.isOnline = true;
    await settled(laptop);
    expect(current.server.tasks(current.person.id).map(({ title, parent_id }) => [title, parent_id])).toEqual([
      ["Pack", undefined],
      ["Socks", id],
    ]);
  });

  it("knows the parent of a changed subtask that was deleted elsewhere", async () => {
    const [laptop, phone] = [device(), device()];
    const { id } = await laptop.sync.create({ title: "Pack" });
    const { id: part } = await laptop.sync.create({ title: "Socks", parent_id: id });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    await phone.sync.delete(part);
    await phone.sync.refresh();
    await laptop.sync.update(part, { title: "Warm socks" });
    await settled(laptop);
    const [refused] = laptop.sync.refused;
    expect(refused?.wanted).toMatchObject({ title: "Warm socks", parent_id: id });
  });

  it("waits for its parent to be reopened, if that is throttled", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack", completed: true });
    await laptop.sync.refresh();
    await offline(laptop);
    await laptop.sync.update(id, { completed: false });
    await laptop.sync.create({ title: "Socks", parent_id: id });
    let times = 0;
    current.server.isThrottled = (item) => item.id === id && ++times <= 1;
    laptop.isOnline = true;
    await settled(laptop);
    expect(refusals(laptop)).toEqual([]);
  });

  it("waits for its parent to be reopened, behind a change that was sent in vain", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack", completed: true });
    await laptop.sync.refresh();
    await sendInVain(laptop, () => laptop.sync.update(id, { title: "Pack now" }));
    await laptop.sync.update(id, { completed: false });
    await laptop.sync.create({ title: "Socks", parent_id: id });
    laptop.isOnline = true;
    await settled(laptop);
    expect(refusals(laptop)).toEqual([]);
  });

  it("waits for its parent to be reopened, if the answer to its completion was lost", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack" });
    await laptop.sync.refresh();
    laptop.losesAnswer = ({ method }) => method === "POST";
    const before = laptop.requests.length;
    await laptop.sync.update(id, { completed: true });
    await until(() => laptop.requests.slice(before).includes("POST …/batch"), "sent");
    await offline(laptop);
    laptop.losesAnswer = () => false;
    await laptop.sync.update(id, { completed: false });
    await laptop.sync.create({ title: "Socks", parent_id: id });
    laptop.isOnline = true;
    await settled(laptop);
    expect(refusals(laptop)).toEqual([]);
    expect(current.server.tasks(current.person.id).map(({ title, completed }) => [title, completed])).toEqual([
      ["Pack", false],
      ["Socks", false],
    ]);
  });

  it("waits for its parent to be restored and reopened", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack", completed: true });
    await laptop.sync.refresh();
    const seen = laptop.sync.tasks.get(id);
    await laptop.sync.delete(id);
    await laptop.sync.refresh();
    await offline(laptop);
    if (seen) await laptop.sync.restore(seen);
    await laptop.sync.update(id, { completed: false });
    await laptop.sync.create({ title: "Socks", parent_id: id });
    laptop.isOnline = true;
    await settled(laptop);
    expect(refusals(laptop)).toEqual([]);
  });

  it("waits for its parent to be restored, if its deletion was sent in vain", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack" });
    await laptop.sync.refresh();
    const seen = laptop.sync.tasks.get(id);
    await sendInVain(laptop, () => laptop.sync.delete(id));
    if (seen) await laptop.sync.restore(seen);
    await laptop.sync.create({ title: "Socks", parent_id: id });
    laptop.isOnline = true;
    await settled(laptop);
    expect(refusals(laptop)).toEqual([]);
  });

  it("waits for its parent to be corrected, if that was refused", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    await offline(laptop);
    const { id } = await laptop.sync.create({ title: "x".repeat(201) });
    await laptop.sync.create({ title: "Socks", parent_id: id });
    laptop.isOnline = true;
    await settled(laptop);
    await laptop.sync.update(id, { title: "Pack" });
    await settled(laptop);
    expect(refusals(laptop)).toEqual([]);
  });

  it("goes with its parent, which is changed and then deleted", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack" });
    await laptop.sync.refresh();
    await offline(laptop);
    await laptop.sync.update(id, { title: "Pack now" });
    const socks = await laptop.sync.create({ title: "Socks", parent_id: id });
    await laptop.sync.update(socks.id, { priority: "high" });
    await laptop.sync.delete(id);
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), laptop.titles, laptop.sync.pending]).toEqual([[], [], []]);
  });

  it("goes with its parent, which is new and deleted, or deleted elsewhere as well", async () => {
    const [laptop, phone] = [device(), device()];
    const { id } = await laptop.sync.create({ title: "Pack" });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    await offline(laptop);
    await laptop.sync.update(id, { title: "Pack now" });
    const parent = await laptop.sync.create({ title: "Clean" });
    for (const parent_id of [id, parent.id]) {
      await laptop.sync.create({ title: "Part", parent_id });
      await laptop.sync.delete(parent_id);
    }
    await phone.sync.delete(id);
    await phone.sync.refresh();
    laptop.isOnline = true;
    const before = current.server.writes;
    await settled(laptop);
    expect([refusals(laptop), laptop.titles, current.server.writes]).toEqual([[], [], before]);
  });

  it("stays if the deletion of its parent is taken back", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack" });
    await laptop.sync.refresh();
    await offline(laptop);
    const seen = await laptop.sync.update(id, { title: "Pack now" });
    await laptop.sync.create({ title: "Socks", parent_id: id });
    await laptop.sync.delete(id);
    await laptop.sync.restore(seen);
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), laptop.titles]).toEqual([[], ["Pack now", "Socks"]]);
  });

  it("stays if its parent is not deleted, because that was changed elsewhere", async () => {
    const [laptop, phone] = [device(), device()];
    const { id } = await laptop.sync.create({ title: "Pack" });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    await offline(laptop);
    await laptop.sync.update(id, { priority: "high" });
    await laptop.sync.create({ title: "Socks", parent_id: id });
    await laptop.sync.delete(id);
    await phone.sync.update(id, { title: "Pack all" });
    await phone.sync.refresh();
    laptop.isOnline = true;
    await settled(laptop);
    expect(refusals(laptop)).toEqual([["delete", "conflict", undefined, ["title"]]]);
    const [conflict] = laptop.sync.refused;
    if (conflict) await laptop.sync.decide(conflict, { do: "drop" });
    await settled(laptop);
    expect([refusals(laptop), laptop.titles]).toEqual([[], ["Pack all", "Socks"]]);
  });

  it("is restored after its parent", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create({ title: "Pack" });
    const { id: part } = await laptop.sync.create({ title: "Socks", parent_id: id });
    await laptop.sync.refresh();
    const seen = [id, part].map((id) => laptop.sync.tasks.get(id));
    await laptop.sync.delete(part);
    await laptop.sync.refresh();
    await laptop.sync.delete(id);
    await laptop.sync.refresh();
    await offline(laptop);
    for (const task of seen) if (task) await laptop.sync.restore(task);
    // The parent takes a query and a transaction, and its subtask a transaction, at the same time.
    current.server.isSlow = (item) => item.id === id;
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), laptop.titles]).toEqual([[], ["Pack", "Socks"]]);
  });

  it("is restored with what was changed afterwards, once its parent is back", async () => {
    const [laptop, phone] = [device(), device()];
    const { id } = await laptop.sync.create({ title: "Pack" });
    const { id: part } = await laptop.sync.create({ title: "Socks", parent_id: id });
    await laptop.sync.refresh();
    await phone.sync.refresh();
    const [parent, seen] = [id, part].map((id) => laptop.sync.tasks.get(id));
    if (!parent || !seen) throw new Error();
    await laptop.sync.delete(part);
    await laptop.sync.refresh();
    await phone.sync.delete(id);
    await phone.sync.refresh();
    await offline(laptop);
    await laptop.sync.restore(seen);
    await laptop.sync.update(part, { title: "Warm socks" });
    laptop.isOnline = true;
    await settled(laptop);
    const [refused] = laptop.sync.refused;
    expect(refused?.item).toMatchObject({ op: "restore", refusal: { kind: "refused" } });
    await phone.sync.restore(parent);
    await phone.sync.refresh();
    if (refused) await laptop.sync.decide(refused, { do: "retry" });
    await settled(laptop);
    expect([refusals(laptop), laptop.titles]).toEqual([[], ["Pack", "Warm socks"]]);
  });
});

it.each([
  ["before its answer is heard", true],
  ["before it is pulled", false],
])("a new task that is deleted elsewhere %s is handed over as a whole", async (_, isLost) => {
  const [laptop, phone] = [device(), device()];
  await laptop.sync.refresh();
  laptop.losesAnswer = ({ method }) => isLost && method === "POST";
  const { id } = await laptop.sync.create({ title: "typed", description: "at length" });
  await until(() => laptop.requests.includes("POST …/batch"), "sent");
  if (!isLost) await until(() => laptop.sync.pending.length === 0, "answered");
  await offline(laptop);
  laptop.losesAnswer = () => false;
  await laptop.sync.update(id, { priority: "high" });
  await phone.sync.refresh();
  await phone.sync.delete(id);
  await phone.sync.refresh();
  laptop.isOnline = true;
  await settled(laptop);
  const [refused] = laptop.sync.refused;
  expect(refused?.wanted).toMatchObject({ title: "typed", description: "at length", priority: "high" });
});

it("a form that was open while another tab changed the same field, which is in conflict, overwrites neither", async () => {
  const [laptop, phone] = [device(), device()];
  const { id } = await laptop.sync.create({ title: "Buy milk" });
  await laptop.sync.refresh();
  await phone.sync.refresh();
  const seen = laptop.sync.tasks.get(id);
  if (!seen) throw new Error();
  await phone.sync.update(id, { title: "theirs" });
  await phone.sync.refresh();
  await offline(laptop);
  await laptop.sync.update(id, { title: "typed in another tab" });
  await laptop.sync.change([{ op: "update", id, seen, changes: { title: "typed into the form" } }]);
  laptop.isOnline = true;
  await settled(laptop);
  const [first] = laptop.sync.refused;
  expect(first?.item.changes).toEqual({ title: "typed in another tab" });
  if (first) await laptop.sync.decide(first, { do: "retry" });
  await settled(laptop);
  const [second] = laptop.sync.refused;
  expect([second?.item.changes, second?.current?.title]).toEqual([
    { title: "typed into the form" },
    "typed in another tab",
  ]);
});

it("a change that is made before the one before is stored is no conflict with it", async () => {
  const laptop = device();
  const { id } = await laptop.sync.create({ title: "a" });
  await laptop.sync.refresh();
  await Promise.all(["b", "c", "d"].map((title) => laptop.sync.update(id, { title })));
  await settled(laptop);
  expect([refusals(laptop), laptop.titles]).toEqual([[], ["d"]]);
});

describe("a recurring task", () => {
  const WATER = { title: "Water", due: "2099-12-01", recurrence: { rule: "FREQ=WEEKLY" } };

  it("is created, skipped, and deleted offline", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    await offline(laptop);
    const { id } = await laptop.sync.create(WATER);
    await laptop.sync.skip(id);
    await laptop.sync.delete(id);
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), laptop.titles]).toEqual([[], []]);
  });

  it("recurs if it is new, gets its rule, and is completed at once", async () => {
    const laptop = device();
    await laptop.sync.refresh();
    await offline(laptop);
    const { id } = await laptop.sync.create({ title: "Water", due: "2099-12-01" });
    await laptop.sync.update(id, {
      completed: true,
      recurrence: { rule: "FREQ=WEEKLY", time_zone: null, from: "due" },
    });
    expect(laptop.sync.pending.map(({ op }) => op)).toEqual(["create", "update"]);
  });

  it("is skipped, renamed, and deleted offline", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create(WATER);
    await laptop.sync.refresh();
    await offline(laptop);
    await laptop.sync.skip(id);
    await laptop.sync.update(id, { title: "Water all" });
    await laptop.sync.delete(id);
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), laptop.titles]).toEqual([[], []]);
  });

  it.each([
    ["never arrives", false],
    ["gets no answer", true],
  ])("is deleted after a skip that %s", async (_, isDone) => {
    const laptop = device();
    const { id } = await laptop.sync.create(WATER);
    await laptop.sync.refresh();
    laptop.losesAnswer = ({ method }) => method === "POST";
    if (!isDone) laptop.isOnline = false;
    await laptop.sync.skip(id);
    await until(() => laptop.sync.pending.some(({ sent }) => sent !== null), "sent");
    await offline(laptop);
    laptop.losesAnswer = () => false;
    await laptop.sync.delete(id);
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), laptop.titles]).toEqual([[], []]);
  });

  it("is skipped once if its deletion after that is taken back", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create(WATER);
    await laptop.sync.refresh();
    await sendInVain(laptop, () => laptop.sync.skip(id));
    const seen = laptop.sync.tasks.get(id);
    await laptop.sync.delete(id);
    if (seen) await laptop.sync.restore(seen);
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), current.server.tasks(current.person.id).map(({ due }) => due)]).toEqual([
      [],
      ["2099-12-08"],
    ]);
  });

  it("is deleted after its completion was sent in vain", async () => {
    const laptop = device();
    const { id } = await laptop.sync.create(WATER);
    await laptop.sync.refresh();
    await sendInVain(laptop, () => laptop.sync.update(id, { completed: true }));
    await laptop.sync.delete(id);
    laptop.isOnline = true;
    await settled(laptop);
    expect([refusals(laptop), current.server.tasks(current.person.id).map(({ due }) => due)]).toEqual([
      [],
      ["2099-12-08"],
    ]);
  });

  it("keeps the order of a conflict, a skip, and a completion", async () => {
    const [laptop, phone] = [device(), device()];
    const { id } = await laptop.sync.create(WATER);
    await laptop.sync.refresh();
    await phone.sync.refresh();
    await offline(laptop);
    await laptop.sync.update(id, { title: "mine" });
    await laptop.sync.skip(id);
    await laptop.sync.update(id, { completed: true });
    await phone.sync.update(id, { title: "theirs" });
    await phone.sync.refresh();
    laptop.isOnline = true;
    await settled(laptop);
    const [conflict] = laptop.sync.refused;
    if (conflict) await laptop.sync.decide(conflict, { do: "retry" });
    await settled(laptop);
    const dues = current.server.tasks(current.person.id).map(({ due, completed }) => [due, completed]);
    expect([refusals(laptop), dues]).toEqual([
      [],
      [
        ["2099-12-08", true],
        ["2099-12-15", false],
      ],
    ]);
  });
});
