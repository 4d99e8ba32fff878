/** The current user, and how work resumes if the session ends in between. */
import { type Signal, signal } from "@preact/signals";
import { Failure } from "../tasks/failure";
import type { Credentials, Issuer, User } from "./issuer";

export type SessionState =
  | { readonly is: "unknown" }
  | { readonly is: "unreachable" }
  | { readonly is: "signed-out" }
  | { readonly is: "signed-in"; readonly user: User };

export class Session {
  readonly state: Signal<SessionState> = signal({ is: "unknown" });
  /** The session has ended, and work waits until the user signs in again. */
  readonly interrupted = signal(false);
  readonly #issuer: Issuer;
  readonly #otherTabs = new BroadcastChannel("session");
  #waiting: { resume: () => void; giveUp: (failure: Failure) => void }[] = [];

  constructor(issuer: Issuer) {
    this.#issuer = issuer;
    this.#otherTabs.onmessage = () => void this.#changedElsewhere();
  }

  async start(): Promise<void> {
    this.state.value = { is: "unknown" };
    try {
      const user = await this.#issuer.currentUser();
      this.state.value = user ? { is: "signed-in", user } : { is: "signed-out" };
    } catch {
      this.state.value = { is: "unreachable" };
    }
  }

  async signUp(account: Credentials & { readonly name: string }): Promise<void> {
    this.#enter(await this.#issuer.signUp(account));
  }

  async signIn(credentials: Credentials): Promise<void> {
    this.#enter(await this.#issuer.signIn(credentials));
  }

  async signOut(): Promise<void> {
    await this.#issuer.signOut();
    this.#leave();
    this.#otherTabs.postMessage("changed");
  }

  /** Gives up the ended session and the work that waits for it. */
  leaveEnded(): void {
    this.#leave();
  }

  /** Does the work. If the session has ended, retries as soon as the same user has signed in again. */
  async keeping<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const { kind } = Failure.of(error);
        if (kind === "other-user") await this.#changedElsewhere();
        if (kind !== "session-ended") throw error;
        await this.#signedInAgain();
      }
    }
  }

  #signedInAgain(): Promise<void> {
    this.interrupted.value = true;
    return new Promise((resume, giveUp) => {
      this.#waiting.push({ resume, giveUp });
    });
  }

  #enter(user: User): void {
    this.#entered(user);
    this.#otherTabs.postMessage("changed");
  }

  #leave(): void {
    this.#giveUp();
    this.interrupted.value = false;
    this.state.value = { is: "signed-out" };
  }

  #giveUp(): void {
    for (const { giveUp } of this.#waiting.splice(0)) giveUp(new Failure("session-ended"));
  }

  /** Checks the current user, because another tab, which shares the cookie, may have changed it. */
  async #changedElsewhere(): Promise<void> {
    const user = await this.#issuer.currentUser().catch(() => undefined);
    if (user === undefined) return;
    const { value } = this.state;
    if (user === null) this.#leave();
    else if (value.is !== "signed-in" || value.user.id !== user.id || this.interrupted.value) this.#entered(user);
  }

  #entered(user: User): void {
    const { value } = this.state;
    const sameUser = value.is === "signed-in" && value.user.id === user.id;
    // Work of one account never continues as another.
    if (!sameUser) this.#giveUp();
    this.state.value = { is: "signed-in", user };
    this.interrupted.value = false;
    for (const { resume } of this.#waiting.splice(0)) resume();
  }
}
