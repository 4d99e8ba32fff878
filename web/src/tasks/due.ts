/** Due dates in local time; the API stores UTC. */

export type DueGroup = "overdue" | "today" | "week" | "later" | "none";

export const DUE_GROUPS: readonly DueGroup[] = ["overdue", "today", "week", "later", "none"];

export const GROUP_NAMES: Readonly<Record<DueGroup, string>> = {
  overdue: "Overdue",
  today: "Today",
  week: "Next 7 days",
  later: "Later",
  none: "No date",
};

/** The parts of a due date in a form, in local time. */
export interface LocalDue {
  readonly day: string;
  readonly time: string;
}

/** A calendar day in local time, as `2026-11-30`. */
export function dayOf(date: Date): string {
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function addDays(day: string, days: number): string {
  const date = midnight(day);
  date.setDate(date.getDate() + days);
  return dayOf(date);
}

/** The day of the week, 0 for Sunday. */
export function weekday(day: string): number {
  return midnight(day).getDay();
}

export function toLocal(due: string | null): LocalDue {
  if (due === null) return { day: "", time: "" };
  if (!hasTime(due)) return { day: due, time: "" };
  const date = new Date(due);
  return { day: dayOf(date), time: `${two(date.getHours())}:${two(date.getMinutes())}` };
}

export function fromLocal({ day, time }: LocalDue): string | null {
  if (day === "") return null;
  if (time === "") return day;
  const date = new Date(`${day}T${time}`);
  return Number.isNaN(date.getTime()) ? day : date.toISOString();
}

export function groupOf(due: string | null, now: Date): DueGroup {
  if (due === null) return "none";
  const today = dayOf(now);
  const { day } = toLocal(due);
  if (isOverdue(due, now)) return "overdue";
  if (day === today) return "today";
  return day < addDays(today, 7) ? "week" : "later";
}

export function isOverdue(due: string, now: Date): boolean {
  return hasTime(due) ? new Date(due).getTime() < now.getTime() : due < dayOf(now);
}

/** Sorts by local day, on a day the tasks without a time first, and those without a due date last. */
export function dueOrder(due: string | null): string {
  const { day, time } = toLocal(due);
  return due === null ? "~" : `${day}T${time}`;
}

/** "Today", "Tomorrow, 14:30", "Friday", "30 Nov", "4 Jan 2028". */
export function describeDue(due: string, now: Date): string {
  const { day, time } = toLocal(due);
  const name = describeDay(day, dayOf(now));
  return time === "" ? name : `${name}, ${clockTime(time)}`;
}

/** As the browser's own time fields show it: "14:30" or "2:30 PM". */
function clockTime(time: string): string {
  const options = { hour: "numeric", minute: "2-digit", timeZone: "UTC" } as const;
  const language = globalThis.navigator?.language ?? "en-GB";
  return new Intl.DateTimeFormat(language, options).format(new Date(`2000-01-01T${time}Z`));
}

export function longDate(date: Date): string {
  return format({ weekday: "long", day: "numeric", month: "long" }, date);
}

function describeDay(day: string, today: string): string {
  if (day === today) return "Today";
  if (day === addDays(today, 1)) return "Tomorrow";
  if (day === addDays(today, -1)) return "Yesterday";
  const date = midnight(day);
  if (day > today && day < addDays(today, 7)) return format({ weekday: "long" }, date);
  const sameYear = day.slice(0, 4) === today.slice(0, 4);
  return format({ day: "numeric", month: "short", ...(!sameYear && { year: "numeric" }) }, date);
}

// Not in the browser's language, because the page is in English.
function format(options: Intl.DateTimeFormatOptions, date: Date): string {
  const language = globalThis.navigator?.language ?? "";
  return new Intl.DateTimeFormat(language.startsWith("en-") ? language : "en-GB", options).format(date);
}

function hasTime(due: string): boolean {
  return due.length > 10;
}

function midnight(day: string): Date {
  return new Date(`${day}T00:00`);
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
