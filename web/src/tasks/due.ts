/** Due dates in the user's time zone; the API stores UTC. */
import { timeZone, weekBegins } from "../preferences";
import { locale, t } from "../text";

export type DueGroup = "overdue" | "today" | "week" | "later" | "none";

export const DUE_GROUPS: readonly DueGroup[] = ["overdue", "today", "week", "later", "none"];

const A_SUNDAY = "2023-01-01";

/** The parts of a due date in a form, in local time. */
export interface LocalDue {
  readonly day: string;
  readonly time: string;
}

/** A calendar day in local time, as `2026-11-30`. */
export function dayOf(date: Date): string {
  return wallClock(date).day;
}

export function addDays(day: string, days: number): string {
  const date = midnight(day);
  date.setUTCDate(date.getUTCDate() + days);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, -14);
}

/** The day of the week, 0 for Sunday. */
export function weekday(day: string): number {
  return midnight(day).getUTCDay();
}

/** The first day of the week, 0 for Sunday: as the user has chosen, or as is usual in their region. */
export function weekStart(chosen = weekBegins.value): number {
  if (chosen !== "region") return { monday: 1, sunday: 0, saturday: 6 }[chosen];
  // Not every browser knows, and some have it as a property.
  const region = new Intl.Locale(locale()) as { getWeekInfo?(): WeekInfo; weekInfo?: WeekInfo };
  return ((region.getWeekInfo?.() ?? region.weekInfo)?.firstDay ?? 1) % 7;
}

interface WeekInfo {
  /** 7 for Sunday. */
  readonly firstDay: number;
}

/** The first day of the week that a day is in. */
export function startOfWeek(day: string): string {
  return addDays(day, -((weekday(day) - weekStart() + 7) % 7));
}

/** The first day of the week after the one that a day is in. */
export function nextWeek(day: string): string {
  return addDays(startOfWeek(day), 7);
}

/** The Saturday that is coming: on a Saturday, the next one. */
export function nextSaturday(day: string): string {
  return addDays(day, 7 - ((weekday(day) + 1) % 7));
}

/** The days that tasks are often put off to, in order, with the names of their texts. */
export function daysAhead(today: string) {
  const isWeekend = [0, 6].includes(weekday(today));
  const weekend = [isWeekend ? "nextWeekend" : "thisWeekend", nextSaturday(today)] as const;
  const week = ["nextWeek", nextWeek(today)] as const;
  const later = isWeekend ? [week, weekend] : [weekend, week];
  return [["today", today] as const, ["tomorrow", addDays(today, 1)] as const, ...later];
}

export function toLocal(due: string | null): LocalDue {
  if (due === null) return { day: "", time: "" };
  return hasTime(due) ? wallClock(new Date(due)) : { day: due, time: "" };
}

export function fromLocal({ day, time }: LocalDue): string | null {
  if (day === "") return null;
  if (time === "") return day;
  const wanted = Date.parse(`${day}T${time}Z`);
  if (Number.isNaN(wanted)) return day;
  // The offset depends on the moment that it leads to. The second look is for the hours around a change of the clocks.
  let moment = wanted;
  for (let look = 0; look < 2; look++) {
    const shown = wallClock(new Date(moment));
    moment += wanted - Date.parse(`${shown.day}T${shown.time}Z`);
  }
  return new Date(moment).toISOString();
}

export function groupOf(due: string | null, now: Date): DueGroup {
  return groupsAt(now)(due);
}

/** The same for many tasks. */
export function groupsAt(now: Date): (due: string | null) => DueGroup {
  const [today, moment] = [dayOf(now), now.getTime()];
  const later = addDays(today, 7);
  return (due) => {
    if (due === null) return "none";
    if (hasTime(due) ? Date.parse(due) < moment : due < today) return "overdue";
    const { day } = toLocal(due);
    if (day === today) return "today";
    return day < later ? "week" : "later";
  };
}

