/**
 * Parses a line into a task: `Buy milk #shop !high @tomorrow 6pm`. Words without a marker are the title. Only a repetition needs
 * none if it is the end of what is written: `Water the plants every 3 days #home`. Its date needs none either, before or after it:
 * `Pay rent every month tomorrow 9am`. Its last day follows: `until friday`.
 */
import { markers } from "../text";
import { addDays, dayOf, fromLocal, type LocalDue, nextSaturday, toLocal, weekday } from "./due";
import { firstDay, recurrenceOf } from "./recurrence";
import { type FoundRepetition, repetitionAt, weekdayCalled } from "./repetitions";
import { LIMITS, PRIORITIES, type Priority, type TaskContent } from "./task";

/** A date at the beginning of a text, and how many characters it takes. The day or the time may be missing. */
export interface FoundDate extends LocalDue {
  readonly length: number;
}

export type FindDate = (text: string, now: Date) => FoundDate | null;

/** Days for a line that names none. */
export interface Days {
  /** The day that was chosen beside the line. */
  readonly chosen?: string;
  /** The day that tasks of the list have, unless a time or a repetition says otherwise. */
  readonly usual?: string | null;
}

/** @param findDate understands more dates than those of one word */
export function parseQuickAdd(
  line: string,
  now: Date,
  findDate: FindDate = () => null,
  { chosen = "", usual = null }: Days = {},
): TaskContent {
  const words: string[] = [];
  const tags: string[] = [];
  let priority: Priority = "none";
  let { day, time } = toLocal(null);
  let repetition: FoundRepetition | null = null;
  const takeDate = (date: LocalDue | null) => {
    day = date?.day || day;
    time = date?.time || time;
  };
  const dateIn = (text: string) => dateAt(text, text.split(/\s+/u, 1)[0] ?? "", now, findDate);
  // A marker begins a part, which reaches to the next one.
  for (const part of line.trim().split(/\s+(?=[#!@])/u)) {
    const [word = ""] = part.split(/\s+/u, 1);
    const name = word.slice(1);
    const named = priorityCalled(name.toLowerCase());
    const repeated = part.startsWith("@") ? findRepetition(part.slice(1), true) : null;
    const date = part.startsWith("@") && !repeated ? dateIn(part.slice(1)) : null;
    let rest = part.slice(word.length);
    if (word.startsWith("#") && isTag(name)) addTag(tags, name);
    else if (word.startsWith("!") && named) priority = named;
    else if (repeated) {
      rest = part.slice(1 + repeated.length);
      const { until, date, length } = findTail(rest, dateIn);
      repetition = lasting(repeated, until);
      takeDate({ day: "", time: repeated.time });
      takeDate(date);
      rest = rest.slice(length);
    } else if (date) {
      takeDate(date);
      rest = part.slice(1 + date.length);
    } else rest = part;
    const ending = repeated ? null : findEnding(rest, dateIn);
    if (ending && (words.length > 0 || ending.index > 0)) {
      repetition = ending.found;
      takeDate({ day: "", time: ending.found.time });
      takeDate(ending.date);
      rest = rest.slice(0, ending.index);
    }
    words.push(...rest.split(/\s+/u).filter((word) => word !== ""));
  }
  day ||= chosen;
  const from = time === "" ? dayOf(now) : nextDayAt(time, now);
  const first = repetition ? firstDay(repetition.repetition, from) : from;
  if (day === "") day = first !== from || time !== "" ? first : (usual ?? (repetition ? from : ""));
  return {
    ...{ title: words.join(" "), description: null, priority, due: fromLocal({ day, time }), tags },
    ...(repetition && { recurrence: recurrenceOf(repetition.repetition, repetition.from) }),
  };
}

function findRepetition(text: string, isMarked: boolean): FoundRepetition | null {
  for (const words of markers()) {
    const found = repetitionAt(text, words, isMarked);
    if (found) return found;
  }
  return null;
}

/** The repetition that a text ends with, and the date right after or before it. */
function findEnding(text: string, dateIn: (text: string) => FoundDate | null) {
  for (const { 0: word, index } of text.matchAll(/(?<!\S)\p{L}+/gu)) {
    const isStart = markers().some(({ every }) => every.includes(word.toLowerCase()));
    const found = isStart ? findRepetition(text.slice(index), false) : null;
    if (!found) continue;
    const rest = text.slice(index + found.length).trimEnd();
    const { date, until, length } = findTail(rest, dateIn);
    if (length < rest.length) continue;
    const before = date ? null : dateBefore(text.slice(0, index), dateIn);
    return { index, date, ...before, found: lasting(found, until) };
  }
  return null;
}

/** What may follow a repetition: its date, and “until” with its last day. */
function findTail(text: string, dateIn: (text: string) => FoundDate | null) {
  const wordAt = (from: number) => from + (/^\s*/u.exec(text.slice(from))?.[0].length ?? 0);
  const start = wordAt(0);
  const date = dateIn(text.slice(start));
  const length = date ? start + date.length : 0;
  const untilAt = wordAt(length);
  const [word = ""] = /^\S+/u.exec(text.slice(untilAt)) ?? [];
  const lastAt = wordAt(untilAt + word.length);
  const isUntil = markers().some(({ until }) => until.includes(word.toLowerCase()));
  const last = isUntil ? dateIn(text.slice(lastAt)) : null;
  return last?.day ? { date, until: last.day, length: lastAt + last.length } : { date, until: null, length };
}

function lasting(found: FoundRepetition, until: string | null): FoundRepetition {
  return { ...found, repetition: { ...found.repetition, until } };
}

/** The date that a text ends with, after at least one other word, and where it begins. */
function dateBefore(text: string, dateIn: (text: string) => FoundDate | null) {
  const end = text.trimEnd().length;
  for (const { index } of text.matchAll(/(?<=\S\s+)\S+/gu)) {
    const date = dateIn(text.slice(index, end));
    if (date?.length === end - index) return { index, date };
  }
  return null;
}

function priorityCalled(name: string): Priority | undefined {
  return PRIORITIES.find((priority) =>
    markers().some(({ priorities }) => priority !== "none" && priorities[priority].includes(name)),
  );
}

/** So many tags are offered for the beginning of one. */
const TAGS_OFFERED = 6;

/** The known tags that the end of a line is the beginning of, and that the line does not have yet. */
export function tagsFor(line: string, known: readonly string[]): string[] {
  const [, typed] = TAG_AT_END.exec(line) ?? [];
  if (typed === undefined) return [];
  const words = line.toLowerCase().split(/\s+/u);
  const isMeant = (tag: string) => tag.toLowerCase().startsWith(typed.toLowerCase());
  return known
    .filter((tag) => isTag(tag) && isMeant(tag) && !words.includes(`#${tag.toLowerCase()}`))
    .slice(0, TAGS_OFFERED);
}

/** The line with one of {@link tagsFor} at its end, ready for the next word. */
export function withTag(line: string, tag: string): string {
  return `${line.replace(TAG_AT_END, "")}#${tag} `;
}

const TAG_AT_END = /(?<!\S)#(\S*)$/u;

/** The lines of a pasted list, without the marks of its items. `1.5 kg`, `-5 °C`, and `24. December` begin with none. */
export function linesOf(text: string): string[] {
  const isNumbered = /^\s*1[.)](?!\d)/mu.test(text);
  const mark = isNumbered ? /^\s*(?:[*•]|[-–](?!\d)|\d{1,3}[.)](?!\d))/u : /^\s*(?:[*•]|[-–](?!\d))/u;
  const lines = text.split(/[\r\n]+/u).map((line) => line.replace(mark, "").replace(/^\s*\[[ xX]?\]\s*/u, ""));
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

/** The tags with another one, unless it is there in any case, or there are too many. */
export function addTag(tags: string[], tag: string): void {
  const isThere = tags.some((other) => other.toLowerCase() === tag.toLowerCase());
  if (!isThere && tags.length < LIMITS.tags) tags.push(tag);
}

/** Single words mean the same with and without the library. */
function dateAt(text: string, word: string, now: Date, findDate: FindDate): FoundDate | null {
  const found = findDate(text, now);
  const date =
    found && found.length > word.length ? found : (findSimpleDate(word, now) ?? found ?? findThis(text, now));
  return date && withDayTime(date, text);
}

/** “this evening”, “dieses Wochenende”, “am Wochenende”: the library gives no date for them. */
function findThis(text: string, now: Date): FoundDate | null {
  const [{ length } = "", first = "", name = ""] = /^(\S+)\s+(\S+)/u.exec(text.toLowerCase()) ?? [];
  const today = dayOf(now);
  const isThis = markers().some((words) => words.this.includes(first));
  const time = isThis ? dayTimeCalled(name) : "";
  if (time !== "") return { day: today, time, length };
  const isWeekend = (isThis || markers().some(({ on }) => on.includes(first))) && isWeekendCalled(name);
  return isWeekend ? { day: nextSaturday(today), time: "", length } : null;
}

/** “friday evening”, “morgen früh”: the library takes some of these words for a part of the date, but gives no time for them. */
function withDayTime(date: FoundDate, text: string): FoundDate {
  if (date.time !== "") return date;
  const [last = ""] = /\S+$/u.exec(text.slice(0, date.length)) ?? [];
  const [more = "", next = ""] = /^\s+(\S+)/u.exec(text.slice(date.length)) ?? [];
  const time = dayTimeCalled(last, last.length < date.length);
  if (time !== "") return { ...date, time };
  const after = dayTimeCalled(next, true);
  return after === "" ? date : { ...date, time: after, length: date.length + more.length };
}

/** When “evening” is, for example. Nothing for other words. */
function dayTimeCalled(word: string, isAfterDay = false): string {
  const name = word.toLowerCase();
  const times = markers().map((words) => words.dayTimes[name] ?? (isAfterDay ? words.dayTimesAfter[name] : undefined));
  return times.find((time) => time !== undefined) ?? "";
}

// `#42` is a number, not a tag.
function isTag(text: string): boolean {
  return /^\p{L}[\p{L}\p{N}_-]*$/u.test(text) && [...text].length <= LIMITS.tag;
}

/** The dates of one word that are understood without a library. */
function findSimpleDate(word: string, now: Date): FoundDate | null {
  const { length } = word;
  const day = dayCalled(word.toLowerCase(), dayOf(now));
  if (day) return { day, time: "", length };
  // “Freitagabend” is one word.
  const name =
    markers()
      .flatMap(({ weekdays }) => weekdays)
      .find((name) => word.toLowerCase().startsWith(name)) ?? "";
  const time = dayTimeCalled(word.slice(name.length), name !== "");
  if (time !== "") return { day: dayCalled(name, dayOf(now)) ?? "", time, length };
  const [, nth = ""] = /^(\d{1,2})(?:st|nd|rd|th|\.)$/iu.exec(word) ?? [];
  if (nth !== "") return nextNth(Number(nth), dayOf(now), length);
  const [, hour = "", minute = "00", half] = /^(\d{1,2})(?::([0-5]\d))?(am|pm)?$/iu.exec(word) ?? [];
  if (hour === "" || (!half && !word.includes(":")) || Number(hour) > (half ? 12 : 23)) return null;
  const hours = half ? (Number(hour) % 12) + (half.toLowerCase() === "pm" ? 12 : 0) : Number(hour);
  return { day: "", time: `${String(hours).padStart(2, "0")}:${minute}`, length };
}

/** The next day with a number in its month. */
function nextNth(nth: number, today: string, length: number): FoundDate | null {
  // A 31st is at most two months away.
  const days = Array.from({ length: 62 }, (_, ahead) => addDays(today, ahead));
  const day = days.find((day) => Number(day.slice(-2)) === nth);
  return day === undefined ? null : { day, time: "", length };
}

/** Today, or tomorrow if the time has passed. */
function nextDayAt(time: string, now: Date): string {
  const today = dayOf(now);
  return time < toLocal(now.toISOString()).time ? addDays(today, 1) : today;
}

function dayCalled(name: string, today: string): string | null {
  if (name === "today") return today;
  if (name === "tomorrow") return addDays(today, 1);
  if (isWeekendCalled(name)) return nextSaturday(today);
  if (/^\d{4}-\d{2}-\d{2}$/u.test(name)) return addDays(name, 0) === name ? name : null;
  const wanted = weekdayCalled(name);
  if (wanted < 0) return null;
  // "@friday" on a Friday means next Friday; "@today" means today.
  return addDays(today, ((wanted - weekday(today) + 6) % 7) + 1);
}

function isWeekendCalled(name: string): boolean {
  return markers().some(({ weekends: [weekend] }) => name === weekend);
}
