/** Orders tasks for display, divides them into sections, and collects their tags. */
import { DUE_GROUPS, type DueGroup, dueOrder, groupOf } from "./due";
import type { TaskQuery } from "./query";
import type { Task } from "./task";

/** An element of a list. */
interface Showing {
  readonly task: Task;
}

/** Sorts open tasks by due date, those without one last. Other lists are sorted by creation, newest first. */
export function inOrder<T extends Showing>(rows: readonly T[], { status }: TaskQuery): T[] {
  if (status !== "open") return rows.toSorted((a, b) => compare(b.task.id, a.task.id));
  const keyed = rows.map((row) => ({ row, key: dueOrder(row.task.due), id: row.task.id }));
  keyed.sort((a, b) => compare(a.key, b.key) || compare(a.id, b.id));
  return keyed.map(({ row }) => row);
}

export interface Section<T> {
  readonly group: DueGroup;
  readonly rows: readonly T[];
}

/** Divides open tasks by due date. No section is empty. */
export function sectionsOf<T extends Showing>(rows: readonly T[], now: Date): Section<T>[] {
  const sections = DUE_GROUPS.map((group) => ({ group, rows: [] as T[] }));
  for (const row of rows) sections[DUE_GROUPS.indexOf(groupOf(row.task.due, now))]?.rows.push(row);
  return sections.filter(({ rows }) => rows.length > 0);
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
