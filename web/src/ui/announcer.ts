/** What a screen reader is told beside what it reads by itself. */
import { signal } from "@preact/signals";

export const announcement = signal("");

export function announce(text: string): void {
  // The same words twice in a row are news too, but only a change is read out.
  announcement.value = announcement.value === text ? `${text}\u00a0` : text;
}
