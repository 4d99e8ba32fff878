/** When to pull, in a browser: when somebody looks, when the network is back, and every minute while somebody looks. */

/** Asks for a pull, unless the last one is younger than this, in milliseconds. */
export type AskForPull = (atLeastAge: number) => void;

/** Begins to ask for pulls; gives what ends it. */
export type Triggers = (pull: AskForPull) => () => void;

const INTERVAL = 60_000;
/** A page that gets the focus becomes visible as well. */
const ONCE = 2_000;

/** Outside of a browser, nothing asks: call `hint` or `refresh` then. */
export const browserTriggers: Triggers = (pull) => {
  if (typeof document === "undefined") return () => {};
  const isVisible = () => document.visibilityState === "visible";
  const onLook = () => isVisible() && pull(ONCE);
  const onOnline = () => pull(0);
  // A little less than the interval: of several visible tabs, one asks.
  const timer = setInterval(() => isVisible() && pull(INTERVAL - ONCE), INTERVAL);
  const listening = new AbortController();
  const { signal } = listening;
  addEventListener("focus", onLook, { signal });
  addEventListener("online", onOnline, { signal });
  document.addEventListener("visibilitychange", onLook, { signal });
  return () => {
    clearInterval(timer);
    listening.abort();
  };
};
