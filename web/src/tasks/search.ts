/** Search in titles, tags, and notes: by the beginnings of words, whatever their case and accents. */
import type { Task } from "./task";

/** Tasks are replaced when they change, so a text never goes stale. */
const texts = new WeakMap<Task, string>();
let query = { text: "", words: [] as string[] };

/** Whether every word of `text` begins a word of the task. Nothing is found without a word. */
export function findsIn(task: Task, text: string): boolean {
  if (query.text !== text) query = { text, words: wordsOf(text).split(" ").filter(Boolean) };
  const { words } = query;
  return words.length > 0 && words.every((word) => textOf(task).includes(` ${word}`));
}

function textOf(task: Task): string {
  const known = texts.get(task);
  if (known !== undefined) return known;
  const text = ` ${wordsOf(`${task.title} ${task.tags.join(" ")} ${task.description ?? ""}`)}`;
  texts.set(task, text);
  return text;
}

function wordsOf(text: string): string {
  const lower = text.toLowerCase();
  // Most texts have no accents, and this is several times as fast.
  if (/^[\x20-\x7e\n\t]*$/u.test(lower)) return lower.replace(/[^a-z0-9]+/g, " ");
  return lower
    .normalize("NFD")
    .replace(/\p{Mn}+/gu, "")
    .replaceAll("ß", "ss")
    .replace(/[^\p{L}\p{N}]+/gu, " ");
}
