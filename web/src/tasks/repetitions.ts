/** Repetitions in words, as in quick add: “every monday”, “every 2 weeks on tue and fri”, “jeden 15.” */
import { type Markers, markers } from "../text";
import { PLAIN, type Repetition, UNITS, type Unit, WORKDAYS } from "./recurrence";

/** A repetition at the beginning of a text, and how many characters it takes. */
export interface FoundRepetition {
  readonly repetition: Repetition;
  readonly from: "due" | "completion";
  /** That of “every evening”, for example, or nothing. */
  readonly time: string;
  readonly length: number;
}

/** @param isMarked whether single words such as “daily” count */
export function repetitionAt(text: string, words: Markers, isMarked: boolean): FoundRepetition | null {
  const reader = new Reader(text, words);
  const single = isMarked ? reader.take(words.singles) : null;
  if (single) return reader.found({ unit: single });
  if (!reader.takeEvery()) return null;
  const nth = reader.takeNthWeekday();
  if (nth) return reader.found({ unit: "month", ...nth });
  const ordinal = reader.takeNumber();
  const every = ordinal?.number ?? 1;
  const time = ordinal ? "" : reader.takeDayTime();
  if (time !== "") return reader.found({ unit: "day" }, time);
  const unit = reader.take(words.units);
  if (unit === "week" || unit === "month") {
    const end = reader.at;
    reader.skip(words.on);
    const weekdays = unit === "week" ? reader.takeWeekdays() : [];
    const nth = unit === "month" ? reader.takeNthWeekday() : null;
    const monthDay = unit === "month" && !nth ? reader.takeMonthDay() : null;
    if (weekdays.length === 0 && !nth && monthDay === null) reader.at = end;
    return reader.found({ unit, every, weekdays, monthDay, ...nth });
  }
  if (unit) return reader.found({ unit, every });
  const weekdays = reader.takeWeekdays();
  if (weekdays.length > 0) return reader.found({ unit: "week", every, weekdays });
  if (!ordinal && reader.skip(words.first)) return reader.found({ unit: "month", monthDay: 1 });
  return ordinal?.isOrdinal && every <= 31 ? reader.found({ unit: "month", monthDay: every }) : null;
}

/** Reads a text word by word. */
class Reader {
  /** How many words have been read. */
  at = 0;
  readonly #read: readonly RegExpExecArray[];
  readonly #words: Markers;
  #from: "due" | "completion" = "due";

  constructor(text: string, words: Markers) {
    this.#read = [...text.matchAll(/[^\s,]+/gu)];
    this.#words = words;
  }

  get #next(): string {
    return this.#read[this.at]?.[0].toLowerCase() ?? "";
  }

  /** With an exclamation mark, the repetition is counted from completion. */
  takeEvery(): boolean {
    const word = this.#next;
    if (this.at !== 0 || !this.#words.every.includes(word.replace(/!$/u, ""))) return false;
    if (word.endsWith("!")) this.#from = "completion";
    this.at += 1;
    return true;
  }

  /** The unit that is called like this. */
  take(names: Readonly<Record<Unit, readonly string[]>>): Unit | null {
    const unit = UNITS.find((unit) => names[unit].includes(this.#next)) ?? null;
    if (unit) this.at += 1;
    return unit;
  }

  takeDayTime(): string {
    const time = this.#words.dayTimes[this.#next] ?? this.#words.dayTimesAfter[this.#next] ?? "";
    if (time !== "") this.at += 1;
    return time;
  }

  takeNumber(): { readonly number: number; readonly isOrdinal: boolean } | null {
    const [, digits, ordinal = ""] = /^([1-9]\d{0,2})(\.|st|nd|rd|th)?$/u.exec(this.#next) ?? [];
    const number = digits ? Number(digits) : this.#words.numbers[this.#next];
    if (!number) return null;
    this.at += 1;
    return { number, isOrdinal: ordinal !== "" };
  }

  /** “15th”, or “last day”, which is -1. */
  takeMonthDay(): number | null {
    const { at } = this;
    if (this.#words.last.includes(this.#next)) {
      this.at += 1;
      if (this.take(this.#words.units) === "day") return -1;
    } else {
      const number = this.takeNumber()?.number ?? 0;
      if (number > 0 && number <= 31) return number;
    }
    this.at = at;
    return null;
  }

  /** “first monday”, “3rd friday”, “second monday of the month”: every second monday alone is in two weeks. */
  takeNthWeekday(): Pick<Repetition, "weekdays" | "monthWeek"> | null {
    const { at } = this;
    const isLast = this.skip(this.#words.last);
    const isFirst = !isLast && this.skip(this.#words.first);
    const ordinal = isFirst || isLast ? null : this.takeNumber();
    const monthWeek = isLast ? -1 : (ordinal?.number ?? 1);
    const weekdays = this.#weekdaysOf(this.#next);
    if (weekdays.length === 1) this.at += 1;
    const isOfMonth = this.#takePhrase(this.#words.ofMonth);
    const isMonthly = isLast || isFirst || (ordinal !== null && (ordinal.isOrdinal || isOfMonth));
    if (weekdays.length === 1 && isMonthly && monthWeek <= 4) return { weekdays, monthWeek };
    this.at = at;
    return null;
  }

  /** Several words. */
  #takePhrase(phrases: readonly string[]): boolean {
    const rest = this.#read.slice(this.at).map(([word]) => word.toLowerCase());
    const found = phrases
      .map((phrase) => phrase.split(" "))
      .find((words) => words.every((word, i) => word === rest[i]));
    this.at += found?.length ?? 0;
    return found !== undefined;
  }

  /** Whether there were some. */
  skip(words: readonly string[]): boolean {
    const { at } = this;
    while (words.includes(this.#next)) this.at += 1;
    return this.at > at;
  }

  takeWeekdays(): number[] {
    const days = new Set<number>();
    for (let end = this.at; ; end = this.at) {
      if (days.size > 0) this.skip(this.#words.and);
      const more = this.#weekdaysOf(this.#next);
      if (more.length === 0) {
        this.at = end;
        // Weeks begin on Monday here, so that a list reads as people write it.
        return [...days].sort((a, b) => ((a + 6) % 7) - ((b + 6) % 7));
      }
      for (const day of more) days.add(day);
      this.at += 1;
    }
  }

  found(repetition: Partial<Repetition> & Pick<Repetition, "unit">, time = ""): FoundRepetition {
    const last = this.#read[this.at - 1];
    return {
      repetition: { ...PLAIN, ...repetition },
      from: this.#from,
      time,
      length: last ? last.index + last[0].length : 0,
    };
  }

  #weekdaysOf(word: string): readonly number[] {
    const { weekdays, workdays, weekends, shortest } = this.#words;
    if (workdays.includes(word)) return WORKDAYS;
    if (weekends.includes(word)) return [6, 0];
    const day = weekdayIn(weekdays, word.replace(/(?<=..)s$/u, ""), shortest);
    return day < 0 ? [] : [day];
  }
}

/** The weekday with this name, in lower case, or with these three letters, 0 for Sunday; -1 for other words. */
export function weekdayCalled(name: string): number {
  return markers().reduce((day, { weekdays }) => (day < 0 ? weekdayIn(weekdays, name, 3) : day), -1);
}

function weekdayIn(weekdays: readonly string[], name: string, shortest: number): number {
  return name.length < shortest ? -1 : weekdays.findIndex((weekday) => weekday.startsWith(name));
}
