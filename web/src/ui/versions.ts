/** The service worker keeps the page's files, so that it starts without a network. New versions start when the user wants. */
import { signal } from "@preact/signals";

/** Starts the version that is ready, if one is. */
export const startNewVersion = signal<(() => void) | null>(null);

/** How often a page that stays open looks for a new version, in milliseconds. */
const INTERVAL = 60 * 60_000;

/** Begins once the page is loaded, so that its first tasks need not wait. */
export function keepFiles(): void {
  if (!import.meta.env.PROD || !navigator.serviceWorker) return;
  if (document.readyState === "complete") void register();
  else addEventListener("load", () => void register());
}

async function register(): Promise<void> {
  const { registerSW } = await import("virtual:pwa-register");
  const start = registerSW({
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
