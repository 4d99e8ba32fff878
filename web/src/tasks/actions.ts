/** The user's actions. Changes are stored on the device, shown, and then sent by sync. */
import { newTaskId } from "daylist-client";
import { byPosition, positionAt } from "daylist-client/order";
import type { ContentChanges } from "daylist-client/sync";
import { show } from "../route";
import { t } from "../text";
import { announce } from "../ui/announcer";
import { arrival } from "../ui/arrival";
import { now } from "../ui/clock";
import type { Toasts } from "../ui/toasts";
import { datesFor, findDate } from "./dates";
import type { Deletions } from "./deletions";
import type { Draft } from "./drafts";
import { describeDue, fromLocal, groupOf, isOverdue, toLocal } from "./due";
import { changesOf, type Form } from "./form";
import type { LocalTasks } from "./local-tasks";
import { placements } from "./order";
import { isOpenList, OPEN } from "./query";
import { addTag, parseQuickAdd } from "./quick-add";
import { isInSight, type RowFocus } from "./row-focus";
import type { Rows } from "./rows";
import { LIMITS, shortTitle, type Task, type TaskContent, withinLimits } from "./task";
import type { Import } from "./transfer";

export interface ActionsOptions {
  readonly tasks: LocalTasks;
  readonly rows: Rows;
  readonly focus: RowFocus;
  readonly form: Form;
  readonly deletions: Deletions;
  readonly toasts: Toasts;
}

type Subtask = TaskContent & { readonly parent_id: string; readonly position: string };

/** How long after an undo the next task of a series may still arrive, in milliseconds. */
const NEXT_WITHIN = 30_000;

