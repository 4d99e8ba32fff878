/** Orders tasks for display, divides them into sections, and counts them. */
import { t } from "../text";
import {
  addDays,
  DUE_GROUPS,
  dayOf,
  dayRange,
  describeDue,
  dueOrder,
  groupsAt,
  longDate,
  monthName,
  toLocal,
} from "./due";
import { isOpenList, isSameTag, type Sort, type TaskQuery } from "./query";
import { PRIORITIES, type Priority, type Task } from "./task";

/** An element of a list. */
interface Showing {
  readonly task: Task;
  /** It is shown below the one before, in the same section. */
  readonly under?: string;
  /** It no longer belongs to the list, and is not counted. */
  readonly isLeaving?: boolean;
}

export function inOrder(tasks: Iterable<Task>, order: Order): Task[] {
  const { descending, key } = ORDERS[order];
  const keyed = Array.from(tasks, (task) => ({ task, key: key(task) }));
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => sign * (compare(a.key, b.key) || compare(a.task.id, b.task.id)));
  return keyed.map(({ task }) => task);
}

export type Order = Sort | "completed" | "found";

/** Completed tasks are sorted by completion, and mixed lists by creation, unless the user wants another order. */
export function orderOf({ list, sort }: TaskQuery): Order {
  if (list === "completed") return "completed";
  if (list === "search") return "found";
  return list === "all" ? "created" : sort;
}

const ORDERS: Readonly<Record<Order, { readonly descending?: boolean; readonly key: (task: Task) => string }>> = {
  completed: { descending: true, key: doneAt },
  found: { key: ({ completed, due }) => (completed ? "~~" : dueOrder(due)) },
  due: { key: ({ due }) => dueOrder(due) },
  priority: { key: ({ priority, due }) => PRIORITIES.length - PRIORITIES.indexOf(priority) + dueOrder(due) },
  created: { descending: true, key: () => "" },
  // Positions are of letters and digits.
  manual: { key: ({ position }) => position ?? "~" },
  title: { key: ({ title }) => title.toLocaleLowerCase() },
};

export interface Section<T> {
  readonly key: string;
  /** Null for the only section of a list that is not divided. */
  readonly title: string | null;
  readonly rows: readonly T[];
  /** Of the tasks that the title is true of: not of subtasks below a parent that is due at another time. */
  readonly count: number;
}

/**
 * Divides sorted rows by due date, priority, or completion. No section is empty. `all` are the elements of the list without their
 * places: some are folded away, or below a parent in another section, and count all the same.
 */
export function sectionsOf<T extends Showing>(
  rows: readonly T[],
  query: TaskQuery,
  now: Date,
  all: readonly Showing[] = rows,
): Section<T>[] {
  const keyOf = sectionKey(query, now);
  const keys = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { task, isLeaving } of all) {
    const key = keyOf(task);
    keys.set(task.id, key);
    if (!isLeaving) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const sections = new Map<string, T[]>();
  let key = "";
  for (const row of rows) {
    if (row.under === undefined) key = keys.get(row.task.id) ?? keyOf(row.task);
    const section = sections.get(key);
    if (section) section.push(row);
    else sections.set(key, [row]);
  }
  const found = [...sections].map(([key, rows]) => ({
    key,
    title: titleOf(key, query, now),
    rows,
    count: counts.get(key) ?? 0,
  }));
  // Overdue times of today are sorted after the tasks of today that have none.
  return found.sort((a, b) => rank(a.key) - rank(b.key));
}

/** So many days have sections of their own. What is further away is divided by month. */
const DAYS_APART = 14;

function sectionKey(query: TaskQuery, now: Date): (task: Task) => string {
  if (query.list === "completed") {
    const recent = addDays(dayOf(now), -DAYS_APART);
    return (task) => {
      const day = dayOf(new Date(doneAt(task)));
      return day > recent ? day : day.slice(0, 7);
    };
  }
  if (!isOpenList(query) || !["due", "priority"].includes(query.sort)) return () => "";
  if (query.sort === "priority") return ({ priority }) => priorityKey(priority);
  if (query.list !== "upcoming") {
    const groupOf = groupsAt(now);
    return ({ due }) => groupOf(due);
  }
  const soon = addDays(dayOf(now), DAYS_APART);
  return ({ due }) => {
    const { day } = toLocal(due);
    return day < soon ? day : day.slice(0, 7);
  };
}

