/** How sync goes. */
export interface Status {
  readonly phase: /** Nothing to do. */
    | "idle"
    /** Requests are under way. */
    | "busy"
    /** The API or the issuer could not be reached, or asks to wait: it is tried again by itself. */
    | "offline"
    /** There is no session, or it is another user's. Nothing is sent until `resume`. */
    | "signed-out";
  /** What it was that did not answer, or asked to wait. It stays until something works again. */
  readonly trouble: "api" | "issuer" | "busy" | null;
  /** When the last whole pull ended, in milliseconds since 1970; null before the first one. */
  readonly pulledAt: number | null;
}

export const NEW_STATUS: Status = { phase: "idle", trouble: null, pulledAt: null };