export class Actions {
  readonly #options: ActionsOptions;
  #completion: Promise<unknown> = Promise.resolve();
  #moves: Promise<unknown> = Promise.resolve();
  #dates: Promise<unknown> = Promise.resolve();
  /** Undone completions whose next task may still arrive, by task. */
  readonly #awaited = new Map<string, AbortController>();

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  /** Gives whether it has been stored on the device. */
  async add(content: TaskContent): Promise<boolean> {
    const { tasks, toasts } = this.#options;
    const id = newTaskId();
    const keeping = this.#keep(tasks.sync.create(content, id));
    toasts.remember(() => this.#delete([id]));
    announce(t().added(content.title));
    const isKept = await keeping;
    if (isKept) this.#showNew(id);
    return isKept;
  }

  /** Adds what is typed as the next subtask of a task, after those that still wait for their dates. */
  addSubtask(parentId: string): void {
    const { drafts } = this.#options.form;
    const typed = drafts.subtasks.value[parentId] ?? "";
    const line = typed.trim();
    if (typed === "" || [...this.#subtask(parentId, line).title].length > LIMITS.title) return;
    if (line === "") drafts.keepSubtask(parentId, "");
    else {
      this.#dates = Promise.all([this.#dates, datesFor(line)]);
      const added = this.#dates.then(() => this.add(this.#subtask(parentId, line)));
      void drafts.storeSubtask(parentId, added);
    }
  }

  /** Adds several subtasks, in one step to undo. Gives whether they have been stored on the device. */
  async addSubtasks(parentId: string, titles: readonly string[]): Promise<boolean> {
    await datesFor(titles.join(" "));
    const before: Subtask[] = [];
    for (const title of titles) before.push(this.#subtask(parentId, title, before));
    return this.addAll(before.map(withinLimits));
  }

  /** A new subtask after the others, of which some may be as new. It is written like a task, but does not recur by itself. */
  #subtask(parent_id: string, line: string, before: readonly Subtask[] = []): Subtask {
    const { recurrence, ...parsed } = parseQuickAdd(line, now.value, findDate.value ?? undefined);
    const plain = { title: line, description: null, priority: "none" as const, due: null, tags: [] };
    const content = recurrence || parsed.title === "" ? plain : parsed;
    const isOther = (task: Task) => task.parent_id === parent_id;
    const others = [...this.#options.tasks.sync.tasks.values()].filter(isOther).sort(byPosition);
    const all = [...others, ...before.map(({ position }) => ({ id: "", position }))];
    const position = positionAt(all, all.length);
    return { ...content, parent_id, position };
  }

  /** Adds several tasks, in one step to undo. Gives whether they have been stored on the device. */
  addAll(contents: readonly TaskContent[]): Promise<boolean> {
    const { tasks, toasts } = this.#options;
    const changes = contents.map((task) => ({ op: "create" as const, id: newTaskId(), task }));
    const keeping = this.#keep(tasks.sync.change(changes));
    const undo = () => this.#delete(changes.map(({ id }) => id));
    toasts.offerUndo({ text: t().addedMany(contents.length), subject: "new task", undo });
    return keeping;
  }

  /** Adds what is imported, some at a time, and in one step to undo. Gives whether all of it has been stored on the device. */
  async import(chunks: readonly (readonly Import[])[]): Promise<boolean> {
    const { tasks, toasts } = this.#options;
    const added = chunks.flat().filter((change) => change.op === "create");
    const ids = new Set(added.map(({ id }) => id));
    // Subtasks are deleted with their parents.
    const first = added.filter(({ task }) => !ids.has(task.parent_id ?? "")).map(({ id }) => id);
    if (first.length > 0) toasts.remember(() => this.#delete(first));
    for (const chunk of chunks) if (!(await this.#keep(tasks.sync.change(chunk)))) return false;
    return true;
  }

  /** Completes or reopens a task. As in the API, its open subtasks are completed with it. */
  complete(task: Task, completed: boolean): void {
    const { rows, toasts, tasks } = this.#options;
    const { id, title } = task;
    const subject = `completion of ${id}`;
    const isPart = (part: Task) => completed && !part.completed && part.parent_id === id;
    const ids = [id, ...[...tasks.sync.tasks.values()].filter(isPart).map(({ id }) => id)];
    const undo = () => {
      if (completed && task.recurrence) this.#recurAgain([task]);
      this.#complete(ids, !completed);
    };
    const words = t();
    this.#complete(ids, completed);
    if (completed && isOpenList(rows.query.value)) {
      toasts.offerUndo({ text: words.completed(shortTitle({ title })), subject, undo });
    } else {
      toasts.clear(subject);
      toasts.remember(undo);
      announce(completed ? words.completed(title) : words.reopened(title));
    }
  }

  /** Changes tasks, with a chance to undo it. */
  update(tasks: readonly Task[], changes: ContentChanges): void {
    this.#update(tasks, () => changes);
  }

  /** Gives a tag to those of the tasks that do not have it. */
  tag(tasks: readonly Task[], tag: string): void {
    const tagsOf = (task: Task) => {
      const tags = [...task.tags];
      addTag(tags, tag);
      return tags;
    };
    const others = tasks.filter((task) => tagsOf(task).length > task.tags.length);
    if (others.length > 0) this.#update(others, (task) => ({ tags: tagsOf(task) }));
  }

  #update(tasks: readonly Task[], changesOf: (task: Task) => ContentChanges): void {
    const after = tasks.map((task) => ({ id: task.id, changes: changesOf(task) }));
    const before = tasks.map((task) => ({ id: task.id, changes: pick(task, changesOf(task)) }));
    this.#awaitNone(after.filter(({ changes }) => changes.completed).map(({ id }) => id));
    void this.#changeAll(after);
    const words = t();
    const [only] = tasks;
    const due = only && changesOf(only).due;
    const title = only && shortTitle(only);
    const isCompleted = only && changesOf(only).completed === true;
    const [one, many] = isCompleted ? [words.completed, words.completedMany] : [words.changed, words.changedMany];
    const changed = due ? words.isDue(title ?? "", describeDue(due, now.value)) : one(title ?? "");
    this.#options.toasts.offerUndo({
      text: tasks.length === 1 ? changed : many(tasks.length),
      subject: `change of ${tasks.map(({ id }) => id).join()}`,
      undo: () => {
        this.#recurAgain(tasks.filter((task) => task.recurrence && changesOf(task).completed));
        return this.#changeAll(before);
      },
    });
  }

  /** Moves a task that recurs to its next date, which only the API knows: until it is here, the row says so, and then a note. */
  async skip({ id, title, due, recurrence }: Task): Promise<void> {
    const { tasks, toasts, rows } = this.#options;
    // A series that ends after some times counts a skipped one, and setting its date back does not change that.
    const isCounted = /count=/iu.test(recurrence?.rule ?? "");
    const setBack = () => this.#changeAll([{ id, changes: { due } }]);
    let isUndone = false;
    // Until the next date is here, undoing waits for it. Otherwise, it would undo what was done before.
    const forget = toasts.remember(() => {
      isUndone = !isCounted;
      if (isUndone) announce(t().undone);
    });
    rows.leaveSlowly(id);
    announce(t().skippingOf(shortTitle({ title })));
    const isKept = await this.#keep(tasks.sync.skip(id));
    const after = isKept
      ? await arrival(() => {
          const { tasks: all, refused } = tasks.snapshot.value;
          const task = all.get(id);
          return task?.due !== due || refused.has(id) ? { task } : null;
        })
      : null;
    forget();
    if (!after?.task?.due || after.task.due === due) return;
    if (isUndone) return setBack();
    // It was completed meanwhile, and its date is nothing to tell.
    if (after.task.completed) return;
    const text = t().isDue(shortTitle(after.task), describeDue(after.task.due, now.value));
    const subject = `skip of ${id}`;
    if (isCounted) toasts.show({ text, tone: "info", subject });
    else toasts.offerUndo({ text, subject, undo: setBack });
  }

  /** Tasks that recur are open again: then they recur again, too, and the next ones go. Those may be here only later. */
  #recurAgain(recurring: readonly Task[]): void {
    for (const task of recurring) {
      this.#awaited.get(task.id)?.abort();
      const wait = new AbortController();
      this.#awaited.set(task.id, wait);
      setTimeout(() => wait.abort(), NEXT_WITHIN);
      void this.#recurWithoutNext(task, wait.signal);
    }
  }

  async #recurWithoutNext({ id, recurrence = null }: Task, ends: AbortSignal): Promise<void> {
    const { tasks } = this.#options;
    const next = await arrival(() => {
      const all = tasks.snapshot.value.tasks;
      const { series_id, occurrence = 0 } = all.get(id) ?? {};
      const isNext = (task: Task) => task.series_id === series_id && task.occurrence === occurrence + 1;
      return series_id ? [...all.values()].find((task) => isNext(task) && !task.completed) : null;
    }, ends);
    if (ends.aborted) return;
    const again = { op: "update" as const, id, changes: { completed: false, recurrence } };
    await this.#keep(tasks.sync.change([{ op: "delete", id: next.id }, again]));
  }

  /** Tasks are completed once more: the next ones are wanted. */
  #awaitNone(ids: readonly string[]): void {
    for (const id of ids) {
      this.#awaited.get(id)?.abort();
      this.#awaited.delete(id);
    }
  }

  completeAll(tasks: readonly Task[]): void {
    const ids = new Set(tasks.map(({ id }) => id));
    const isPart = ({ id, parent_id, completed }: Task) =>
      !completed && !!parent_id && ids.has(parent_id) && !ids.has(id);
    const parts = [...this.#options.tasks.sync.tasks.values()].filter(isPart);
    this.update([...tasks, ...parts], { completed: true });
  }

  /** Makes tasks due on another day, at the same time unless that has passed. Without a day, they do not recur either. */
  moveTo(tasks: readonly Task[], day: string): void {
    this.#update(tasks, (task) => {
      const at = fromLocal({ day, time: toLocal(task.due).time });
      const due = at !== null && isOverdue(at, now.value) ? day : at;
      return { due, ...(due === null && task.recurrence && { recurrence: null }) };
    });
  }

