/** How tasks recur: the rules that the form shows, in its terms and in words. Other rules are left as they are. */
import { timeZone } from "../preferences";
import { locale, t } from "../text";
import { addDays, dayOf, fromLocal, shortDate, toLocal, weekday, weekdayName } from "./due";
import type { Task } from "./task";

export const UNITS = ["day", "week", "month", "year"] as const;
export type Unit = (typeof UNITS)[number];
export type Recurrence = NonNullable<Task["recurrence"]>;

/** A rule in the terms of the form. */
export interface Repetition {
  /** From 1 to 999. */
  readonly every: number;
  readonly unit: Unit;
  /** Of each week, 0 for Sunday. Without any, it is that of the due date. Of each month, there is only one. */
  readonly weekdays: readonly number[];
  /** Which of these weekdays in each month: from 1 to 4, or -1 for the last one. Null without one. */
  readonly monthWeek: number | null;
  /** Of each month, -1 for the last one. Null means that of the due date. */
  readonly monthDay: number | null;
  /** The last day. */
  readonly until: string | null;
  /** How many tasks there are in all. */
  readonly count: number | null;
}

export const LIMIT_OF_EVERY = 999;
export const LIMIT_OF_COUNT = 9999;

const FREQUENCIES: Readonly<Record<Unit, string>> = { day: "DAILY", week: "WEEKLY", month: "MONTHLY", year: "YEARLY" };
const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
export const WORKDAYS: readonly number[] = [1, 2, 3, 4, 5];

export const PLAIN = { every: 1, weekdays: [], monthWeek: null, monthDay: null, until: null, count: null };
/** What can be chosen without the form. */
export const CHOICES: readonly Repetition[] = [
  { ...PLAIN, unit: "day" },
  { ...PLAIN, unit: "week", weekdays: WORKDAYS },
  { ...PLAIN, unit: "week" },
  { ...PLAIN, unit: "month" },
  { ...PLAIN, unit: "year" },
];

/** A rule that begins to recur by this clock. */
export function recurrenceOf(repetition: Repetition, from: Recurrence["from"] = "due"): Recurrence {
  const time_zone = timeZone.value || Intl.DateTimeFormat().resolvedOptions().timeZone;
  return { rule: ruleOf(repetition), time_zone, from };
}

export function ruleOf({ every, unit, weekdays, monthWeek, monthDay, until, count }: Repetition): string {
  const parts = [`FREQ=${FREQUENCIES[unit]}`];
  if (every > 1) parts.push(`INTERVAL=${every}`);
  if (unit === "week" && weekdays.length > 0) parts.push(`BYDAY=${weekdays.map((day) => WEEKDAYS[day]).join()}`);
  if (unit === "month" && monthWeek !== null) parts.push(`BYDAY=${monthWeek}${WEEKDAYS[weekdays[0] ?? 0]}`);
  else if (unit === "month" && monthDay !== null) parts.push(`BYMONTHDAY=${monthDay}`);
  if (until !== null) parts.push(`UNTIL=${until.replaceAll("-", "")}`);
  else if (count !== null) parts.push(`COUNT=${count}`);
  return parts.join(";");
}

