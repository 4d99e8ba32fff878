import { effect } from "@preact/signals";

/** Resolves with what `find` gives, once it gives something: it is asked whenever a signal that it reads has changed. */
export function arrival<T>(find: () => T | null | undefined, ends?: AbortSignal): Promise<T> {
  return new Promise((resolve) => {
    const end = effect(() => {
      const found = find();
      if (found === null || found === undefined) return;
      resolve(found);
      // At the first time, there is nothing to end yet.
      queueMicrotask(() => end());
    });
    ends?.addEventListener("abort", end);
  });
}