  async #changeAll(all: readonly { readonly id: string; readonly changes: ContentChanges }[]): Promise<void> {
    const { tasks, rows } = this.#options;
    const known = all.filter(({ id }) => tasks.sync.tasks.has(id));
    for (const { id } of known) rows.leaveSlowly(id);
    await this.#keep(tasks.sync.change(known.map(({ id, changes }) => ({ op: "update" as const, id, changes }))));
  }

  /** Moves something after the moves before it: the second of two quick ones begins where the first has led. */
  moveNext(move: () => Promise<void> | void): void {
    this.#moves = this.#moves.then(move);
  }

  /** Puts a task before the one at `index` of the others in manual order. */
  place(others: readonly Task[], task: Task, index: number): Promise<void> {
    const { toasts, tasks } = this.#options;
    const moves = placements(others, task.id, index);
    const before = moves.map(({ id }) => ({ id, changes: { position: tasks.sync.tasks.get(id)?.position ?? null } }));
    const moving = this.#changeAll(moves.map(({ id, position }) => ({ id, changes: { position } })));
    toasts.remember(() => this.#changeAll(before));
    announce(t().movedTo(index + 1));
    return moving;
  }

  /** Saves the form. If the task was deleted meanwhile, creates a new one. */
  async save(): Promise<void> {
    const { form } = this.#options;
    const { value: opened } = form.opened;
    if (!opened) return;
    if (form.isChanged && !(await this.#save(opened))) return;
    form.drop();
    announce(t().saved);
  }

  /** Saves what was typed and not saved, before the drafts are deleted with everything else. */
  async saveDrafts(line: TaskContent | null): Promise<void> {
    const { drafts } = this.#options.form;
    for (const draft of drafts.edits.value.values()) {
      const title = draft.draft.title.trim() || draft.seen.title;
      const content = withinLimits({ ...draft.draft, title });
      if (await this.#save({ ...draft, draft: content })) drafts.drop(draft.seen.id);
    }
    for (const [id, typed] of Object.entries(drafts.subtasks.value)) {
      const title = typed.trim();
      if (title === "" || !this.#options.tasks.sync.tasks.has(id)) continue;
      if (await this.#keep(this.#options.tasks.sync.create(this.#subtask(id, title)))) drafts.keepSubtask(id, "");
    }
    if (line && (await this.#keep(this.#options.tasks.sync.create(withinLimits(line))))) drafts.dropLine();
    this.#options.form.close();
  }

  /** Closes the form without saving it. */
  cancel(): void {
    const { form, toasts } = this.#options;
    const { value: opened } = form.opened;
    if (!opened) return;
    const { isChanged, drafts } = form;
    const { seen } = opened;
    const subtask = drafts.subtasks.value[seen.id] ?? "";
    form.drop();
    drafts.keepSubtask(seen.id, "");
    if (!isChanged && subtask.trim() === "") return;
    toasts.offerUndo({
      text: t().dropped(shortTitle(seen)),
      subject: `draft of ${seen.id}`,
      undo: () => {
        if (isChanged) drafts.keep(opened);
        drafts.keepSubtask(seen.id, subtask);
        form.open(seen);
      },
    });
  }

  remove(task: Task): void {
    this.#options.rows.leaveGap(task.id);
    this.removeAll([task]);
  }

  /**
   * Hides the tasks, and deletes them when their note is over. After that, undoing restores them. Subtasks are deleted and restored
   * with their parents.
   */
  removeAll(tasks: readonly Task[]): void {
    const { deletions, toasts } = this.#options;
    const words = t();
    const [only] = tasks;
    const title = tasks.length === 1 ? only?.title : undefined;
    const ids = new Set(tasks.map(({ id }) => id));
    const seen = tasks.filter(({ parent_id }) => !parent_id || !ids.has(parent_id));
    const tell = () => announce(title === undefined ? words.restoredMany(tasks.length) : words.restored(title));
    for (const task of seen) deletions.begin(task);
    toasts.offerUndo({
      text: title === undefined ? words.deletedMany(tasks.length) : words.deleted(shortTitle({ title })),
      subject: `deletion of ${[...ids].join()}`,
      undo: () => {
        for (const { id } of seen) deletions.undo(id);
        tell();
      },
      onExpire: () => {
        for (const { id } of seen) void this.#keep(deletions.finish(id));
      },
      undoLater: () => void this.#restoreDeleted(seen).then((isKept) => isKept && tell()),
    });
  }

  /** Restores tasks whose deletion was sent, or takes it back if it was not. */
  async #restoreDeleted(seen: readonly Task[]): Promise<boolean> {
    const { deletions, tasks } = this.#options;
    await Promise.allSettled(seen.map(({ id }) => deletions.finish(id)));
    const gone = seen.filter(({ id }) => !tasks.sync.tasks.has(id));
    return this.#keep(tasks.sync.change(gone.map((task) => ({ op: "restore", id: task.id, task }))));
  }

  #complete(ids: readonly string[], completed: boolean): void {
    if (completed) this.#awaitNone(ids);
    // After the one before: the second click of two quick ones changes what the first has stored.
    this.#completion = this.#completion.then(() => this.#changeAll(ids.map((id) => ({ id, changes: { completed } }))));
  }

  async #save(edit: Draft): Promise<boolean> {
    const { tasks, rows, toasts } = this.#options;
    const { seen, draft } = edit;
    const { sync } = tasks;
    rows.leaveSlowly(seen.id);
    if (!sync.tasks.has(seen.id)) return this.#keep(sync.create({ ...draft, completed: seen.completed }));
    const before = sync.tasks.get(seen.id) ?? seen;
    const changes = changesOf(edit);
    const isKept = await this.#keep(sync.change([{ op: "update", id: seen.id, changes, seen }]));
    if (isKept) toasts.remember(() => this.#restore(before, Object.keys(changes) as (keyof TaskContent)[]));
    return isKept;
  }

  #restore(before: Task, fields: readonly (keyof TaskContent)[]): void {
    const { tasks, rows } = this.#options;
    if (!tasks.sync.tasks.has(before.id)) return;
    rows.leaveSlowly(before.id);
    const changes = Object.fromEntries(fields.map((field) => [field, before[field]]));
    void this.#keep(tasks.sync.update(before.id, changes));
    announce(t().undone);
  }

  #delete(ids: readonly string[]): void {
    const { sync } = this.#options.tasks;
    const known = ids.filter((id) => sync.tasks.has(id));
    void this.#keep(sync.change(known.map((id) => ({ op: "delete" as const, id }))));
    announce(t().undone);
  }

  /** Marks a new task if it is in sight, and says where it is otherwise. */
  #showNew(id: string): void {
    const { rows, tasks, toasts, form } = this.#options;
    rows.mark(id);
    // After it is drawn.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const task = tasks.sync.tasks.get(id);
        // The form of its parent shows it.
        const isInForm = task?.parent_id && form.id.value === task.parent_id;
        if (!task || isInForm || isInSight(id)) return;
        const words = t();
        const parent = tasks.sync.tasks.get(task.parent_id ?? "");
        const action = { label: words.show, run: () => this.#show(task) };
        const group = groupOf(task.due, now.value);
        const place = group === "none" ? words.addedUndated : words.addedTo(words.groups[group]);
        const text = parent ? words.addedUnder(shortTitle(parent)) : place;
        toasts.show({ text, tone: "info", subject: "new task", action });
      }),
    );
  }

  /** Moves the focus to a task, in the list of all open tasks if this one does not have it. */
  #show(task: Task): void {
    const { rows, focus } = this.#options;
    const { id } = task;
    rows.reveal(task);
    if (!rows.has(id)) show(OPEN);
    rows.mark(id);
    focus.enter(id);
  }

  /** Whether the change was stored. */
  async #keep(change: Promise<unknown>): Promise<boolean> {
    try {
      await change;
      return true;
    } catch {
      this.#options.toasts.show({ text: t().notStored, tone: "problem" });
      return false;
    }
  }
}

/** The members of `task` that `changes` has. */
function pick(task: Task, changes: ContentChanges): ContentChanges {
  return Object.fromEntries(Object.keys(changes).map((key) => [key, task[key as keyof ContentChanges]]));
}
