/** Sends requests with the user's token, and again where that is right. */
import { Problem, Unreachable } from "./errors.js";
import type { Fetch } from "./platform.js";
import type { Tokens } from "./tokens.js";

/** How often a request is sent. */
const ATTEMPTS = 3;
/** The longest wait between two attempts, in milliseconds. If the API asks for a longer wait, the user is told. */
const PATIENCE = 5_000;
/** The longest wait for an answer, in milliseconds: twice what API Gateway takes at the most, for slow networks. */
const TIMEOUT = 60_000;

export class Sender {
  readonly #tokens: Tokens;
  readonly #fetch: Fetch;

  constructor(tokens: Tokens, send: Fetch) {
    this.#tokens = tokens;
    this.#fetch = send;
  }

  /** Gives the answer, whatever its status, of the first attempt that reached the API. */
  readonly sendOnce = (request: Request): Promise<Response> => this.#withToken(request);

  /** The same without a token. */
  readonly sendBare = (request: Request): Promise<Response> => this.#once(request, null);

  /** As `sendOnce`, with further attempts when no good answer came: the request reads, erases, or carries a key that makes it safe. */
  readonly send = async (request: Request): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === ATTEMPTS;
      const response = await this.#withToken(request).catch((error: unknown) => {
        if (isLast || !(error instanceof Unreachable && error.service === "api")) throw error;
        return null;
      });
      const isTransient = response?.status === 503 || response?.status === 409;
      const pause = response ? (isTransient ? retryAfter(response) : null) : 250 * 2 ** attempt;
      if (response && (isLast || pause === null || pause > PATIENCE)) return response;
      await sleep(pause ?? 0, request.signal);
    }
  };

  async #withToken(request: Request): Promise<Response> {
    const token = await this.#tokens.current();
    const response = await this.#once(request, token);
    if (response.status !== 401) return response;
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => null);
    if (new Problem(401, body).code === "token_expired") {
      return this.#once(request, await this.#tokens.instead(token));
    }
    this.#tokens.drop(token);
    return response;
  }

  /** The whole answer: a body that breaks off is no answer. */
  async #once(request: Request, token: string | null): Promise<Response> {
    request.signal.throwIfAborted();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), TIMEOUT);
    const attempt = new Request(request.clone(), { signal: AbortSignal.any([request.signal, late.signal]) });
    if (token !== null) attempt.headers.set("authorization", `Bearer ${token}`);
    try {
      const response = await this.#fetch(attempt);
      const body = await response.arrayBuffer();
      const { status, statusText, headers } = response;
      return new Response(body.byteLength > 0 ? body : null, { status, statusText, headers });
    } catch (cause) {
      request.signal.throwIfAborted();
      throw new Unreachable("api", cause);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** How long the API wants to be left alone, in milliseconds; null if it does not say. */
export function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
