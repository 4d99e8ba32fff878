/** The user's actions. Changes are stored on the device, shown, and then sent by sync. */
import { newTaskId } from "daylist-client";
import { announce } from "../ui/announcer";
import type { Toasts } from "../ui/toasts";
import type { Deletions } from "./deletions";
import type { Form } from "./form";
import type { LocalTasks } from "./local-tasks";
import type { Rows } from "./rows";
import { shortTitle, type Task, type TaskContent } from "./task";

export interface ActionsOptions {
  readonly tasks: LocalTasks;
  readonly rows: Rows;
  readonly form: Form;
  readonly deletions: Deletions;
  readonly toasts: Toasts;
}

export class Actions {
  readonly #options: ActionsOptions;

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  add(content: TaskContent): void {
    const { tasks, rows } = this.#options;
    const id = newTaskId();
    rows.leaveSlowly(id);
    this.#keep(tasks.sync.create(content, id));
    announce(`Added ${content.title}`);
  }

  complete({ id, title }: Pick<Task, "id" | "title">, completed: boolean): void {
    const { tasks, rows, toasts } = this.#options;
    rows.leaveSlowly(id);
    this.#keep(tasks.sync.update(id, { completed }));
    if (completed && rows.query.value.status === "open") {
      const undo = { label: "Undo", run: () => this.complete({ id, title }, false) };
      toasts.show({ text: `Completed “${shortTitle({ title })}”.`, tone: "info", action: undo });
    } else announce(completed ? `Completed ${title}` : `Reopened ${title}`);
  }

  /** Saves the form. If the task was deleted meanwhile, creates a new one. */
  async save(): Promise<void> {
    const { tasks, rows, form } = this.#options;
    const { value: opened } = form.opened;
    if (!opened) return;
    const { seen, draft } = opened;
    if (form.isChanged) {
      rows.leaveSlowly(seen.id);
      const { sync } = tasks;
      const kept = sync.tasks.has(seen.id)
        ? sync.change([{ op: "update", id: seen.id, changes: form.changes.value, seen }])
        : sync.create({ ...draft, completed: seen.completed });
      if (!(await this.#keep(kept))) return;
    }
    form.close();
    announce("Saved");
  }

  /**
   * Hides the task, and deletes it when the time to undo is over. Deleting immediately and creating the task again on undo would
   * lose its id, age, and completion.
   */
  remove(task: Task): void {
    const { deletions, toasts } = this.#options;
    deletions.begin(task);
    toasts.show({
      text: `Deleted “${shortTitle(task)}”.`,
      tone: "info",
      action: {
        label: "Undo",
        run: () => {
          deletions.undo(task.id);
          announce(`${task.title} is back`);
        },
      },
      onExpire: () => void this.#keep(deletions.finish(task.id)),
    });
  }

  /** Whether the change was stored. */
  async #keep(change: Promise<unknown>): Promise<boolean> {
    try {
      await change;
      return true;
    } catch {
      const text = "Your last change could not be stored on this device. Is the disk full?";
      this.#options.toasts.show({ text, tone: "problem" });
      return false;
    }
  }
}
