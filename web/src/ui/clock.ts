import { signal } from "@preact/signals";

/** The minute that it is: at midnight tomorrow's tasks become today's. */
export const now = signal(new Date());

setInterval(() => {
  now.value = new Date();
}, 60_000);
