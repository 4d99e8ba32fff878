/** The other tabs: they share the store, hear of what is written into it, and let one of them talk to the API. */

import { sleep } from "./sleep.js";
import type { State } from "./state.js";
import type { Status } from "./status.js";
import type { StoreChange } from "./store.js";

export type Message =
  /** Something was written. */
  | { readonly kind: "change"; readonly change: StoreChange }
  /** The tab that sends and pulls says how it goes. */
  | { readonly kind: "status"; readonly status: Status }
  /** The tab that sends and pulls is wanted. */
  | { readonly kind: "ask"; readonly what: Ask; readonly id: string }
  /** It has done what was asked. */
  | { readonly kind: "done"; readonly id: string };

export type Ask = "send" | "pull" | "resume" | "whole";

export interface Tabs {
  post(message: Message): void;
  close(): void;
}

/** A channel to the others who share the store, where there can be any. */
export function openTabs(name: string | null, onMessage: (message: Message) => void): Tabs {
  if (name === null || typeof BroadcastChannel === "undefined") return { post() {}, close() {} };
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: { data: Message }) => onMessage(data);
  // In Node, a channel alone would keep the process alive.
  (channel as { unref?: () => void }).unref?.();
  return { post: (message) => channel.postMessage(message), close: () => channel.close() };
}

/** A lease lasts so long without a sign of life, in milliseconds. */
const LEASE = 15_000;

/**
 * Does the work while nobody else who shares the store does it, and waits for its turn before. A lock of the browser says whose
 * turn it is. Where there is none (pages without TLS, old browsers) it is a lease in the store: then a tab that was asleep may
 * for a moment work beside the next one, which the keys and versions of all requests make harmless.
 */
export async function alone(
  name: string | null,
  state: State,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (name === null) return work(signal);
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  if (locks) {
    await locks
      .request(name, { signal }, () => work(signal))
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    return;
  }
  const owner = crypto.randomUUID();
  while (!signal.aborted) {
    if (await renewed(state, owner)) await onLease(state, owner, signal, work);
    else await sleep(LEASE / 3, signal);
  }
}

async function onLease(state: State, owner: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>) {
  const lost = new AbortController();
  const heartbeat = setInterval(() => {
    renewed(state, owner).then(
      (isOurs) => isOurs || lost.abort(),
      () => lost.abort(),
    );
  }, LEASE / 3);
  try {
    await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    clearInterval(heartbeat);
    // The next one need not wait.
    await state.change(({ meta }) => (meta.lease?.owner === owner ? { meta: { lease: null } } : null)).catch(() => {});
  }
}

async function renewed(state: State, owner: string): Promise<boolean> {
  let isOurs = false;
  await state.change(({ meta: { lease } }) => {
    const now = Date.now();
    // A lease of the far future is one of a clock that was wrong.
    const isTaken = lease !== null && lease.owner !== owner && lease.until > now && lease.until <= now + LEASE;
    isOurs = !isTaken;
    return isTaken ? null : { meta: { lease: { owner, until: now + LEASE } } };
  });
  return isOurs;
}
