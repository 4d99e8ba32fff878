/** The user's actions. Changes are stored on the device, shown, and then sent by sync. */
import { newTaskId } from "daylist-client";
import type { ContentChanges } from "daylist-client/sync";
import { t } from "../text";
import { announce } from "../ui/announcer";
import type { Toasts } from "../ui/toasts";
import type { Deletions } from "./deletions";
import { fromLocal, toLocal } from "./due";
import type { Form } from "./form";
import type { LocalTasks } from "./local-tasks";
import { isOpenList } from "./query";
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
    if (completed && isOpenList(rows.query.value)) {
      const undo = { label: "Undo", run: () => this.complete({ id, title }, false) };
      toasts.show({ text: `Completed “${shortTitle({ title })}”.`, tone: "info", action: undo });
    } else announce(completed ? `Completed ${title}` : `Reopened ${title}`);
  }

  /** Changes tasks, with a chance to undo it. */
  update(tasks: readonly Task[], changes: Partial<TaskContent> & { readonly completed?: boolean }): void {
    const before = tasks.map((task) => ({ id: task.id, changes: pick(task, changes) }));
    this.#changeAll(tasks.map(({ id }) => ({ id, changes })));
    const [only] = tasks;
    const words = t();
    this.#options.toasts.show({
      text: tasks.length === 1 && only ? words.changed(shortTitle(only)) : words.changedMany(tasks.length),
      tone: "info",
      action: { label: words.undo, run: () => this.#changeAll(before) },
    });
  }

  completeAll(tasks: readonly Task[]): void {
    this.update(tasks, { completed: true });
  }

  /** Makes a task due on another day, at the same time. */
  moveTo(task: Task, day: string): void {
    const { time } = toLocal(task.due);
    this.update([task], { due: fromLocal({ day, time }) });
  }

  #changeAll(all: readonly { readonly id: string; readonly changes: ContentChanges }[]): void {
    const { tasks, rows } = this.#options;
    const known = all.filter(({ id }) => tasks.sync.tasks.has(id));
    for (const { id } of known) rows.leaveSlowly(id);
    this.#keep(tasks.sync.change(known.map(({ id, changes }) => ({ op: "update" as const, id, changes }))));
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

  /** Deletes several tasks, as `remove` deletes one. */
  removeAll(tasks: readonly Task[]): void {
    const { deletions, toasts } = this.#options;
    for (const task of tasks) deletions.begin(task);
    const words = t();
    toasts.show({
      text: words.deletedMany(tasks.length),
      tone: "info",
      action: {
        label: words.undo,
        run: () => {
          for (const { id } of tasks) deletions.undo(id);
          announce(words.restoredMany(tasks.length));
        },
      },
      onExpire: () => {
        for (const { id } of tasks) void this.#keep(deletions.finish(id));
      },
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

/** The members of `task` that `changes` has. */
function pick(task: Task, changes: ContentChanges): ContentChanges {
  return Object.fromEntries(Object.keys(changes).map((key) => [key, task[key as keyof ContentChanges]]));
}
