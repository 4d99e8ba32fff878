/** A client of Better Auth. The session is a cookie that scripts cannot read, so no token is stored here. */
import { Failure } from "../tasks/failure";

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export const PASSWORD_LENGTH = { min: 8, max: 128 } as const;

export class Issuer {
  readonly #base: string;

  constructor(authUrl: string) {
    this.#base = `${authUrl}/api/auth`;
  }

  signUp(account: Credentials & { readonly name: string }): Promise<User> {
    return this.#enter("/sign-up/email", account);
  }

  signIn(credentials: Credentials): Promise<User> {
    return this.#enter("/sign-in/email", credentials);
  }

  async signOut(): Promise<void> {
    await this.#call("/sign-out", {});
  }

  async currentUser(): Promise<User | null> {
    const session = await this.#call<{ user: User } | null>("/get-session");
    return session?.user ?? null;
  }

  async #enter(path: string, body: object): Promise<User> {
    const { user, token } = await this.#call<{ user: User; token: string | null }>(path, body);
    // If addresses must be verified, a new account has no session yet.
    if (token === null) throw new Failure("invalid", UNVERIFIED);
    return user;
  }

  async #call<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(this.#base + path, {
      credentials: "include",
      cache: "no-store",
      ...(body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    }).catch(() => {
      throw new Failure("issuer-unreachable");
    });
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) return answer as T;
    throw refusal(response.status, answer);
  }
}

const UNVERIFIED = "Open the link in the e-mail we sent you. Then sign in.";

function refusal(status: number, answer: unknown): Failure {
  const { code = "", message = "" } = (answer ?? {}) as { code?: string; message?: string };
  if (status === 429) return new Failure("invalid", "Too many attempts. Wait a little and try again.");
  if (status >= 500) return new Failure("issuer-unreachable");
  if (code.startsWith("INVALID_EMAIL_OR_PASSWORD")) {
    return new Failure("invalid", "That e-mail and password don’t match an account.");
  }
  if (code === "EMAIL_NOT_VERIFIED") return new Failure("invalid", UNVERIFIED);
  if (code.startsWith("USER_ALREADY_EXISTS")) {
    return new Failure("invalid", "There is already an account with this e-mail. Sign in instead.");
  }
  if (code === "INVALID_EMAIL") return new Failure("invalid", "That doesn’t look like an e-mail address.");
  return new Failure("invalid", message);
}
