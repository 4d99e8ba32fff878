/** Requests that were sent before the page's code was here, so that it need not send them. Each answer is given once. */

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
