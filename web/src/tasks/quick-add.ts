/** Parses a line into a task: `Buy milk #shop !high @tomorrow @18:00`. Words without a marker are the title. */
import { addDays, fromLocal, weekday } from "./due";
import { LIMITS, type Priority, type TaskContent } from "./task";

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const PRIORITY_WORDS: Readonly<Record<string, Priority>> = {
  h: "high",
  high: "high",
  m: "medium",
  medium: "medium",
  l: "low",
  low: "low",
};

export function parseQuickAdd(line: string, today: string): TaskContent {
  const words: string[] = [];
  const tags: string[] = [];
  let priority: Priority = "none";
  let day = "";
  let time = "";
  for (const word of line.trim().split(/\s+/u)) {
    const rest = word.slice(1);
    const named = PRIORITY_WORDS[rest.toLowerCase()];
    const dayNamed = word.startsWith("@") ? dayCalled(rest.toLowerCase(), today) : null;
    if (word.startsWith("#") && isTag(rest)) {
      if (!tags.includes(rest) && tags.length < LIMITS.tags) tags.push(rest);
    } else if (word.startsWith("!") && named) {
      priority = named;
    } else if (dayNamed) {
      day = dayNamed;
    } else if (/^@([01]?\d|2[0-3]):[0-5]\d$/u.test(word)) {
      time = rest.padStart(5, "0");
    } else {
      words.push(word);
    }
  }
  if (time !== "" && day === "") day = today;
  return { title: words.join(" "), description: null, priority, due: fromLocal({ day, time }), tags };
}

// `#42` is a number, not a tag.
function isTag(text: string): boolean {
  return /^\p{L}[\p{L}\p{N}_-]*$/u.test(text) && [...text].length <= LIMITS.tag;
}

function dayCalled(name: string, today: string): string | null {
  if (name === "today") return today;
  if (name === "tomorrow") return addDays(today, 1);
  if (/^\d{4}-\d{2}-\d{2}$/u.test(name)) return addDays(name, 0) === name ? name : null;
  const wanted = name.length < 3 ? -1 : WEEKDAYS.findIndex((weekday) => weekday.startsWith(name));
  if (wanted < 0) return null;
  // "@friday" on a Friday means next Friday; "@today" means today.
  return addDays(today, ((wanted - weekday(today) + 6) % 7) + 1);
}
