/** A client of Better Auth. The session is a cookie that scripts cannot read, so no token is stored here. */

import { Unreachable } from "daylist-client";
import { earlyFetch } from "../early";
import { t } from "../text";

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

  async currentUser(): Promise<User | null> {
    const session = await this.#call<{ user: User } | null>("/get-session");
    return session?.user ?? null;
  }

  async #enter(path: string, body: object): Promise<User> {
    const { user, token } = await this.#call<{ user: User; token: string | null }>(path, body);
    // If addresses must be verified, a new account has no session yet.
    if (token === null) throw new Refusal(t().refusals.EMAIL_NOT_VERIFIED);
    return user;
  }

  async #call<T>(path: string, body?: object): Promise<T> {
    const response = await earlyFetch(this.#base + path, {
      credentials: "include",
      cache: "no-store",
      ...(body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Unreachable("issuer", cause);
    });
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) return answer as T;
    throw refusal(response.status, answer);
  }
}

/** Better Auth's own messages are for developers. Texts are found by the beginning of its code. */
function refusal(status: number, answer: unknown): Refusal | Unreachable {
  const { code = "" } = (answer ?? {}) as { code?: string };
  if (status === 429) return new Refusal(t().refusals.TOO_MANY);
  if (status >= 500) return new Unreachable("issuer", `status ${status}`);
  const [, reason] = Object.entries(t().refusals).find(([known]) => code.startsWith(known)) ?? [];
  return new Refusal(reason ?? t().refusals.OTHER);
}
