/** The edit form: the user's input, and the task as it was when the form was opened. */
import { computed, signal } from "@preact/signals";
import type { Draft, Drafts } from "./drafts";
import { difference, type Task, type TaskContent } from "./task";

export class Form {
  readonly opened = signal<Draft | null>(null);
  /** The task as it was when the form was opened. Typing does not change it, so rows do not render again. */
  readonly seen = computed(() => this.opened.value?.seen ?? null);
  readonly id = computed(() => this.seen.value?.id ?? null);
  /** The fields that the user has changed. */
  readonly changes = computed<Partial<TaskContent>>(() => {
    const { value } = this.opened;
    return value ? changesOf(value) : {};
  });
  readonly drafts: Drafts;
  /** The fields that were typed into in this tab since the form was opened. */
  readonly #typed = new Set<string>();
  /** Whether it has shown what was typed before, or in another tab. */
  #isShared = false;

  constructor(drafts: Drafts) {
    this.drafts = drafts;
  }

  /** Opens the form, with what was typed into it before. */
  open(task: Task): void {
    this.#typed.clear();
    const kept = this.drafts.edits.value.get(task.id);
    this.#isShared = kept !== undefined;
    this.opened.value = kept ?? { seen: task, draft: task };
  }

  type(content: Partial<TaskContent>): void {
    const { value } = this.opened;
    if (!value) return;
    for (const field of Object.keys(content)) this.#typed.add(field);
    const next = { seen: value.seen, draft: { ...value.draft, ...content } };
    this.opened.value = next;
    if (Object.keys(changesOf(next)).length > 0) this.drafts.keep(next);
    else this.drafts.drop(next.seen.id);
  }

  /**
   * Shows what another tab types into other fields of the same form: otherwise, the one would overwrite what was typed into the
   * other. When the other tab has saved or dropped it, shows the task instead. A field that is typed into here stays as it is.
   */
  follow(tasks: ReadonlyMap<string, Task>): void {
    const { value: edits } = this.drafts.edits;
    const current = this.opened.peek();
    const kept = current && edits.get(current.seen.id);
    if (!current || (!kept && !this.#isShared)) return;
    const own = Object.entries(current.draft).filter(([field]) => this.#typed.has(field));
    // What is typed here keeps the task that it was typed into.
    const seen = kept || own.length > 0 ? current.seen : (tasks.get(current.seen.id) ?? current.seen);
    const draft = { ...(kept?.draft ?? seen), ...Object.fromEntries(own) };
    if (seen === current.seen && Object.keys(difference(current.draft, draft)).length === 0) return;
    this.#isShared = true;
    this.opened.value = { seen, draft };
  }

  /** Closes the form, and keeps the draft. */
  close(): void {
    this.opened.value = null;
  }

  /** Closes the form without what was typed. */
  drop(): void {
    const { value: id } = this.id;
    this.close();
    if (id !== null) this.drafts.drop(id);
  }

  get isChanged(): boolean {
    return Object.keys(this.changes.value).length > 0;
  }
}

/** The fields that a draft changes. */
export function changesOf({ seen, draft }: Draft): Partial<TaskContent> {
  return difference(seen, draft);
}
