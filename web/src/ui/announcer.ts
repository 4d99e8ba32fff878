/** Announcements for screen readers. */
import { signal } from "@preact/signals";

export const announcement = signal("");

export function announce(text: string): void {
  // Screen readers announce only a changed text, so a repeated one gets a space.
  announcement.value = announcement.value === text ? `${text}\u00a0` : text;
}
