/** Which tasks a list shows, and in which order. */
import { addDays, dayOf, toLocal } from "./due";
import { findsIn } from "./search";
import type { Priority, Task } from "./task";

/** `open` is “All” to users, and `all` is the same with completed tasks. */
export const LISTS = ["today", "upcoming", "open", "completed", "all", "search"] as const;
export type List = (typeof LISTS)[number];

export const SORTS = ["due", "priority", "created", "title", "manual"] as const;
export type Sort = (typeof SORTS)[number];

export const LAYOUTS = ["list", "week"] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface TaskQuery {
  readonly list: List;
  readonly priority: Priority | null;
  readonly tag: string | null;
  /** What to search for. The other lists have none. */
  readonly text: string;
  readonly sort: Sort;
  readonly layout: Layout;
}

/** All open tasks. */
export const OPEN: TaskQuery = { list: "open", priority: null, tag: null, text: "", sort: "due", layout: "list" };

/** Returns the function that says whether a task is in the list. */
export function matching({ list, priority, tag, text, layout }: TaskQuery, now: Date): (task: Task) => boolean {
  const today = dayOf(now);
  return (task) => {
    if (priority !== null && task.priority !== priority) return false;
    if (tag !== null && !task.tags.some((other) => isSameTag(other, tag))) return false;
    if (list === "search") return findsIn(task, text);
    if (list === "all") return true;
    if (task.completed !== (list === "completed")) return false;
    // A week has days before today, too.
    if (layout === "week") return task.due !== null;
    if (list !== "today" && list !== "upcoming") return true;
    return task.due !== null && toLocal(task.due).day <= today === (list === "today");
  };
}

/** Whether all tasks of the list are to be done. */
export function isOpenList({ list }: TaskQuery): boolean {
  return list === "today" || list === "upcoming" || list === "open";
}

export function isSameTag(a: string, b: string): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}

/** The due date that new tasks of a list need to be in it, or null. */
export function dueFor({ list }: TaskQuery, now: Date): string | null {
  if (list === "today") return dayOf(now);
  return list === "upcoming" ? addDays(dayOf(now), 1) : null;
}
