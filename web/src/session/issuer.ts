/** A client of Better Auth. The session is a cookie that scripts cannot read, so no token is stored here. */
import { Unreachable } from "daylist-client";

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

/** Better Auth rejected a request. The message is for the user. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** Every method can throw `Refusal` or `Unreachable`. */
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

  /** Ends all other sessions, too. */
  async changePassword(currentPassword: string, newPassword: string): Promise<void> {
    await this.#call("/change-password", { currentPassword, newPassword, revokeOtherSessions: true });
  }

  /** Sends a link to this page, if there is such an account. */
  async forgotPassword(email: string): Promise<void> {
    await this.#call("/request-password-reset", { email, redirectTo: location.origin + location.pathname });
  }

  /** `token` is that of the link. */
  async resetPassword(token: string, newPassword: string): Promise<void> {
    await this.#call("/reset-password", { token, newPassword });
  }

  /** Deletes the user with everything that the API stores of them. */
  async deleteAccount(password: string): Promise<void> {
    await this.#call("/delete-user", { password });
  }

  async signOut(): Promise<void> {
    await this.#call("/sign-out", {});
  }

  async currentUser(signal?: AbortSignal): Promise<User | null> {
    const session = await this.#call<{ user: User } | null>("/get-session", undefined, signal);
    return session?.user ?? null;
  }

  async #enter(path: string, body: object): Promise<User> {
    const { user, token } = await this.#call<{ user: User; token: string | null }>(path, body);
    // If addresses must be verified, a new account has no session yet.
    if (token === null) throw new Refusal(UNVERIFIED);
    return user;
  }

  async #call<T>(path: string, body?: object, signal?: AbortSignal): Promise<T> {
    const response = await fetch(this.#base + path, {
      credentials: "include",
      cache: "no-store",
      ...(signal && { signal }),
      ...(body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Unreachable("issuer", cause);
    });
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) return answer as T;
    throw refusal(response.status, answer);
  }
}

const UNVERIFIED = "Open the link in the email we sent you, then sign in.";

/** By the beginning of Better Auth's code. Its own messages are for developers. */
const REASONS: Readonly<Record<string, string>> = {
  INVALID_EMAIL_OR_PASSWORD: "No account matches this email and password.",
  EMAIL_NOT_VERIFIED: UNVERIFIED,
  USER_ALREADY_EXISTS: "An account with this email already exists. Sign in instead.",
  INVALID_EMAIL: "That doesn’t look like an email address.",
  PASSWORD_TOO_SHORT: `A password has at least ${PASSWORD_LENGTH.min} characters.`,
  PASSWORD_TOO_LONG: `A password has at most ${PASSWORD_LENGTH.max} characters.`,
};

function refusal(status: number, answer: unknown): Refusal | Unreachable {
  const { code = "" } = (answer ?? {}) as { code?: string };
  if (status === 429) return new Refusal("Too many attempts. Wait a little and try again.");
  if (status >= 500) return new Unreachable("issuer", `status ${status}`);
  const [, reason] = Object.entries(REASONS).find(([known]) => code.startsWith(known)) ?? [];
  return new Refusal(reason ?? "The sign-in service did not accept that.");
}
