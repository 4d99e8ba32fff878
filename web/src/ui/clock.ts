import { signal } from "@preact/signals";

/** The current time, updated every minute: at midnight, tomorrow's tasks become today's. */
export const now = signal(new Date());

setInterval(() => {
  now.value = new Date();
}, 60_000);
