/** The form of the task that is being edited: what is typed, and the task as it was when the form was opened. */
import { computed, signal } from "@preact/signals";
import { difference, type Task, type TaskContent } from "./task";

export interface Opened {
  readonly seen: Task;
  readonly draft: TaskContent;
}

export class Form {
  readonly opened = signal<Opened | null>(null);
  /** The task in it. What is typed does not change it, and concerns the form alone. */
  readonly seen = computed(() => this.opened.value?.seen ?? null);
  readonly id = computed(() => this.seen.value?.id ?? null);
  /** What is different from what was seen. */
  readonly changes = computed<Partial<TaskContent>>(() => {
    const { value } = this.opened;
    return value ? difference(value.seen, value.draft) : {};
  });

  open(task: Task): void {
    this.opened.value = { seen: task, draft: task };
  }

  type(content: Partial<TaskContent>): void {
    const { value } = this.opened;
    if (value) this.opened.value = { ...value, draft: { ...value.draft, ...content } };
  }

  close(): void {
    this.opened.value = null;
  }

  /** Whether something would be lost with the page. */
  get isChanged(): boolean {
    return Object.keys(this.changes.value).length > 0;
  }
}
