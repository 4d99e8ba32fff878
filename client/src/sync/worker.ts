/**
 * Talks to the API, one request after the other: what an answer says is never older than what an earlier one said. Pulls, sends
 * what waits, and pulls again to see what became of it.
 */
import { BATCH_ITEMS, isFinal } from "../batch.js";
import type { ListQuery } from "../contract.js";
import { isDown, isErased, isSignedOut, isTokenOver, Problem, Unreachable } from "../errors.js";
import type { CallOptions, TaskApi } from "../task-api.js";
import { asBatchItem, type OutboxItem } from "./item.js";
import { answered, claimed, type Outcome, refusedAsWhole, type Written } from "./outbox.js";
import { erased, received, startedOver } from "./pull.js";
import { sleep } from "./sleep.js";
import type { State } from "./state.js";
import { NEW_STATUS, type Status } from "./status.js";
import type { Current } from "./store.js";

/** How much of a pull comes in one page: the most that the API gives. */
const PAGE = 500;
/** What was sent is pulled so long after, in milliseconds: one pull for several changes in a row. */
const SETTLE = 1_000;
/** While nothing answers, the pause stays at that of the second failure for so many failures: about a minute. */
const EAGER = 40;

export interface WorkerOptions {
  readonly api: Pick<TaskApi, "listChanges" | "listTasks" | "batchTasks" | "getTask">;
  readonly state: State;
  readonly onStatus: (status: Status) => void;
  /** Is told of changes that somebody has to decide on. */
  readonly onRefused: (items: readonly OutboxItem[]) => void;
  /** What a new device reads first. */
  readonly first?: ListQuery;
  /** How long to wait after the given number of failures in a row, in milliseconds. */
  readonly pause?: (failures: number) => number;
}

/** Something has to be repeated, later. */
class Later extends Error {}

/** What wakes it: a change, somebody who asks for a pull, somebody who has signed in. */
type Reason = "send" | "pull" | "resume";

export class Worker {
  readonly #options: WorkerOptions & Required<Pick<WorkerOptions, "pause">>;
  #status: Status = NEW_STATUS;
  /** When the next pull is due, in milliseconds since 1970. */
  #pullAt = 0;
  /** What has come up since the last cycle began. */
  readonly #pending = new Set<Reason>();
  #batchLimit = BATCH_ITEMS;
  #waiting: (() => void)[] = [];
  /** Ends the sleep, if this is a reason to. */
  #wake: ((reason: Reason) => void) | null = null;

  constructor(options: WorkerOptions) {
    this.#options = { pause: growingPause, ...options };
  }

  /** There is something to send. */
  send(): void {
    this.#come("send");
  }

  /** There may be something to pull. It is tried at once, even after failures. */
  pull(): void {
    this.#pullAt = 0;
    this.#come("pull");
  }

  /** There may be a session again. */
  resume(): void {
    this.#pullAt = 0;
    this.#come("resume");
  }

