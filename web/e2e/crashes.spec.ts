/** Two devices of one person, while functions and the whole stack are killed under them. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, Request } from "@playwright/test";
import { Ledger } from "../../client/test/ledger";
import { type Device, lookAndCompare, pair, SOON } from "./devices";
import { API, expect, newPerson, Store, test } from "./product";
import { Dice, type Op } from "./schedules";

const SEED = Number(process.env.SEED ?? 20_261_128);
const ROUNDS = Number(process.env.ROUNDS ?? 10);
/** So many pairs of devices live through the same outages, with a schedule of their own each. */
const PAIRS = 5;
/** The folder with the data of the stack, and its process id. */
const STACK = process.env.STACK ?? "";

test.use({ failuresExpected: true });

test(`${ROUNDS * PAIRS} random schedules with kill -9 converge, and lose nothing`, async ({ browser }) => {
  test.setTimeout(600_000);
  const dice = new Dice(SEED);
  const couples = await Promise.all(Array.from({ length: PAIRS }, (_, index) => Couple.meet(browser, SEED + index)));
  const delays: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const outage = dice.of(OUTAGES);
    await test.step(`round ${round} of seed ${SEED}: ${outage} killed`, async () => {
      await Promise.all([kill(outage, dice, couples[0] as Couple), ...couples.map((couple) => couple.play())]);
      delays.push(...(await Promise.all(couples.map((couple) => couple.agree()))));
    });
  }
  const sum = (count: (couple: Couple) => number) => couples.reduce((sum, couple) => sum + count(couple), 0);
  const [questions, interrupted] = [sum(({ questions }) => questions), sum(({ interrupted }) => interrupted)];
  console.log(`${interrupted} requests were interrupted, and ${questions} questions asked.`);
  console.log(`The slowest of ${delays.length} pairs agreed ${Math.max(...delays)} ms after its outage.`);
  expect(interrupted).toBeGreaterThan(ROUNDS);
  await Promise.all(couples.map((couple) => couple.part()));
});

const OUTAGES = ["functions", "functions", "all processes", "the stack", "the stack"] as const;

/** Kills while requests are under way. Returns once the API answers again. */
async function kill(what: (typeof OUTAGES)[number], dice: Dice, { store }: Couple): Promise<void> {
  const pid = () => readFileSync(join(STACK, "pid"), "utf8");
  const killed = pid();
  const killChildren = (names: string) =>
    expect(spawnSync("pkill", ["-KILL", "-P", killed, names]).error).toBeUndefined();
  await sleep(300 + dice.below(1_500));
  if (what === "functions") {
    for (let times = 1 + dice.below(3); times > 0; times--) {
      killChildren("^(batch-tasks|list-changes)$");
      await sleep(dice.below(700));
    }
  }
  if (what === "all processes") killChildren("^([a-z]+-tasks?|list-changes|list-tags|cargo-lambda|node)$");
  if (what === "the stack") {
    process.kill(Number(killed), "SIGKILL");
    await expect.poll(pid).not.toBe(killed);
  }
  await expect(async () => {
    // Each function has more than one process, and each of them has keys to fetch.
    const headers = await store.headers();
    const pull = () => store.request.get(`${API}/api/me/tasks/changes?since=latest`, { headers });
    const send = () => store.request.post(`${API}/api/me/tasks/batch`, { headers, data: { items: [] } });
    const responses = await Promise.all([pull, send, pull, send, pull, send].map((request) => request()));
    expect(responses.map((response) => response.status())).toEqual([200, 422, 200, 422, 200, 422]);
  }).toPass({ timeout: 60_000, intervals: [100] });
}

/** The two devices of one person. */
class Couple {
  readonly #dice: Dice;
  readonly #ledger = new Ledger();
  /** The task that a title was typed into. */
  readonly #tasks = new Map<string, string>();
  /** What each device has changed in this schedule. */
  #changed: Set<string>[] = [new Set(), new Set()];
  #typed = 0;
  /** What became of each request in this schedule. */
  #heard: string[] = [];
  questions = 0;
  /** Requests that the outages broke off, or that met them. */
  interrupted = 0;

  private constructor(
    readonly devices: readonly [Device, Device],
    readonly store: Store,
    seed: number,
  ) {
    this.#dice = new Dice(seed);
    for (const [side, { context }] of devices.entries()) {
      const hear = (request: Request, outcome: string | number) => {
        this.#heard.push(`${Date.now()} device ${side}: ${request.method()} ${request.url()}: ${outcome}`);
      };
      context.on("response", (response) => {
        if (response.status() >= 500) this.interrupted += 1;
        hear(response.request(), response.status());
      });
      context.on("requestfailed", (request) => {
        const cause = request.failure()?.errorText ?? "failed";
        if (cause !== "net::ERR_INTERNET_DISCONNECTED") this.interrupted += 1;
        hear(request, cause);
      });
    }
  }

