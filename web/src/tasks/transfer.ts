/** Export to a file, and import from one. */
import { newTaskId, type TaskApi } from "daylist-client";
import type { LocalChange } from "daylist-client/sync";
import { hasTime } from "./due";
import { LIMITS, PRIORITIES, type Task, type TaskContent } from "./task";

type WrittenTask = TaskContent & Pick<Task, "completed" | "parent_id">;

/** So many tasks are stored at a time. */
const CHUNK = 500;
/** The longest file, in bytes. */
const LONGEST = 50_000_000;

/** Everything that the API stores of the user, as a file of JSON. */
export async function exportFile(api: TaskApi): Promise<Blob> {
  const tasks = [];
  const deleted = [];
  for await (const page of api.exportTasks()) {
    tasks.push(...page.tasks);
    deleted.push(...page.deleted);
  }
  const text = JSON.stringify({ exported_at: new Date().toISOString(), tasks, deleted }, null, 2);
  return new Blob([text], { type: "application/json" });
}

export function download(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export type Import = Extract<LocalChange, { readonly op: "create" | "update" }>;

export interface Imported {
  /** Creations, and then what can be completed only when its subtasks are there. */
  readonly changes: readonly Import[];
  /** How many tasks are new. */
  readonly added: number;
  /** How many elements are no valid tasks. */
  readonly invalid: number;
  /** How many tasks are here already. */
  readonly known: number;
}

/**
 * Reads an export. Tasks that are here already are left alone: those with the same id, and those with the same content, which an
 * earlier import of the file has added. Null if it is no export.
 */
export function readExport(text: string, here: ReadonlyMap<string, Task>): Imported | null {
  if (text.length > LONGEST) return null;
  const elements = elementsOf(text);
  if (!elements) return null;
  const valid = elements.map(taskOf).filter((task) => task !== null);
  const same = new Map<string, string[]>();
  const inFile = new Set(valid.map(({ id }) => id));
  for (const task of here.values()) {
    if (inFile.has(task.id)) continue;
    const content = written(task);
    same.set(content, [...(same.get(content) ?? []), task.id]);
  }
  const takeKnown = (content: WrittenTask) => same.get(written(content))?.shift();
  // Subtasks after their parents. Only an open task that is no subtask takes some.
  const isChild = ({ parent_id }: (typeof valid)[number]) => parent_id !== undefined;
  const [children, others] = [valid.filter(isChild), valid.filter((task) => !isChild(task))];
  const haveDone = new Set(children.filter(({ content }) => content.completed).map(({ parent_id }) => parent_id));
  const parents = new Map<string, Parent>();
  for (const { id, completed, parent_id } of here.values()) {
    if (!parent_id) parents.set(id, { id, takes: completed ? "none" : "all" });
  }
  const changes: Import[] = [];
  const completions: Import[] = [];
  let added = 0;
  for (const { id, parent_id = "", content } of [...others, ...children]) {
    if (id !== undefined && here.has(id)) continue;
    const parent = parents.get(parent_id);
    const under = parent && { ...content, parent_id: parent.id };
    const isTaken = parent?.takes === "all" || (parent?.takes === "completed" && content.completed);
    const known = (under && takeKnown(under)) ?? (isTaken ? undefined : takeKnown(content));
    // Under a new id: that of a deleted task cannot be used again.
    const idHere = known ?? newTaskId();
    // It is completed when it has its subtasks. Those that are open would be completed with it.
    const isLater = known === undefined && content.completed && !content.recurrence && haveDone.has(id);
    const takes = !content.completed ? "all" : isLater ? "completed" : "none";
    if (id !== undefined && !parent) parents.set(id, { id: idHere, takes });
    if (known !== undefined) continue;
    added += 1;
    const task = isTaken && under ? under : content;
    changes.push({ op: "create", id: idHere, task: isLater ? { ...task, completed: false } : task });
    if (isLater) completions.push({ op: "update", id: idHere, changes: { completed: true } });
  }
  changes.push(...completions);
  return { changes, added, invalid: elements.length - valid.length, known: valid.length - added };
}

/** A task of the file, as it is here, and which subtasks can be put under it. */
interface Parent {
  readonly id: string;
  readonly takes: "all" | "completed" | "none";
}

/** What makes two tasks the same to a user. */
function written({ title, description, priority, due, tags, completed, recurrence, parent_id }: WrittenTask): string {
  const at = due && hasTime(due) ? Date.parse(due) : due;
  const rule = recurrence?.rule.toUpperCase() ?? null;
  return JSON.stringify([title.trim(), description, priority, at, tags, completed, rule, parent_id ?? null]);
}

export function chunks(changes: readonly Import[]): Import[][] {
  const count = Math.ceil(changes.length / CHUNK);
  return Array.from({ length: count }, (_, index) => changes.slice(index * CHUNK, (index + 1) * CHUNK));
}

function elementsOf(text: string): readonly unknown[] | null {
  try {
    const parsed: unknown = JSON.parse(text);
    const tasks = Array.isArray(parsed) ? parsed : (parsed as { tasks?: unknown } | null)?.tasks;
    return Array.isArray(tasks) ? tasks : null;
  } catch {
    return null;
  }
}

function taskOf(element: unknown) {
  if (typeof element !== "object" || element === null) return null;
  const {
    id,
    title,
    description = null,
    priority = "none",
    due = null,
    tags = [],
    completed = false,
    position = null,
    recurrence = null,
    parent_id,
  } = element as Partial<Task>;
  if (typeof title !== "string" || title.trim() === "" || [...title].length > LIMITS.title) return null;
  if (description !== null && (typeof description !== "string" || description.length > LIMITS.description)) return null;
  if (!PRIORITIES.includes(priority) || typeof completed !== "boolean") return null;
  if (due !== null && (typeof due !== "string" || Number.isNaN(Date.parse(due)))) return null;
  if (!Array.isArray(tags) || tags.length > LIMITS.tags || !tags.every((tag) => typeof tag === "string")) return null;
  const content = {
    ...{ title, description, priority, due, tags, completed },
    ...(typeof position === "string" && { position }),
    ...(due !== null && typeof recurrence?.rule === "string" && { recurrence }),
  };
  return { id: textOf(id), parent_id: textOf(parent_id), content };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