  /** Sends and pulls all there is, whatever it waits for. Ends when that has been done, or has failed. */
  whole(): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    this.resume();
    return done;
  }

  async run(signal: AbortSignal): Promise<void> {
    // What fails is repeated by a later cycle.
    const call: CallOptions = { signal, retry: false };
    let failures: Partial<Record<Failure, number>> = {};
    while (!signal.aborted) {
      const waiting = this.#waiting.splice(0);
      this.#pending.clear();
      const reasons: Reason[] = ["resume"];
      let rest = Infinity;
      try {
        this.#say({ phase: "busy" });
        await this.#cycle(call, waiting.length > 0);
        failures = {};
        reasons.push("pull", "send");
        rest = this.#pullAt - Date.now();
        this.#say({ phase: "idle", trouble: null });
      } catch (error) {
        if (signal.aborted) break;
        this.#pullAt = 0;
        if (isSignedOut(error)) this.#say({ phase: "signed-out", trouble: null });
        else {
          const failure = failureOf(error);
          const times = (failures[failure] ?? 0) + 1;
          // Without a network nothing is known of the API, and what is unfinished was answered: neither goes on with the
          // waits of what failed before.
          if (failure === "offline" || failure === "unfinished") failures = {};
          failures[failure] = times;
          reasons.push("pull");
          const pause = this.#options.pause(failure === "down" ? eager(times) : times);
          rest = Math.max(pause, (error instanceof Problem && error.retryAfter) || 0);
          this.#say({ phase: "offline", trouble: troubleOf(error) });
        }
      }
      for (const resolve of waiting) resolve();
      await this.#sleep(rest, reasons, signal);
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #cycle(call: CallOptions, isWhole: boolean): Promise<void> {
    const { state } = this.#options;
    if (this.#pullAt <= Date.now() || !state.meta.isComplete) await this.#pull(call);
    for (let hasUnanswered = false; ; ) {
      const outcome = await this.#send(call);
      hasUnanswered ||= outcome?.hasUnanswered ?? false;
      const mismatched = outcome?.mismatched ?? new Map<string, number>();
      const heads = () => [...state.items.values()].filter(([first]) => first && first.applied !== null);
      const isApplied = heads().length > 0;
      const isBlocked = heads().some(([, next]) => next);
      if (mismatched.size > 0 || isBlocked || (!outcome && isApplied && isWhole)) {
        await this.#pull(call);
        await this.#reread(mismatched, call);
        if (heads().length > 0) throw new Later();
      } else if (!outcome) {
        if (isApplied) this.#pullAt = Math.min(this.#pullAt, Date.now() + SETTLE);
        return;
      }
      if (hasUnanswered) throw new Later();
    }
  }

  async #pull(call: CallOptions): Promise<void> {
    const { api, state } = this.#options;
    this.#pullAt = Infinity;
    await this.#readFirst(call);
    for (let hasMore = true, pulls = 1; hasMore; ) {
      const since = state.meta.token;
      try {
        const page = await api.listChanges({ limit: PAGE, ...(since !== null && { since }) }, call);
        // Not if another tab has forgotten everything meanwhile.
        await state.change((current) => (current.meta.token === since ? received(page, current, state.tasks) : null));
        // From the beginning: what changed meanwhile comes with a second one, and then it is known what is gone.
        hasMore = (page.has_more && state.meta.token !== since) || (state.meta.isFromBeginning && pulls++ < 2);
      } catch (error) {
        if (!isTokenOver(error) || since === null) throw error;
        await state.change((current) => (isErased(error) ? erased(current, state.tasks) : startedOver(current)));
      }
    }
    this.#say({ pulledAt: Date.now() });
  }

  /** Shows a page of a list before the first pull, which then brings these tasks again, or removes those that are gone. */
  async #readFirst(call: CallOptions): Promise<void> {
    const { api, state, first } = this.#options;
    if (!first || state.meta.token !== null || state.tasks.size > 0) return;
    const { tasks } = await api.listTasks(first, call);
    await state.change(({ meta }) => ({ putTasks: tasks.map((task) => ({ task, epoch: meta.epoch - 1 })) }));
  }

  /** Sends one batch. Gives null if there is nothing to send. */
  async #send(call: CallOptions): Promise<Outcome | null> {
    const { api, state } = this.#options;
    // What was sent in vain cannot become one with later changes any more.
    if (isOffline()) throw new Later();
    const { batch } = await this.#write((current) => claimed(current, state.tasks, this.#batchLimit));
    if (batch.length === 0) return null;
    const answer = await api.batchTasks(batch.map(asBatchItem), call).catch((error: unknown) => {
      // Without a code it is not the API that answered.
      if (error instanceof Problem && error.code !== null && isFinal(error.status)) return error;
      throw error;
    });
    const outcome = await this.#write((current) =>
      answer instanceof Problem
        ? refusedAsWhole(batch, answer, current)
        : answered(batch, answer, current, state.tasks),
    );
    this.#batchLimit = outcome.limit;
    return outcome;
  }

  /**
   * Reads the tasks that the pull has not explained: they are in another version than the one that was sent, and still here in
   * that one. It takes a table that was restored from a backup for that.
   */
  async #reread(mismatched: ReadonlyMap<string, number>, call: CallOptions): Promise<void> {
    const { api, state } = this.#options;
    for (const [id, version] of mismatched) {
      if (state.tasks.get(id)?.task.version !== version) continue;
      const task = await api.getTask(id, call).catch((error: unknown) => {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      });
      const { epoch } = state.meta;
      await state.change(() => (task ? { putTasks: [{ task, epoch }] } : { removeTasks: [id] }));
    }
  }

  /** Writes, and tells of what has been refused by that. */
  async #write<T extends Written>(edit: (current: Current) => T): Promise<T> {
    const { state, onRefused } = this.#options;
    let written: T | undefined;
    await state.change((current) => {
      written = edit(current);
      return written.change;
    });
    const refused = written?.change?.putItems?.filter((item) => item.refusal) ?? [];
    if (refused.length > 0) onRefused(refused);
    return written as T;
  }

  #come(reason: Reason): void {
    this.#pending.add(reason);
    this.#wake?.(reason);
  }

  #say(status: Partial<Status>): void {
    this.#status = { ...this.#status, ...status };
    this.#options.onStatus(this.#status);
  }

  /** Sleeps until one of the reasons comes up, or the time is over. */
  async #sleep(milliseconds: number, reasons: readonly Reason[], signal: AbortSignal): Promise<void> {
    if (reasons.some((reason) => this.#pending.has(reason))) return;
    const woken = new AbortController();
    this.#wake = (reason) => reasons.includes(reason) && woken.abort();
    await sleep(milliseconds, AbortSignal.any([signal, woken.signal]));
  }
}

function troubleOf(error: unknown): Status["trouble"] {
  if (error instanceof Unreachable) return error.service;
  return error instanceof Problem || (error instanceof Later && !isOffline()) ? "busy" : "api";
}

type Failure = "offline" | "unfinished" | "down" | "refused";

function failureOf(error: unknown): Failure {
  if (isOffline()) return "offline";
  if (error instanceof Later) return "unfinished";
  return isDown(error) ? "down" : "refused";
}

function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** The failures that count for the pause while nothing answers: frequent attempts cost the API nothing then. */
function eager(failures: number): number {
  return Math.min(failures, Math.max(2, failures - EAGER));
}

/** One second after the first failure, then twice as long each time, up to a minute, and never twice the same. */
function growingPause(failures: number): number {
  return Math.min(60_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
}