export function isOverdue(due: string, now: Date): boolean {
  return hasTime(due) ? Date.parse(due) < now.getTime() : due < dayOf(now);
}

/** Sorts by local day, on a day the tasks without a time first, and those without a due date last. */
export function dueOrder(due: string | null): string {
  const { day, time } = toLocal(due);
  return due === null ? "~" : `${day}T${time}`;
}

/** "Today", "Tomorrow, 14:30", "Friday", "30 Nov", "4 Jan 2028". A day that is said already is left out: "14:30", or nothing. */
export function describeDue(due: string, now: Date, said = ""): string {
  const { day, time } = toLocal(due);
  const parts = [day === said ? "" : describeDay(day, dayOf(now)), time === "" ? "" : clockTime(time)];
  return parts.filter((part) => part !== "").join(", ");
}

/** As the browser's own time fields show it: "14:30" or "2:30 PM". */
function clockTime(time: string): string {
  const language = globalThis.navigator?.language ?? "en-GB";
  return formatOf(language, { hour: "numeric", minute: "2-digit" }).format(new Date(`2000-01-01T${time}Z`));
}

/** "Saturday, 28 November" */
export function longDate(day: string): string {
  return format({ weekday: "long", day: "numeric", month: "long" }, day);
}

/** "January 2027" */
export function monthName(day: string): string {
  return format({ month: "long", year: "numeric" }, day);
}

/** "13–31 December 2026" */
export function dayRange(first: string, last: string): string {
  const format = formatOf(locale(), { day: "numeric", month: "long", year: "numeric" });
  return format.formatRange(midnight(first), midnight(last));
}

/** "Sat" */
export function shortWeekday(day: string): string {
  return format({ weekday: "short" }, day);
}

/** "28 Nov", or with the year "28 Nov 2026" */
export function shortDate(day: string, hasYear = false): string {
  return format({ day: "numeric", month: "short", ...(hasYear && { year: "numeric" }) }, day);
}

/** The name of a day of the week, 0 for Sunday. */
export function weekdayName(weekday: number, length: "long" | "short" | "narrow"): string {
  return format({ weekday: length }, addDays(A_SUNDAY, weekday));
}

function describeDay(day: string, today: string): string {
  if (day === today) return t().today;
  if (day === addDays(today, 1)) return t().tomorrow;
  if (day === addDays(today, -1)) return t().yesterday;
  if (day > today && day < addDays(today, 7)) return format({ weekday: "long" }, day);
  const sameYear = day.slice(0, 4) === today.slice(0, 4);
  return format({ day: "numeric", month: "short", ...(!sameYear && { year: "numeric" }) }, day);
}

const formats = new Map<string, Intl.DateTimeFormat>();

// In the page's language, which need not be the browser's.
function format(options: Intl.DateTimeFormatOptions, day: string): string {
  return formatOf(locale(), options).format(midnight(day));
}

function formatOf(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  const found = formats.get(key) ?? new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" });
  formats.set(key, found);
  return found;
}

let chosen = { zone: "", format: new Intl.DateTimeFormat() };

/** What a clock shows in the chosen time zone, or in that of the device. */
function wallClock(date: Date): LocalDue {
  const { value: zone } = timeZone;
  if (zone === "") {
    const day = `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    return { day, time: `${two(date.getHours())}:${two(date.getMinutes())}` };
  }
  if (chosen.zone !== zone) {
    // Sweden writes dates as ISO 8601 does.
    const options = { timeZone: zone, dateStyle: "short", timeStyle: "short" } as const;
    chosen = { zone, format: new Intl.DateTimeFormat("sv-SE", options) };
  }
  const [day = "", time = ""] = chosen.format.format(date).split(" ");
  return { day, time };
}

export function hasTime(due: string): boolean {
  return due.length > 10;
}

function midnight(day: string): Date {
  return new Date(`${day}T00:00Z`);
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
