/** Dates in words, in English and in the page's language. The library for them is loaded when somebody begins to type. */
import { signal } from "@preact/signals";
import type { ParsedComponents, ParsedResult, ParsingOption } from "chrono-node";
import { type Language, language } from "../preferences";
import { locale, markers } from "../text";
import { wait } from "../wait";
import { addDays, dayOf, nextWeek, toLocal, weekday } from "./due";
import type { FindDate, FoundDate } from "./quick-add";
import { weekdayCalled } from "./repetitions";

interface Parser {
  parse(text: string, reference: Date, option: ParsingOption): ParsedResult[];
}

/** Null until the library is there. */
export const findDate = signal<FindDate | null>(null);

let loading: { readonly language: Language; readonly done: Promise<void> } | null = null;

/** Loads the library once for each language. Without it, only simple dates are understood. */
export function loadDates(): Promise<void> {
  if (loading?.language !== language.value) {
    // That of another language would take German words for a title.
    findDate.value = null;
    const done = load(language.value).catch(() => {
      loading = null;
    });
    loading = { language: language.value, done };
  }
  return loading.done;
}

/** Waits for the library if the line may need it, but not for long. Null if there is nothing to wait for. */
export function datesFor(line: string): Promise<void> | null {
  const loaded = line.includes("@") ? loadDates() : null;
  return loaded && !findDate.value ? Promise.race([loaded, wait(PATIENCE)]) : null;
}

/** How long a new task waits for the library, in milliseconds. */
const PATIENCE = 1_500;

async function load(language: Language): Promise<void> {
  const [{ GB, casual }, own] = await Promise.all([
    import("chrono-node/en"),
    language === "de" ? import("chrono-node/de").then(({ casual }) => casual) : null,
  ]);
  const english = locale() === "en-US" ? casual : dayFirst(GB, casual);
  findDate.value = finder(own ? [own, english] : [english]);
}

/**
 * 5/12 is a day in May in the United States only. In words, the month may come first everywhere: for the British parser, Dec 24 would
 * be in 2024.
 */
export function dayFirst(british: Parser, american: Parser): Parser {
  return { parse: (text, ...others) => (/\d[/.-]\d/u.test(text) ? british : american).parse(text, ...others) };
}

/** Finds dates with the first of the parsers that knows them. */
export function finder(parsers: readonly Parser[]): FindDate {
  const find = (text: string, now: Date) => {
    // The library calculates in the time zone of the device, which need not be the user's.
    const clock = new Date(`${dayOf(now)}T${toLocal(now.toISOString()).time}`);
    const year = yearOf(text, dayOf(now));
    const full = (year === null ? text : text.replace(SHORT_DATE, `$&${year}`)).replace(GERMAN_TIME, "$1:$2");
    // “friday” is to come, but not “last friday”.
    const forwardDate = !markers().some(({ last }) => last.includes(firstWord(text)));
    for (const parser of parsers) {
      const [found] = parser.parse(full, clock, { forwardDate });
      const date = found?.index === 0 && !found.end ? dateOf(found, full) : null;
      if (date) return { ...date, length: date.length - (full.length - text.length) };
    }
    return null;
  };
  return (text, now) => {
    const date = find(text, now);
    if (date) return isNextWeek(text) ? inNextWeek(date, text, dayOf(now)) : date;
    // It does not know “kommenden Freitag”.
    const [next = ""] = /^\S+\s+/u.exec(text) ?? [];
    const after = isNext(next.trim()) ? find(text.slice(next.length), now) : null;
    return after && { ...after, length: next.length + after.length };
  };
}

/** To the library, next week is in seven days, and has no weekdays. */
function inNextWeek(date: FoundDate, text: string, today: string): FoundDate {
  const first = nextWeek(today);
  const [more = "", word = ""] = /^\s+(?:on\s+|am\s+)?([\p{L}]+)(?!\S)/iu.exec(text.slice(date.length)) ?? [];
  const wanted = weekdayCalled(word.toLowerCase());
  if (wanted < 0) return { ...date, day: first };
  return { ...date, day: addDays(first, (wanted - weekday(first) + 7) % 7), length: date.length + more.length };
}

function isNextWeek(text: string): boolean {
  const [first = "", second = ""] = text.toLowerCase().split(/\s+/u, 2);
  return isNext(first) && markers().some(({ units }) => /\p{L}+/u.exec(second)?.[0] === units.week[0]);
}

function firstWord(text: string): string {
  return /^\S*/u.exec(text)?.[0].toLowerCase() ?? "";
}

function isNext(word: string): boolean {
  return markers().some(({ next }) => next.includes(word.toLowerCase()));
}

/** A date as it is usual in German, which the library only knows with its year. */
const SHORT_DATE = /^(\d{1,2})\.(\d{1,2})\.(?!\S)/u;

/** The library only knows it with a colon. */
const GERMAN_TIME = /(?<!\S)(\d{1,2})\.([0-5]\d)(?=\s+uhr(?!\S))/giu;

/** The year in which a short date comes next, or null if the text begins with none. */
function yearOf(text: string, today: string): number | null {
  const [, day = "", month = ""] = SHORT_DATE.exec(text) ?? [];
  if (day === "") return null;
  const isOver = `${month.padStart(2, "0")}-${day.padStart(2, "0")}` < today.slice(5);
  return Number(today.slice(0, 4)) + (isOver ? 1 : 0);
}

function dateOf({ start, text: found }: ParsedResult, text: string): FoundDate | null {
  // Not the beginning of a longer word: `@mark`, `@2027-02-30`.
  if (/^[^\s,.;:!?)]/u.test(text.slice(found.length))) return null;
  const day = isDay(start) ? [part(start, "year", 4), part(start, "month"), part(start, "day")].join("-") : "";
  const time = start.isCertain("hour") ? `${part(start, "hour")}:${part(start, "minute")}` : "";
  return day === "" && time === "" ? null : { day, time, length: found.length };
}

function isDay(start: ParsedComponents): boolean {
  return (["day", "weekday", "month"] as const).some((name) => start.isCertain(name));
}

function part(start: ParsedComponents, name: "year" | "month" | "day" | "hour" | "minute", length = 2): string {
  return String(start.get(name) ?? 0).padStart(length, "0");
}
