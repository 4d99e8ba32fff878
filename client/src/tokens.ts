/** The token of the signed-in user: kept in memory only, fetched again shortly before it expires. */
import { SessionOver, Unreachable } from "./errors.js";
import type { Fetch } from "./platform.js";

/** Fetches a token. Fails with `SessionOver` if the user has to sign in again. */
export type TokenSource = () => Promise<string>;

interface Kept {
  readonly token: string;
  /** By the clock of this device. */
  readonly freshUntil: number;
}

/** A token is renewed so long before it expires, in milliseconds. */
const MARGIN = 30_000;
/** The longest wait for the issuer, in milliseconds. */
const TIMEOUT = 30_000;

export class Tokens {
  readonly #source: TokenSource;
  /** Is told when there is no session. */
  readonly #onSessionOver: () => void;
  #kept: Kept | null = null;
  /** The one request under way, which all callers share. */
  #pending: Promise<Kept> | null = null;

  constructor(source: TokenSource, onSessionOver: () => void) {
    this.#source = source;
    this.#onSessionOver = onSessionOver;
  }

  /** A token that is still valid for a while. */
  async current(): Promise<string> {
    const kept = this.#kept;
    return kept && Date.now() < kept.freshUntil ? kept.token : (await this.#fetched()).token;
  }

  /** Another token than `refused`, which the API no longer takes. */
  async instead(refused: string): Promise<string> {
    this.drop(refused);
    return this.current();
  }

  /** Forgets a token, but not one that has replaced it already. */
  drop(refused: string): void {
    if (this.#kept?.token === refused) this.#kept = null;
  }

  /** Forgets the user, and what is being fetched for them. */
  forget(): void {
    this.#kept = null;
    this.#pending = null;
  }

  async #fetched(): Promise<Kept> {
    if (this.#pending) return this.#pending;
    const pending = this.#fetch();
    this.#pending = pending;
    try {
      const kept = await pending;
      if (this.#pending === pending) this.#kept = kept;
      return kept;
    } finally {
      if (this.#pending === pending) this.#pending = null;
    }
  }

  async #fetch(): Promise<Kept> {
    const asked = Date.now();
    let token: string;
    try {
      token = await this.#source();
    } catch (cause) {
      if (cause instanceof SessionOver) this.#onSessionOver();
      if (cause instanceof SessionOver || cause instanceof Unreachable) throw cause;
      throw new Unreachable("issuer", cause);
    }
    const lifetime = lifetimeOf(token);
    return { token, freshUntil: asked + lifetime - Math.min(MARGIN, lifetime / 2) };
  }
}

/** Tokens of Better Auth at this URL, for the session that the browser has a cookie of. */
export function cookieSession(authUrl: string, fetch: Fetch): TokenSource {
  return async () => {
    let response: Response;
    let answer: unknown;
    try {
      const signal = AbortSignal.timeout(TIMEOUT);
      response = await fetch(`${authUrl}/api/auth/token`, { credentials: "include", cache: "no-store", signal });
      answer = response.ok ? await response.json() : null;
    } catch (cause) {
      throw new Unreachable("issuer", cause);
    }
    if (response.status === 401) throw new SessionOver();
    const { token } = (answer ?? {}) as { token?: unknown };
    if (typeof token !== "string") throw new Unreachable("issuer", `status ${response.status}`);
    return token;
  };
}

/** How long a new token lives, in milliseconds; 0 if it does not say. Two times of the issuer: no clock here matters. */
function lifetimeOf(token: string): number {
  try {
    const payload = token.split(".")[1] ?? "";
    const { iat, exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const lifetime = (exp - iat) * 1000;
    return Number.isFinite(lifetime) ? Math.max(0, lifetime) : 0;
  } catch {
    return 0;
  }
}
