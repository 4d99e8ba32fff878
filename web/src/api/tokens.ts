/** The token of the signed-in user: kept in memory only, fetched again shortly before it expires. */
import { SessionOver, Unreachable } from "./errors";

export interface TokensOptions {
  /** Where Better Auth is, without `/api/auth`. */
  readonly authUrl: string;
  readonly fetch: typeof fetch;
  /** Is told when the issuer knows no session. */
  readonly onSessionOver: () => void;
}

interface Kept {
  readonly token: string;
  /** By the clock of this device. */
  readonly freshUntil: number;
}

/** A token is renewed so long before it expires, in milliseconds. */
const MARGIN = 30_000;

export class Tokens {
  readonly #options: TokensOptions;
  #kept: Kept | null = null;
  /** The one request under way, which all callers share. */
  #pending: Promise<Kept> | null = null;

  constructor(options: TokensOptions) {
    this.#options = options;
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
    const { authUrl, fetch, onSessionOver } = this.#options;
    const asked = Date.now();
    let response: Response;
    let answer: unknown;
    try {
      response = await fetch(`${authUrl}/api/auth/token`, { credentials: "include", cache: "no-store" });
      answer = response.ok ? await response.json() : null;
    } catch (cause) {
      throw new Unreachable("issuer", cause);
    }
    if (response.status === 401) {
      onSessionOver();
      throw new SessionOver();
    }
    const { token } = (answer ?? {}) as { token?: unknown };
    if (typeof token !== "string") throw new Unreachable("issuer", `status ${response.status}`);
    const lifetime = lifetimeOf(token);
    return { token, freshUntil: asked + lifetime - Math.min(MARGIN, lifetime / 2) };
  }
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
