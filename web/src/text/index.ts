/** The page's texts in the user's language. English is built in; other languages are loaded when they are chosen. */
import { signal } from "@preact/signals";
import type { Language } from "../preferences";
import { en, type Markers, type Texts } from "./en";

export type { Markers, Texts } from "./en";

const texts = signal<Texts>(en);

/** The texts. A component that calls this renders again when the language changes. */
export const t = (): Texts => texts.value;

export async function speak(language: Language): Promise<void> {
  texts.value = language === "de" ? (await import("./de")).de : en;
  document.documentElement.lang = language;
}

/** What can be written in quick add: in English, and in the page's language. */
export const markers = (): readonly Markers[] => [...new Set([texts.value.markers, en.markers])];

/** The locale of dates and numbers: the browser's, if it is a variant of the page's language. */
export function locale(): string {
  const { language, fallback } = t().locale;
  const browser = globalThis.navigator?.language ?? "";
  return browser.startsWith(`${language}-`) ? browser : fallback;
}
