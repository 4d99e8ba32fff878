/** The page's view of a task. */
import type { Task } from "daylist-client";

export type { Task } from "daylist-client";

export type Priority = Task["priority"];
export const PRIORITIES: readonly Priority[] = ["none", "low", "medium", "high"];

export const LIMITS = { title: 200, description: 10_000, tag: 50, tags: 20 } as const;

/** The fields of the edit form. */
export type TaskContent = Pick<Task, "title" | "description" | "priority" | "due" | "tags" | "recurrence">;

/** The fields of `content` that differ from `base`. */
export function difference(base: TaskContent, content: TaskContent): Partial<TaskContent> {
  return {
    ...(content.title !== base.title && { title: content.title }),
    ...(content.description !== base.description && { description: content.description }),
    ...(content.priority !== base.priority && { priority: content.priority }),
    ...(content.due !== base.due && { due: content.due }),
    ...(ruleOf(content) !== ruleOf(base) && { recurrence: content.recurrence ?? null }),
    ...(content.tags.join("\n") !== base.tags.join("\n") && { tags: content.tags }),
  };
}

function ruleOf({ recurrence }: TaskContent): string {
  return recurrence ? `${recurrence.rule} ${recurrence.from}` : "";
}

/** A task that is stored without asking: what is too long for a title begins the notes. */
export function withinLimits<T extends TaskContent>(task: T): T {
  const characters = [...task.title];
  if (characters.length <= LIMITS.title) return task.title === "" ? { ...task, title: "…" } : task;
  const notes = [task.title, task.description].filter(Boolean).join("\n\n");
  const title = `${characters.slice(0, LIMITS.title - 1).join("")}…`;
  return { ...task, title, description: notes.slice(0, LIMITS.description) };
}

/** The title, shortened for notes. */
export function shortTitle({ title }: Pick<Task, "title">): string {
  const characters = [...title];
  return characters.length > 40 ? `${characters.slice(0, 39).join("")}…` : title;
}
