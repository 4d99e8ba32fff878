/** Export to a file, and import from one. */
import { newTaskId, type TaskApi } from "daylist-client";
import type { LocalChange } from "daylist-client/sync";
import { LIMITS, PRIORITIES, type Task } from "./task";

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

export interface Imported {
  readonly changes: readonly LocalChange[];
  /** How many elements are no valid tasks. */
  readonly invalid: number;
  /** How many tasks are here already. */
  readonly known: number;
}

/** Reads an export. Tasks that are here already, by id, are left alone. Null if it is no export. */
export function readExport(text: string, isKnown: (id: string) => boolean): Imported | null {
  if (text.length > LONGEST) return null;
  const elements = elementsOf(text);
  if (!elements) return null;
  const valid = elements.map(taskOf).filter((task) => task !== null);
  const added = valid.filter(({ id }) => id === undefined || !isKnown(id));
  return {
    // Under new ids: those of deleted tasks cannot be used again.
    changes: added.map(({ content }) => ({ op: "create", id: newTaskId(), task: content })),
    invalid: elements.length - valid.length,
    known: valid.length - added.length,
  };
}

export function chunks(changes: readonly LocalChange[]): LocalChange[][] {
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
  } = element as Partial<Task>;
  if (typeof title !== "string" || title.trim() === "" || [...title].length > LIMITS.title) return null;
  if (description !== null && (typeof description !== "string" || description.length > LIMITS.description)) return null;
  if (!PRIORITIES.includes(priority) || typeof completed !== "boolean") return null;
  if (due !== null && (typeof due !== "string" || Number.isNaN(Date.parse(due)))) return null;
  if (!Array.isArray(tags) || tags.length > LIMITS.tags || !tags.every((tag) => typeof tag === "string")) return null;
  const content = { title, description, priority, due, tags, completed };
  return { id: typeof id === "string" ? id : undefined, content };
}
