/**
 * Search in titles, tags, and notes: by the beginnings of words, whatever their case and accents, and anywhere in scripts that
 * write no spaces between words.
 */
import type { Task } from "./task";

/** Tasks are replaced when they change, so a text never goes stale. */
const texts = new WeakMap<Task, string>();
let query = { text: "", beginnings: [] as string[] };

/** Whether every word of `text` begins a word of the task. Nothing is found without a word. */
export function findsIn(task: Task, text: string): boolean {
  if (query.text !== text) query = { text, beginnings: beginningsOf(text) };
  const { beginnings } = query;
  const words = textOf(task);
  for (const beginning of beginnings) if (!words.includes(beginning)) return false;
  return beginnings.length > 0;
}

/** Reads the texts of all tasks, some at a time, so that the first key of a search finds them ready. */
export async function prepare(tasks: Iterable<Task>): Promise<void> {
  let read = 0;
  for (const task of tasks) {
    textOf(task);
    read += 1;
    if (read % AT_A_TIME === 0) await new Promise((resolve) => setTimeout(resolve));
  }
}

const AT_A_TIME = 100;

function textOf(task: Task): string {
  const known = texts.get(task);
  if (known !== undefined) return known;
  const text = wordsOf(` ${task.title} ${task.tags.join(" ")} ${task.description ?? ""}`);
  texts.set(task, text);
  return text;
}

function beginningsOf(text: string): string[] {
  const words = wordsOf(text).split(" ").filter(Boolean);
  return words.map((word) => (UNSPACED.test(word) ? word : ` ${word}`));
}

const UNSPACED = /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

function wordsOf(text: string): string {
  const lower = text.toLowerCase();
  // Most texts have no accents, and this is several times as fast.
  if (/^[\x20-\x7e\n\t]*$/u.test(lower)) return lower.replace(/[^a-z0-9]+/g, " ");
  return (
    lower
      .normalize("NFD")
      .replace(/\p{Mn}+/gu, "")
      .replace(/[ßæœøłđðþı]/gu, (letter) => LETTERS[letter] ?? letter)
      .replace(/[^\p{L}\p{N}\p{Extended_Pictographic}]+/gu, " ")
      // People write a picture right after a word, or another one.
      .replace(/\p{Extended_Pictographic}/gu, " $& ")
  );
}

/** Letters that are no other letter with an accent, and how people type them. */
const LETTERS: Readonly<Record<string, string>> = Object.fromEntries(
  ["ß ss", "æ ae", "œ oe", "ø o", "ł l", "đ d", "ð d", "þ th", "ı i"].map((pair) => pair.split(" ")),
);