/** Null for a rule that the form does not have. */
export function repetitionOf(rule: string): Repetition | null {
  const parts = new Map(rule.split(";").map((part) => part.split("=") as [string, string]));
  const take = (name: string) => {
    const value = parts.get(name) ?? null;
    parts.delete(name);
    return value;
  };
  const frequency = take("FREQ");
  const unit = UNITS.find((unit) => FREQUENCIES[unit] === frequency);
  const days = unit === "week" || unit === "month" ? take("BYDAY") : null;
  const [, week, weekday] = (unit === "month" && /^([1-4]|-1)(\w\w)$/u.exec(days ?? "")) || [];
  const weekdays = (weekday ?? days)?.split(",").map((day) => WEEKDAYS.indexOf(day)) ?? [];
  const monthDay = unit === "month" ? take("BYMONTHDAY") : null;
  const every = Number(take("INTERVAL") ?? 1);
  const count = take("COUNT");
  const until = take("UNTIL")?.replace(/^(\d{4})(\d\d)(\d\d).*$/u, "$1-$2-$3") ?? null;
  const isMonthDay = monthDay === null || (weekdays.length === 0 && /^(?:-1|\d+)$/u.test(monthDay));
  const isKnown =
    parts.size === 0 && !weekdays.includes(-1) && isMonthDay && (unit === "week" || days === null || week);
  if (!unit || !isKnown) return null;
  const monthWeek = asNumber(week ?? null);
  return { every, unit, weekdays, monthWeek, monthDay: asNumber(monthDay), until, count: asNumber(count) };
}

/** "Every 2 weeks on Monday, until 3 Jan 2027". */
export function describeRecurrence({ rule, from }: Pick<Recurrence, "rule" | "from">): string {
  const words = t();
  const repetition = repetitionOf(rule);
  if (!repetition) return words.repeats.other;
  const { until, count } = repetition;
  const often = describeRepetition(repetition);
  const counted = from === "completion" ? words.repeats.afterCompletion(often) : often;
  if (until !== null) return words.repeats.until(counted, shortDate(until, true));
  return count === null ? counted : words.repeats.times(counted, count);
}

export function describeRepetition({ every, unit, weekdays, monthWeek, monthDay }: Repetition): string {
  const { repeats } = t();
  const often = repeats.every[unit](every);
  if (unit === "month" && monthWeek !== null) {
    return repeats.onWeekday(often, monthWeek, weekdayName(weekdays[0] ?? 0, "long"));
  }
  if (unit === "month" && monthDay !== null) {
    return monthDay < 0 ? repeats.onLastDay(often) : repeats.onDay(often, monthDay);
  }
  if (unit !== "week" || weekdays.length === 0) return often;
  if (every === 1 && weekdays.join() === WORKDAYS.join()) return repeats.everyWorkday;
  const names = weekdays.map((day) => weekdayName(day, weekdays.length > 2 ? "short" : "long"));
  const list = new Intl.ListFormat(locale()).format(names);
  return every === 1 ? repeats.everyWeekday(list) : repeats.onWeekdays(often, list);
}

/** The first day of the rule, from a given day on. */
export function firstDay({ unit, weekdays, monthWeek, monthDay }: Repetition, from: string): string {
  const isIt = (day: string) => {
    if (weekdays.length > 0 && !weekdays.includes(weekday(day))) return false;
    if (unit === "month" && monthWeek !== null) return weeksOf(day).includes(monthWeek);
    if (unit !== "month" || monthDay === null) return true;
    return monthDay < 0 ? addDays(day, 1).endsWith("-01") : Number(day.slice(-2)) === monthDay;
  };
  // A 31st is at most two months away.
  for (let ahead = 0; ahead < 63; ahead++) if (isIt(addDays(from, ahead))) return addDays(from, ahead);
  return from;
}

/** Which of its weekdays a day is in its month: from 1 to 4, and -1 if it is the last one. */
export function weeksOf(day: string): number[] {
  const week = Math.ceil(Number(day.slice(-2)) / 7);
  const isLast = addDays(day, 7).slice(0, 7) !== day.slice(0, 7);
  return [...(week < 5 ? [week] : []), ...(isLast ? [-1] : [])];
}

/** The due date of a task that recurs: its own if it is a day of the rule, else the next one that is. */
export function dueWith(repetition: Repetition, due: string | null, now: Date): string {
  const { day, time } = due === null ? { day: dayOf(now), time: "" } : toLocal(due);
  return fromLocal({ day: firstDay(repetition, day), time }) ?? day;
}

function asNumber(text: string | null): number | null {
  return text === null ? null : Number(text);
}
