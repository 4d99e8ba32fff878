/**
 * What is typed and neither saved nor dropped: edits of tasks, their next subtasks, and the line of a new task. It is kept
 * on the device, so that leaving the form, a reload, or a crash loses nothing.
 */
import { signal } from "@preact/signals";
import type { Priority, Task, TaskContent } from "./task";

/** An edit: the task as it was when the form was opened, and what was typed since. */
export interface Draft {
  readonly seen: Task;
  readonly draft: TaskContent;
}

/** What is chosen beside the line of a new task. */
export interface Chosen {
  readonly day: string;
  readonly priority: Priority;
}

const NO_CHOICE: Chosen = { day: "", priority: "none" };

interface Kept {
  readonly edits: readonly Draft[];
  readonly line: string;
  /** As long as there is a line. */
  readonly chosen: Chosen;
  readonly subtasks: Readonly<Record<string, string>>;
}

const NOTHING: Kept = { edits: [], line: "", chosen: NO_CHOICE, subtasks: {} };

export class Drafts {
  /** By task id. */
  readonly edits = signal<ReadonlyMap<string, Draft>>(new Map());
  /** The next subtask of a task, by its id. */
  readonly subtasks = signal<Kept["subtasks"]>({});
  /** The keys of `edits` and `subtasks`. Typing does not change them, so rows do not render again. */
  readonly ids = signal<ReadonlySet<string>>(new Set());
  readonly line = signal("");
  readonly chosen = signal(NO_CHOICE);
  /** What is on its way from here into the tasks. */
  #storing = NOTHING;
  readonly #stores = new Set<Promise<boolean>>();
  readonly #name: string;

  constructor(userId: string) {
    this.#name = `drafts of ${userId}`;
    this.#follow();
  }

  /** Follows the other tabs. Returns a function that stops it. */
  start(): () => void {
    const onStorage = ({ key }: StorageEvent) => {
      if (key === this.#name || key === null) this.#follow();
    };
    addEventListener("storage", onStorage);
    return () => removeEventListener("storage", onStorage);
  }

  keep(draft: Draft): void {
    this.#write({ ...this.#kept, edits: [...this.#others(draft.seen.id), draft] });
  }

  keepSubtask(id: string, title: string): void {
    const { [id]: _, ...others } = this.subtasks.value;
    this.#write({ ...this.#kept, subtasks: title === "" ? others : { ...others, [id]: title } });
  }

  drop(id: string): void {
    if (this.edits.value.has(id)) this.#write({ ...this.#kept, edits: this.#others(id) });
  }

  keepLine(line: string): void {
    this.#write({ ...this.#kept, line });
  }

  choose(chosen: Partial<Chosen>): void {
    this.#write({ ...this.#kept, chosen: { ...this.chosen.value, ...chosen } });
  }

  /** The new task is written, or not wanted any more. */
  dropLine(): void {
    this.#write({ ...this.#kept, line: "", chosen: NO_CHOICE });
  }

  /** The line is being stored. Its box is empty at once; the device keeps it until then, and the box has it again if it failed. */
  async storeLine(isStored: Promise<boolean>): Promise<void> {
    const { line, chosen } = this.#kept;
    this.#storing = { ...this.#storing, line, chosen };
    this.dropLine();
    const failed = !(await this.track(isStored));
    this.#storing = { ...this.#storing, line: "", chosen: NO_CHOICE };
    this.#write(failed && this.line.value === "" ? { ...this.#kept, line, chosen } : this.#kept);
  }

  /** Waits until everything that is being stored is stored, or has failed. */
  async stored(): Promise<void> {
    while (this.#stores.size > 0) await Promise.all(this.#stores);
  }

  /** Lets {@link stored} wait for something that is no draft any more. */
  async track(isStored: Promise<boolean>): Promise<boolean> {
    this.#stores.add(isStored);
    return isStored.finally(() => this.#stores.delete(isStored));
  }

  /** As {@link storeLine}, for the next subtask of a task. */
  async storeSubtask(id: string, isStored: Promise<boolean>): Promise<void> {
    const title = this.subtasks.value[id] ?? "";
    this.#storing = { ...this.#storing, subtasks: { ...this.#storing.subtasks, [id]: title } };
    this.keepSubtask(id, "");
    const failed = !(await this.track(isStored));
    const { [id]: _, ...subtasks } = this.#storing.subtasks;
    this.#storing = { ...this.#storing, subtasks };
    this.keepSubtask(id, this.subtasks.value[id] ?? (failed ? title : ""));
  }

  /** Drops everything, for sign-out. */
  forget(): void {
    this.#storing = NOTHING;
    this.#write(NOTHING);
  }

  get #kept(): Kept {
    const edits = [...this.edits.value.values()];
    return { edits, line: this.line.value, chosen: this.chosen.value, subtasks: this.subtasks.value };
  }

  #others(id: string): Draft[] {
    return this.#kept.edits.filter(({ seen }) => seen.id !== id);
  }

  #write(kept: Kept): void {
    this.#show(kept);
    // A day that was chosen for nothing would be over at some time.
    const { line, chosen } = kept.line === "" ? this.#storing : kept;
    const stored = { ...kept, line, chosen, subtasks: { ...this.#storing.subtasks, ...kept.subtasks } };
    const isEmpty = line === "" && stored.edits.length === 0 && Object.keys(stored.subtasks).length === 0;
    try {
      if (isEmpty) localStorage.removeItem(this.#name);
      else localStorage.setItem(this.#name, JSON.stringify(stored));
    } catch {
      // The storage is full: what was typed lasts as long as the page.
    }
  }

  #follow(): void {
    this.#show({ ...NOTHING, ...JSON.parse(localStorage.getItem(this.#name) ?? "{}") });
  }

  #show({ edits, line, chosen, subtasks }: Kept): void {
    const byId = new Map(edits.map((edit) => [edit.seen.id, edit]));
    const ids = new Set([...byId.keys(), ...Object.keys(subtasks)]);
    const isSame = ids.size === this.ids.value.size && [...ids].every((id) => this.ids.value.has(id));
    this.edits.value = byId;
    this.line.value = line;
    this.chosen.value = chosen;
    this.subtasks.value = subtasks;
    if (!isSame) this.ids.value = ids;
  }
}
