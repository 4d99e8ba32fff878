/** Requests that were sent before the page's code was here, so that it need not send them. Each answer is given once. */
import type { Task } from "daylist-client";

/** The tasks that a new device shows while it gets the others. */
export const FIRST_TASKS = { status: "open", limit: 30 } as const;

const sent = new Map<string, Promise<Response | null>>();
/** An older answer may no longer be true, in milliseconds. */
const KEPT_FOR = 10_000;

/** The response may turn out to be null: then the request is sent when it is needed. */
export function sendEarly(url: string, response: Promise<Response | null>): void {
  // The caller that takes it handles a failure.
  response.catch(() => {});
  sent.set(url, response);
  setTimeout(() => sent.delete(url), KEPT_FOR);
}

/** As `fetch`. */
export const earlyFetch: typeof fetch = async (input, init) => {
  const url = input instanceof Request ? input.url : String(input);
  const response = sent.get(url);
  sent.delete(url);
  return (await response) ?? fetch(input, init);
};

let first: { readonly userId: string; readonly tasks: readonly Task[] } | null = null;

/** Keeps the tasks of the first list, to be shown before there is a store that could hold them. */
export function keepFirst(userId: string, tasks: readonly Task[]): void {
  first = { userId, tasks };
}

/** The tasks of the first list, if they are here, once. */
export function takeFirst(userId: string): readonly Task[] {
  const tasks = first?.userId === userId ? first.tasks : [];
  first = null;
  return tasks;
}
