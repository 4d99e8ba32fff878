/** The rules that the form offers. Others are left as they are. */
import type { Task } from "./task";

export const REPEATS = {
  daily: "FREQ=DAILY",
  weekdays: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
  weekly: "FREQ=WEEKLY",
  monthly: "FREQ=MONTHLY",
  yearly: "FREQ=YEARLY",
} as const;
export type Repeat = keyof typeof REPEATS;

export const CHOICES = Object.keys(REPEATS) as readonly Repeat[];

/** `other` for a rule that the form does not offer. */
export function repeatOf({ recurrence }: Pick<Task, "recurrence">): Repeat | "never" | "other" {
  if (!recurrence) return "never";
  return CHOICES.find((choice) => REPEATS[choice] === recurrence.rule) ?? "other";
}