  static async meet(browser: Browser, seed: number): Promise<Couple> {
    const context = await browser.newContext();
    const person = await newPerson(context, "Ada");
    return new Couple(await pair(context, person), new Store(context.request), seed);
  }

  async part(): Promise<void> {
    await Promise.all(this.devices.map(({ context }) => context.close()));
  }

  /** Both devices work, with and without a network. */
  async play(): Promise<void> {
    this.#heard = [];
    for (let steps = 6 + this.#dice.below(6); steps > 0; steps--) {
      const side = this.#dice.below(2);
      if (this.#dice.below(5) > 0) await this.#change(side);
      else await this.devices[side]?.context.setOffline(this.#dice.below(2) === 0);
      await sleep(this.#dice.below(400));
    }
  }

  async #change(side: number): Promise<void> {
    const { driver } = this.devices[side] as Device;
    const op = this.#nextOp([...(await driver.read())]);
    const done = await driver.do(op);
    if (!done) return;
    const { id, seen } = done;
    if (op.op === "add" || op.op === "retitle") this.#type(id, op.title);
    else if (op.id !== id) this.#type(id, seen);
    if (op.op === "retitle") this.#ledger.replaced(id, "title", seen, op.title);
    if (op.op === "delete") this.#ledger.givenUp(id, "title", seen);
    this.#changed[side]?.add(`${id} ${op.op}`);
  }

  #nextOp(tasks: readonly (readonly [string, { readonly completed: boolean }])[]): Op {
    const title = `text ${++this.#typed}`;
    const add = { op: "add", title } as const;
    if (tasks.length === 0) return add;
    const [id, { completed }] = this.#dice.of(tasks);
    return this.#dice.of<Op>([
      tasks.length < 12 ? add : { op: "delete", id },
      { op: "retitle", id, title },
      { op: "retitle", id, title },
      { op: "prioritize", id, priority: this.#dice.of(["None", "Low", "Medium", "High"]) },
      { op: "complete", id, completed: !completed },
      { op: "delete", id },
    ]);
  }

  #type(id: string, title: string): void {
    this.#ledger.typed(id, "title", title);
    this.#tasks.set(title, id);
  }

  /** Everything is back: both devices recover on their own, and then look. Returns how long that took, in milliseconds. */
  async agree(): Promise<number> {
    await Promise.all(this.devices.map(({ context }) => context.setOffline(false)));
    const before = Date.now();
    await expect(async () => {
      expect(await Promise.all([this.#answer(0), this.#answer(1)]), "questions").toEqual([false, false]);
      expect(await Promise.all(this.devices.map(({ driver }) => driver.isSettled()))).toEqual([true, true]);
      await lookAndCompare(this.devices, this.store);
    })
      .toPass({ timeout: SOON, intervals: [200] })
      .catch((cause: unknown) => {
        const heard = this.#heard.join("\n");
        throw new Error(`no agreement by ${Date.now()}, ${SOON} ms after the outage:\n${heard}`, { cause });
      });
    const tasks = await (this.devices[0] as Device).driver.read();
    expect(this.#ledger.lost(tasks), "typed, and gone").toEqual([]);
    this.#changed = [new Set(), new Set()];
    return Date.now() - before;
  }

  /** Decides on one change that was not made. Returns whether there was one. */
  async #answer(side: number): Promise<boolean> {
    const isMine = this.#dice.below(2) === 0;
    const question = await (this.devices[side] as Device).driver.answer(isMine);
    if (!question) return false;
    this.questions += 1;
    const [mine, other] = [this.#changed[side] as Set<string>, this.#changed[1 - side] as Set<string>];
    if (question.is === "gone") {
      const { id, title, newId } = question;
      expect(other, `somebody has deleted ${title}`).toContain(`${id} delete`);
      this.#ledger.givenUp(id, "title", title);
      if (newId) this.#type(newId, title);
      return true;
    }
    const { mine: title, theirs, differs } = question;
    const id = this.#tasks.get(theirs) ?? "";
    const isDeleted = title === null && mine.has(`${id} delete`);
    const both = [...other].filter((change) => change.startsWith(`${id} `) && (isDeleted || mine.has(change)));
    expect(both, `both have changed ${title} and ${theirs}`).not.toEqual([]);
    expect(differs).toBe(title !== null);
    if (isMine && title === null) this.#ledger.givenUp(id, "title", theirs);
    else if (isMine) this.#ledger.replaced(id, "title", theirs, title);
    else if (title !== null && title !== theirs) this.#ledger.givenUp(id, "title", title);
    return true;
  }
}
