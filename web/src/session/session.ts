/** The current user, and how work resumes if the session ends in between. */
import { type Signal, signal } from "@preact/signals";
import type { Credentials, Issuer, User } from "./issuer";
import { forgetUser, rememberedUser, rememberUser } from "./remembered";

export type SessionState =
  | { readonly is: "unknown" }
  | { readonly is: "unreachable" }
  | { readonly is: "signed-out"; readonly why: Departure }
  | { readonly is: "signed-in"; readonly user: User };

/** Unless the session merely ended, the local copy must be deleted. */
export type Departure = "ended" | "left" | "deleted";

type Message = { readonly kind: "entered" } | { readonly kind: Exclude<Departure, "ended">; readonly userId: string };

export class Session {
  readonly state: Signal<SessionState> = signal({ is: "unknown" });
  /** The session has ended, and changes wait until the user signs in again. */
  readonly interrupted = signal(false);
  readonly issuer: Issuer;
  /** Whether the user has signed in or up during this visit. */
  isNew = false;
  /** The issuer has not yet said whether there is a session. */
  #isStarting = false;
  readonly #otherTabs = new BroadcastChannel("session");
  readonly #listeners = new Set<() => void>();

  constructor(issuer: Issuer) {
    this.issuer = issuer;
    this.#otherTabs.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.kind === "entered") void this.check();
      else if (this.#userId === data.userId) this.#leave(data.kind);
    };
  }

  async start(): Promise<void> {
    const remembered = rememberedUser();
    // The tasks of the last visit are on the device. If the session has ended since, the page leaves them.
    this.state.value = remembered ? { is: "signed-in", user: remembered } : { is: "unknown" };
    this.#isStarting = true;
    try {
      const user = await this.issuer.currentUser();
      if (user) this.#entered(user);
      else this.#leave("ended");
    } catch {
      // Sync will find out whether the session still exists.
      if (!remembered) this.state.value = { is: "unreachable" };
    } finally {
      this.#isStarting = false;
    }
  }

  async signUp(account: Credentials & { readonly name: string }): Promise<void> {
    this.#enter(await this.issuer.signUp(account));
  }

  async signIn(credentials: Credentials): Promise<void> {
    this.#enter(await this.issuer.signIn(credentials));
  }

  async signOut(): Promise<void> {
    await this.issuer.signOut();
    this.#leaveEverywhere("left");
  }

  async changePassword(current: string, next: string): Promise<void> {
    await this.#unlessOver(this.issuer.changePassword(current, next));
  }

  /** Deletes the user, and then leaves as `signOut` does. */
  async deleteAccount(password: string): Promise<void> {
    await this.#unlessOver(this.issuer.deleteAccount(password));
    this.#leaveEverywhere("deleted");
  }

  /** Gives up an ended session and the changes that wait for it. */
  leaveEnded(): void {
    this.#leaveEverywhere("left");
  }

  /** Asks the user to sign in again, because the issuer reports no session. */
  interrupt(): void {
    if (this.#userId !== null && !this.#isStarting) this.interrupted.value = true;
  }

  /** Checks the current user, because the session may have ended, or another tab, which shares the cookie, may have changed it. */
  async check(): Promise<void> {
    const user = await this.issuer.currentUser().catch(() => undefined);
    if (user === undefined) return;
    if (user === null) this.interrupt();
    else if (this.#userId !== user.id || this.interrupted.value) this.#entered(user);
  }

  /** Calls the listener when the same user has signed in again. Returns a function that removes it. */
  whenRenewed(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What was refused may have been refused because the session is over, which nobody may have noticed yet. */
  async #unlessOver(request: Promise<void>): Promise<void> {
    try {
      await request;
    } catch (error) {
      await this.check();
      throw error;
    }
  }

  get #userId(): string | null {
    const { value: state } = this.state;
    return state.is === "signed-in" ? state.user.id : null;
  }

  #enter(user: User): void {
    this.isNew = true;
    this.#entered(user);
    this.#tell({ kind: "entered" });
  }

  #entered(user: User): void {
    const { value: before } = this.state;
    const isSameUser = before.is === "signed-in" && before.user.id === user.id;
    const isRenewed = isSameUser && !this.#isStarting;
    rememberUser(user);
    if (!isSameUser || before.user.name !== user.name) this.state.value = { is: "signed-in", user };
    this.interrupted.value = false;
    if (isRenewed) for (const listener of this.#listeners) listener();
  }

  /** In all tabs. */
  #leaveEverywhere(why: Exclude<Departure, "ended">): void {
    const userId = this.#userId;
    this.#leave(why);
    if (userId !== null) this.#tell({ kind: why, userId });
  }

  #leave(why: Departure): void {
    forgetUser();
    this.interrupted.value = false;
    this.state.value = { is: "signed-out", why };
  }

  #tell(message: Message): void {
    this.#otherTabs.postMessage(message);
  }
}
