/** The edit form: the user's input, and the task as it was when the form was opened. */
import { computed, signal } from "@preact/signals";
import { difference, type Task, type TaskContent } from "./task";

export interface Opened {
  readonly seen: Task;
  readonly draft: TaskContent;
}

export class Form {
  readonly opened = signal<Opened | null>(null);
  /** The task as it was when the form was opened. Typing does not change it, so rows do not render again. */
  readonly seen = computed(() => this.opened.value?.seen ?? null);
  readonly id = computed(() => this.seen.value?.id ?? null);
  /** The fields that the user has changed. */
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

  /** Whether closing the page would lose input. */
  get isChanged(): boolean {
    return Object.keys(this.changes.value).length > 0;
  }
}
