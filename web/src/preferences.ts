/** What the user has chosen for this browser. A choice that equals its default is not stored. */
import { effect, type Signal, signal } from "@preact/signals";
import { showTheme } from "./theme";

/** A stored choice, the same in all tabs. Unknown stored values count as the default. */
function preference<T extends string>(name: string, isKnown: (text: string) => text is T, byDefault: T): Signal<T> {
  const read = () => {
    const stored = globalThis.localStorage?.getItem(name) ?? "";
    return isKnown(stored) ? stored : byDefault;
  };
  const choice = signal(read());
  globalThis.addEventListener?.("storage", ({ key }) => {
    if (key === name || key === null) choice.value = read();
  });
  let isFirst = true;
  effect(() => {
    const { value } = choice;
    if (isFirst) isFirst = false;
    else if (value === byDefault) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  });
  return choice;
}

function oneOf<T extends string>(choices: readonly T[]) {
  return (text: string): text is T => (choices as readonly string[]).includes(text);
}

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
export const theme = preference("theme", oneOf(THEMES), "system");

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];
const browserLanguage = globalThis.navigator?.language.startsWith("de") ? "de" : "en";
export const language = preference<Language>("language", oneOf(LANGUAGES), browserLanguage);

/** An IANA name, or an empty string for the time zone of the device. */
export const timeZone = preference("time-zone", isTimeZone, "");

/** `region`: as is usual where the user's language is spoken. */
export const WEEK_BEGINS = ["region", "monday", "sunday", "saturday"] as const;
export const weekBegins = preference("week-begins", oneOf(WEEK_BEGINS), "region");

export const SINGLE_KEYS = ["on", "off"] as const;
export const singleKeys = preference("single-key-shortcuts", oneOf(SINGLE_KEYS), "on");

/** Applies the theme to the document, now and after each change. */
export function followTheme(): void {
  effect(() => showTheme(theme.value));
}

function isTimeZone(text: string): text is string {
  try {
    return text === "" || new Intl.DateTimeFormat("en", { timeZone: text }) !== null;
  } catch {
    return false;
  }
}
