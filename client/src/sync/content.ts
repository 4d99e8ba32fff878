/** What a user decides of a task, and how two versions of it are merged. */
import type { NewTask, Recurrence, Task } from "../contract.js";

/** The fields of a task that a user can set. */
export const FIELDS = [
  "title",
  "description",
  "completed",
  "priority",
  "due",
  "tags",
  "position",
  "recurrence",
] as const;

export type Field = (typeof FIELDS)[number];
/** A task that never recurred has no `recurrence`, which is the same as null. */
export type TaskContent = Pick<Task, Field>;
export type ContentChanges = Partial<TaskContent>;

/** A new task as a user of this package gives it: what is left out has the API's default. */
export type TaskDraft = NewTask & { readonly completed?: boolean };

/** The whole content of a new task. */
export function contentOf({
  title,
  description = null,
  completed = false,
  priority = "none",
  due = null,
  tags = [],
  position = null,
  recurrence,
  parent_id,
}: TaskDraft): TaskContent & Pick<Task, "parent_id"> {
  const content = {
    // It never changes, and is no field that is merged.
    ...(parent_id && { parent_id }),
    position,
    title,
    description,
    completed,
    priority,
    due,
    tags,
    ...(recurrence && { recurrence }),
  };
  return normalized(content) as TaskContent & Pick<Task, "parent_id">;
}

/** As the API will store it, so that what it stores does not look like somebody else's change. */
export function normalized(changes: ContentChanges): ContentChanges {
  const { title, due, tags, recurrence } = changes;
  return {
    ...changes,
    ...(title !== undefined && { title: title.trim() }),
    ...(due && { due: normalizedDue(due) }),
    ...(tags !== undefined && { tags: tags.map((tag) => tag.trim()) }),
    ...(recurrence && { recurrence: normalizedRecurrence(recurrence) }),
  };
}

function normalizedRecurrence({ rule, time_zone, from }: Recurrence): Recurrence {
  return { rule: rule.toUpperCase(), time_zone: time_zone ?? null, from: from ?? "due" };
}

function normalizedDue(due: string): string {
  const moment = due.length > "2026-11-30".length ? new Date(due) : null;
  return moment && Number.isFinite(moment.getTime()) ? moment.toISOString() : due;
}

/** These fields of a task. */
export function pick(task: TaskContent, fields: readonly Field[]): ContentChanges {
  return Object.fromEntries(fields.map((field) => [field, task[field] ?? null]));
}

export function fieldsOf(changes: ContentChanges): Field[] {
  return FIELDS.filter((field) => changes[field] !== undefined);
}

export function isSame(a: TaskContent[Field] | undefined, b: TaskContent[Field] | undefined): boolean {
  return JSON.stringify(comparable(a)) === JSON.stringify(comparable(b));
}

function comparable(value: TaskContent[Field] | undefined) {
  return value && typeof value === "object" && "rule" in value ? normalizedRecurrence(value) : (value ?? null);
}

/** The part of `changes` that `task` does not have yet. */
export function missingIn(task: TaskContent, changes: ContentChanges): ContentChanges {
  return pick(
    { ...task, ...changes },
    fieldsOf(changes).filter((field) => !isSame(changes[field], task[field])),
  );
}

/**
 * The fields that both sides have changed, and differently: `changes` were made on `base`, and the task is now `current`.
 * Without any, `changes` can be made on `current`, and nothing of either side is lost.
 */
export function conflicts(changes: ContentChanges, base: ContentChanges, current: ContentChanges): Field[] {
  const touched = fieldsOf(base).filter((field) => !isSame(current[field], base[field]));
  return touched.filter((field) => changes[field] === undefined || !isSame(changes[field], current[field]));
}
