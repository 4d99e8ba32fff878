/**
 * Types of the platform, taken from whichever library the application has: the DOM's, Node's, or another. They need none of
 * them by name, so that the declarations of this package compile without the DOM.
 */

/** The type of `fetch`. */
export type Fetch = typeof globalThis extends { fetch: infer F } ? F : (input: never, init?: never) => Promise<never>;

/** The type of the signals of an `AbortController`. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } }
  ? S
  : { readonly aborted: boolean; readonly reason: unknown };
