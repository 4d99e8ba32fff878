/** Why something failed, classified by what the user can do. */

export type FailureKind =
  /** No response, because the device or the service is offline. A write may still have taken effect. */
  | "unreachable"
  /** The API asks to retry later. */
  | "unavailable"
  /** The sign-in service does not respond. */
  | "issuer-unreachable"
  /** The session has ended: sign in again. */
  | "session-ended"
  /** The session now belongs to another user. */
  | "other-user"
  /** The task was changed since it was read. */
  | "conflict"
  /** The task no longer exists. */
  | "gone"
  /** The API rejects the request. */
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

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.kind === "unreachable" || this.kind === "unavailable" || this.kind === "issuer-unreachable";
  }

  /** One sentence for the user. */
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
