/** Why something did not work, sorted by what a person can do about it. */

export type FailureKind =
  /** No answer came: the device is offline, or the service is. A write may have been done all the same. */
  | "unreachable"
  /** The API asks to come back later. */
  | "unavailable"
  /** The service that signs people in does not answer. */
  | "issuer-unreachable"
  /** The session has ended: sign in again. */
  | "session-ended"
  /** The session is another user's by now. */
  | "other-user"
  /** The task was changed since it was read. */
  | "conflict"
  /** The task is not there any more. */
  | "gone"
  /** The API does not take what was sent. */
  | "invalid"
  | "unexpected";

export class Failure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, detail = "") {
    super(detail);
    this.name = "Failure";
    this.kind = kind;
  }

  static of(error: unknown): Failure {
    return error instanceof Failure ? error : new Failure("unexpected", error instanceof Error ? error.message : "");
  }

  /** Whether the same request may work later. */
  get passing(): boolean {
    return this.kind === "unreachable" || this.kind === "unavailable" || this.kind === "issuer-unreachable";
  }

  /** One sentence for the person. */
  get reason(): string {
    const isOffline = (this.kind === "unreachable" || this.kind === "issuer-unreachable") && !navigator.onLine;
    if (isOffline) return "You are offline.";
    return this.kind === "invalid" && this.message !== "" ? this.message : REASONS[this.kind];
  }
}

const REASONS: Readonly<Record<FailureKind, string>> = {
  unreachable: "The server can’t be reached.",
  unavailable: "The server is busy right now.",
  "issuer-unreachable": "The sign-in service can’t be reached.",
  "session-ended": "You are signed out.",
  "other-user": "Another account is signed in now.",
  conflict: "It was changed somewhere else.",
  gone: "It was deleted somewhere else.",
  invalid: "The server did not accept it.",
  unexpected: "Something went wrong.",
};