function priorityKey(priority: string): string {
  return `priority-${priority}`;
}

function titleOf(key: string, query: TaskQuery, now: Date): string | null {
  if (key === "") return null;
  const { groups, priorities, noPriority, ...words } = t();
  const group = DUE_GROUPS.find((group) => group === key);
  if (group) return groups[group];
  const priority = PRIORITIES.find((priority) => priorityKey(priority) === key);
  if (priority) return priority === "none" ? noPriority : priorities[priority];
  if (key.length === 7) return monthTitle(key, query.list === "completed", dayOf(now));
  const near = (["yesterday", "today", "tomorrow"] as const).find((_, index) => key === addDays(dayOf(now), index - 1));
  return near ? `${words[near]} · ${longDate(key)}` : longDate(key);
}

/** When it was completed. One that is reopened keeps its place until it leaves: completing it was what changed it last. */
function doneAt({ completed_at, updated_at }: Task): string {
  return completed_at ?? updated_at;
}

/** A month, or that part of it which has no days of its own. */
function monthTitle(month: string, isPast: boolean, today: string): string {
  const first = `${month}-01`;
  const last = addDays(`${addDays(first, 31).slice(0, 7)}-01`, -1);
  const edge = addDays(today, isPast ? -DAYS_APART : DAYS_APART);
  const [begin, end] = isPast ? [first, edge < last ? edge : last] : [edge > first ? edge : first, last];
  return begin === first && end === last ? monthName(first) : dayRange(begin, end);
}

/** The due date in words, without the day if the heading of the section says it. */
export function dueIn(section: string, due: string | null, now: Date): string {
  return due === null ? "" : describeDue(due, now, section === "today" ? dayOf(now) : section);
}

/** The day of completion in words, unless the heading of the section says it. */
export function completedIn(section: string, completed_at: string | null, now: Date): string {
  return completed_at === null ? "" : describeDue(dayOf(new Date(completed_at)), now, section);
}

/** “None” if the heading of the section says the priority. */
export function priorityIn(section: string, priority: Priority): Priority {
  return section === priorityKey(priority) ? "none" : priority;
}

/** The tags without the one that the whole list has. */
export function tagsIn({ tag: listed }: Pick<TaskQuery, "tag">, tags: readonly string[]): readonly string[] {
  return listed === null ? tags : tags.filter((tag) => !isSameTag(tag, listed));
}

function rank(key: string): number {
  return (DUE_GROUPS as readonly string[]).indexOf(key);
}

export interface TagCount {
  readonly tag: string;
  readonly count: number;
}

export interface Counts {
  readonly today: number;
  readonly overdue: number;
  readonly upcoming: number;
  readonly open: number;
  /** Of open tasks, in alphabetical order. Tags that differ only in case are one. */
  readonly tags: readonly TagCount[];
}

export function countsOf(tasks: Iterable<Task>, now: Date): Counts {
  const counts = { today: 0, overdue: 0, upcoming: 0, open: 0 };
  const tags = new Map<string, { tag: string; count: number }>();
  const [today, groupOf] = [dayOf(now), groupsAt(now)];
  for (const task of tasks) {
    if (task.completed) continue;
    counts.open += 1;
    if (task.due !== null) counts[toLocal(task.due).day <= today ? "today" : "upcoming"] += 1;
    if (groupOf(task.due) === "overdue") counts.overdue += 1;
    for (const tag of task.tags) {
      const found = tags.get(tag.toLowerCase());
      if (found) found.count += 1;
      else tags.set(tag.toLowerCase(), { tag, count: 1 });
    }
  }
  return { ...counts, tags: [...tags.values()].sort((a, b) => a.tag.localeCompare(b.tag)) };
}

/** All tags without duplicates, in alphabetical order. */
export function tagsOf(tasks: Iterable<Task>): string[] {
  const tags = new Set<string>();
  for (const task of tasks) for (const tag of task.tags) tags.add(tag);
  return [...tags].sort((a, b) => a.localeCompare(b));
}

// Ids and due dates sort by code unit, not by locale.
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
