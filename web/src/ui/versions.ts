/** The service worker keeps the page's files, so that it starts without a network. New versions start when the user wants. */
import { signal } from "@preact/signals";

/** Starts the version that is ready, if one is. */
export const startNewVersion = signal<(() => void) | null>(null);

/** How often a page that stays open looks for a new version, in milliseconds. */
const INTERVAL = 60 * 60_000;

/** Keeping the files waits so long after the page was loaded, in milliseconds: the tasks need the network first. */
const LATER = 2_000;

export function keepFiles(): void {
  if (!import.meta.env.PROD || !navigator.serviceWorker) return;
  const begin = () => setTimeout(() => void register(), LATER);
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin);
}

async function register(): Promise<void> {
  const loaded = await import("virtual:pwa-register").catch(() => null);
  // The connection was lost meanwhile.
  if (loaded === null) return addEventListener("online", () => void register(), { once: true });
  const start = loaded.registerSW({
    onNeedRefresh() {
      startNewVersion.value = () => void start(true);
    },
    onRegisteredSW(_, registration) {
      const look = () => navigator.onLine && void registration?.update().catch(() => {});
      setInterval(look, INTERVAL);
    },
    // Private windows have no service workers.
    onRegisterError() {},
  });
}
