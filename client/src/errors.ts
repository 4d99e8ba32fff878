/** What can go wrong: the API said no, nobody answered, or the session is over. */
import type { components } from "./schema.js";

type Schemas = components["schemas"];

export type ProblemCode = Schemas["ProblemCode"];
export type FieldError = Schemas["FieldError"];
export type ParameterError = Schemas["ParameterError"];

/** The API refused a request. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  /** For programs; null if it was API Gateway that refused. */
  readonly code: ProblemCode | null;
  /** What exactly is wrong, where more than one thing can be. */
  readonly errors: readonly (FieldError | ParameterError)[];
  /** To be quoted when asking about it. */
  readonly requestId: string | null;
  /** How long the API asks to wait before another attempt, in milliseconds; null if it does not say. */
  readonly retryAfter: number | null;

  /** `body` is a problem (RFC 9457), what API Gateway says instead, or anything. */
  constructor(status: number, body: unknown, retryAfter: number | null = null) {
    const answer: Partial<Schemas["Problem"] & Schemas["GatewayMessage"]> =
      typeof body === "object" && body ? body : {};
    super(answer.detail ?? answer.message ?? `The API answered ${status}.`);
    this.status = status;
    this.code = answer.code ?? null;
    this.errors = answer.errors ?? [];
    this.requestId = answer.request_id ?? null;
    this.retryAfter = retryAfter;
  }
}

/** Nobody answered, or what answered is not what was asked. A write may have been done all the same. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  readonly service: "api" | "issuer";

  constructor(service: "api" | "issuer", cause?: unknown) {
    super(`No answer from the ${service === "api" ? "API" : "issuer"}.`, { cause });
    this.service = service;
  }
}

/** The issuer knows no session: the user has to sign in again. */
export class SessionOver extends Error {
  override readonly name = "SessionOver";

  constructor() {
    super("The session is over.");
  }
}

/**
 * The token of a pull is of no use: the client was away for longer than the API remembers deletions, all tasks were erased, or it
 * is another one's.
 */
export function isTokenOver(error: unknown): boolean {
  return error instanceof Problem && (error.status === 410 || error.code === "invalid_sync_token");
}

/** The token of a pull is from before all tasks were erased. */
export function isErased(error: unknown): boolean {
  return error instanceof Problem && error.code === "tasks_erased";
}

/** There is no session, the API takes no token of it, or it is somebody else's by now. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof SessionOver || (error instanceof Problem && (error.status === 401 || error.status === 403));
}

/** Nobody answered, or what stands before the API did: its own problems have a code. */
export function isDown(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Problem && error.code === null && error.status >= 500);
}
