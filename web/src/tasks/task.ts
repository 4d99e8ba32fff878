/** Tasks as in the API. */

export const PRIORITIES = ["none", "low", "medium", "high"] as const;
export type Priority = (typeof PRIORITIES)[number];

export const PRIORITY_NAMES: Readonly<Record<Priority, string>> = {
  none: "None",
  low: "Low",
  medium: "Medium",
  high: "High",
};

export const LIMITS = { title: 200, description: 10_000, tag: 50, tags: 20 } as const;

/** The fields of a task that people edit. */
export interface TaskContent {
  readonly title: string;
  readonly description: string | null;
  readonly priority: Priority;
  /** A date (`2026-11-30`) or a date and time in UTC. */
  readonly due: string | null;
  readonly tags: readonly string[];
}

export interface Task extends TaskContent {
  readonly id: string;
  readonly completed: boolean;
  readonly completed_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly version: number;
}

export type TaskPatch = Partial<TaskContent>;

/** The parts of `content` that differ from `base`, as a patch. */
export function difference(base: TaskContent, content: TaskContent): TaskPatch {
  return {
    ...(content.title !== base.title && { title: content.title }),
    ...(content.description !== base.description && { description: content.description }),
    ...(content.priority !== base.priority && { priority: content.priority }),
    ...(content.due !== base.due && { due: content.due }),
    ...(content.tags.join("\n") !== base.tags.join("\n") && { tags: content.tags }),
  };
}
