/** Waits until so much time has passed, for ever if it is infinite, or until the signal comes. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = milliseconds < Infinity ? setTimeout(end, milliseconds) : undefined;
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
