/**
 * The tasks on the page. Changes show immediately and are then sent, one at a time for each task and with the version
 * that they are based on. A change that fails is rolled back, with a note.
 */
import { batch, computed, signal } from "@preact/signals";
import type { Session } from "../session/session";
import { announce } from "../ui/announcer";
import type { Note, Toasts } from "../ui/toasts";
import type { TaskBackend, TaskPage } from "./backend";
import { compareDue } from "./due";
import { alreadyIn, begun, type Change, type Entry, isAdded, received, wanted } from "./entry";
import { Failure } from "./failure";
import { matches, order, type TaskQuery } from "./query";
import { difference, type Task, type TaskContent } from "./task";

export type Phase = { readonly is: "loading" } | { readonly is: "ready" } | { readonly is: "failed"; why: Failure };

/** Two versions of a task from which the user chooses. */
export interface Conflict {
  readonly key: string;
  /** The user's version, or their deletion. */
  readonly mine: Task | "deleted";
  readonly theirs: Task;
}

/** The draft in a task's form, and the version with which the form was opened. */
export interface Editing {
  readonly key: string;
  readonly base: Task;
  readonly draft: TaskContent;
}

export interface Row {
  readonly key: string;
  readonly task: Task;
  /** It no longer belongs to the list and is about to disappear. */
  readonly leaving: boolean;
  readonly saving: boolean;
  readonly problem: string | null;
}

/** How long a task that no longer belongs here is still shown, so that people can follow. */
const LEAVES_AFTER = 900;
/** When the page becomes visible again after this time, the list is read again. */
const STALE_AFTER = 20_000;

export class TaskList {
  readonly query = signal<TaskQuery>({ status: "open", priority: null, tag: null });
  readonly phase = signal<Phase>({ is: "loading" });
  readonly cursor = signal<string | null>(null);
  readonly more = signal<Phase>({ is: "ready" });
  readonly conflicts = signal<readonly Conflict[]>([]);
  readonly editing = signal<Editing | null>(null);
  readonly knownTags = signal<readonly string[]>([]);

  readonly #entries = signal<ReadonlyMap<string, Entry>>(new Map());
  readonly #leaving = signal<ReadonlySet<string>>(new Set());
  readonly #sending = new Map<string, Promise<void>>();
  readonly #deleted = new Set<string>();
  /** Entries that a note's action still needs, and that must therefore survive opening another list. */
  readonly #offered = new Set<string>();
  readonly #backend: TaskBackend;
  readonly #session: Session;
  readonly #toasts: Toasts;
  #reading = new AbortController();
  #readAt = 0;

  constructor(backend: TaskBackend, session: Session, toasts: Toasts) {
    this.#backend = backend;
    this.#session = session;
    this.#toasts = toasts;
  }

  readonly rows = computed<readonly Row[]>(() => {
    const query = this.query.value;
    const rows: Row[] = [];
    for (const entry of this.#entries.value.values()) {
      const task = wanted(entry);
      const belongs = matches(query, task);
      const edited = this.editing.value?.key === entry.key && matches(query, entry.saved);
      if (entry.hidden || !(belongs || edited || this.#leaving.value.has(entry.key))) continue;
      const saving = entry.changes.length > 0 && entry.problem === null;
      rows.push({ key: entry.key, task, leaving: !belongs && !edited, saving, problem: entry.problem });
    }
    const byDue = query.status === "open";
    return rows.sort((a, b) => (byDue && compareDue(a.task.due, b.task.due)) || order(query, a.task, b.task));
  });

  /** Whether leaving the page now would lose changes. */
  readonly unsaved = computed(() => {
    const { value: editing } = this.editing;
    if (editing && Object.keys(difference(editing.base, editing.draft)).length > 0) return true;
    return [...this.#entries.value.values()].some(({ changes }) => changes.length > 0);
  });

  // Reading

  /** Opens another list at its beginning. */
  async open(query: TaskQuery): Promise<void> {
    batch(() => {
      this.query.value = query;
      this.phase.value = { is: "loading" };
      this.more.value = { is: "ready" };
      this.cursor.value = null;
      this.#leaving.value = new Set();
      this.#update((entries) => {
        for (const entry of entries.values()) if (this.#forgettable(entry)) entries.delete(entry.key);
      });
    });
    const page = await this.#read(query, null).catch((error) => this.#unreadable(error));
    if (!page) return;
    batch(() => {
      this.#receive(page);
      this.phase.value = { is: "ready" };
    });
    const count = this.rows.value.length;
    announce(count === 0 ? "No tasks" : `${count} ${count === 1 ? "task" : "tasks"}${page.cursor ? ", and more" : ""}`);
  }

  reopen(): Promise<void> {
    return this.open(this.query.value);
  }

  async loadMore(): Promise<void> {
    const { value: cursor } = this.cursor;
    if (cursor === null || this.phase.value.is !== "ready" || this.more.value.is === "loading") return;
    this.more.value = { is: "loading" };
    const before = this.rows.value.length;
    try {
      const page = await this.#read(this.query.value, cursor);
      if (!page) return;
      batch(() => {
        this.#receive(page);
        this.more.value = { is: "ready" };
      });
      announce(`${this.rows.value.length - before} more tasks`);
    } catch (error) {
      const why = Failure.of(error);
      // The cursor is no longer valid.
      if (why.kind === "invalid") return this.reopen();
      this.more.value = { is: "failed", why };
    }
  }

  /** Reads the first page again. Unchanged rows do not flicker. */
  async refresh(): Promise<void> {
    if (this.phase.value.is !== "ready" || Date.now() - this.#readAt < STALE_AFTER) return;
    const query = this.query.value;
    const page = await this.#read(query, null, { keepCursor: true }).catch(() => null);
    if (!page) return;
    const last = page.tasks.at(-1);
    const listed = new Set(page.tasks.map(({ id }) => id));
    batch(() => {
      this.#update((entries) => {
        for (const entry of entries.values()) {
          const { saved } = entry;
          // A task in the page's range that is missing from the page no longer belongs to this list.
          const covered = !page.cursor || (last !== undefined && order(query, saved, last) <= 0);
          const gone = covered && matches(query, saved) && !listed.has(saved.id);
          if (gone && this.#forgettable(entry)) entries.delete(entry.key);
        }
      });
      this.#receive(page, { keepCursor: this.cursor.value !== null });
    });
  }

  // Changing

  add(content: TaskContent): string {
    const entry = begun(content);
    this.#put(entry);
    this.#leaveSlowly(entry.key);
    announce(`Added ${content.title}`);
    this.#send(entry.key);
    return entry.key;
  }

  addAgain(key: string): void {
    const entry = this.#entries.value.get(key);
    if (!entry) return;
    this.#put({ ...entry, problem: null });
    this.#send(key);
  }

  discard(key: string): void {
    this.#drop(key);
    announce("Discarded");
  }

  complete(key: string, completed: boolean): void {
    const entry = this.#entries.value.get(key);
    if (!entry) return;
    const { title } = entry.saved;
    this.#change(key, { kind: "complete", completed });
    if (completed && this.query.value.status === "open") {
      const undo = { label: "Undo", run: () => this.complete(key, false) };
      this.#offer(key, { text: `Completed “${shorten(title)}”.`, tone: "info", action: undo });
    } else announce(completed ? `Completed ${title}` : `Reopened ${title}`);
  }

  edit(key: string): void {
    const entry = this.#entries.value.get(key);
    if (!entry || !isAdded(entry)) return;
    const base = wanted(entry);
    this.editing.value = { key, base, draft: base };
  }

  draft(content: Partial<TaskContent>): void {
    const { value } = this.editing;
    if (value) this.editing.value = { ...value, draft: { ...value.draft, ...content } };
  }

  stopEditing(): void {
    this.editing.value = null;
  }

  saveEditing(): void {
    const { value } = this.editing;
    if (!value) return;
    const patch = difference(value.base, value.draft);
    batch(() => {
      this.editing.value = null;
      if (Object.keys(patch).length === 0) return;
      this.#change(value.key, { kind: "edit", patch });
      this.#learnTags(value.draft.tags);
    });
    announce("Saved");
  }

  /**
   * Hides the task and deletes it after the undo period. Deleting it immediately and creating it again on undo would
   * lose its id, age, and completion, and the whole task if that request failed. This way, the worst that closing the
   * page can do is to keep the task.
   */
  remove(key: string): void {
    const entry = this.#entries.value.get(key);
    if (!entry) return;
    if (entry.problem !== null) {
      this.discard(key);
      return;
    }
    this.#put({ ...entry, hidden: true });
    this.#toasts.show({
      text: `Deleted “${shorten(wanted(entry).title)}”.`,
      tone: "info",
      action: { label: "Undo", run: () => this.#unhide(key) },
      onExpire: () => this.#change(key, { kind: "delete" }),
    });
  }

  resolve(conflict: Conflict, choice: "mine" | "theirs"): void {
    const entry = this.#entries.value.get(conflict.key);
    this.conflicts.value = this.conflicts.value.filter((other) => other !== conflict);
    if (!entry) return;
    const changes = choice === "mine" ? entry.changes : [];
    this.#put({ ...entry, saved: conflict.theirs, changes, hidden: choice === "mine" && entry.hidden });
    announce(choice === "mine" ? "Kept your version" : "Kept the other version");
    this.#send(conflict.key);
  }

  /** Sends all pending changes, including deletions, and waits for them for a limited time. */
  async settle(): Promise<void> {
    this.#toasts.dismissAll();
    const timeout = new Promise((resolve) => setTimeout(resolve, 3000));
    await Promise.race([Promise.all(this.#sending.values()), timeout]);
  }

  /** Sends deletions that can still be undone, without waiting for the response, because the page is being closed. */
  sendDeletionsNow(): void {
    for (const { hidden, changes, saved } of this.#entries.value.values()) {
      if (hidden && changes.length === 0) void this.#backend.remove(saved, { lastMoment: true }).catch(() => {});
    }
  }

  // Holding

  #change(key: string, change: Change): void {
    const entry = this.#entries.value.get(key);
    if (!entry) return;
    this.#put({ ...entry, changes: [...entry.changes, change] });
    this.#leaveSlowly(key);
    this.#send(key);
  }

  #unhide(key: string): void {
    const entry = this.#entries.value.get(key);
    if (!entry) return;
    this.#put({ ...entry, hidden: false });
    announce(`${entry.saved.title} is back`);
  }

  #offer(key: string, note: Note & Required<Pick<Note, "action">>): void {
    this.#offered.add(key);
    const { label, run } = note.action;
    const ended = () => this.#offered.delete(key);
    this.#toasts.show({
      ...note,
      action: {
        label,
        run: () => {
          ended();
          run();
        },
      },
      onExpire: ended,
    });
  }

  #leaveSlowly(key: string): void {
    this.#leaving.value = new Set(this.#leaving.value).add(key);
    setTimeout(() => {
      const rest = new Set(this.#leaving.value);
      rest.delete(key);
      this.#leaving.value = rest;
    }, LEAVES_AFTER);
  }

  #put(entry: Entry): void {
    this.#update((entries) => entries.set(entry.key, entry));
  }

  #drop(key: string): void {
    this.#update((entries) => entries.delete(key));
  }

  #update(change: (entries: Map<string, Entry>) => unknown): void {
    const entries = new Map(this.#entries.value);
    change(entries);
    this.#entries.value = entries;
  }

  #forgettable(entry: Entry): boolean {
    if (entry.changes.length > 0 || entry.hidden || this.#offered.has(entry.key)) return false;
    return this.editing.value?.key !== entry.key;
  }

  #learnTags(tags: readonly string[]): void {
    const known = new Set([...this.knownTags.value, ...tags]);
    if (known.size > this.knownTags.value.length) this.knownTags.value = [...known].sort((a, b) => a.localeCompare(b));
  }

  #receive(page: TaskPage, { keepCursor = false } = {}): void {
    if (!keepCursor) this.cursor.value = page.cursor;
    this.#learnTags(page.tasks.flatMap(({ tags }) => tags));
    this.#update((entries) => {
      const byId = new Map([...entries.values()].map((entry) => [entry.saved.id, entry]));
      for (const task of page.tasks) {
        const held = byId.get(task.id);
        if (this.#deleted.has(task.id)) continue;
        if (!held) entries.set(task.id, received(task));
        // An open form keeps its version, so that saving it does not silently overwrite a later one.
        else if (this.#forgettable(held) && task.version > held.saved.version) {
          entries.set(held.key, { ...held, saved: task });
        }
      }
    });
  }

  /** Returns a page, or null if another list was opened meanwhile. */
  async #read(query: TaskQuery, cursor: string | null, { keepCursor = false } = {}): Promise<TaskPage | null> {
    if (cursor === null && !keepCursor) {
      this.#reading.abort();
      this.#reading = new AbortController();
    }
    const { signal } = this.#reading;
    try {
      const page = await this.#session.keeping(() => this.#backend.list(query, cursor, signal));
      if (signal.aborted) return null;
      if (cursor === null) this.#readAt = Date.now();
      return page;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  #unreadable(error: unknown): null {
    const why = Failure.of(error);
    this.phase.value = { is: "failed", why };
    announce(`The tasks could not be loaded. ${why.reason}`);
    return null;
  }

  // Sending

  #send(key: string): void {
    if (this.#sending.has(key)) return;
    const sending = this.#sendAll(key).finally(() => {
      this.#sending.delete(key);
    });
    this.#sending.set(key, sending);
  }

  async #sendAll(key: string): Promise<void> {
    for (;;) {
      const entry = this.#entries.value.get(key);
      const change = entry?.changes[0];
      if (!entry || !change || this.conflicts.value.some((conflict) => conflict.key === key)) return;
      try {
        const saved = await this.#session.keeping(() => this.#request(entry, change));
        if (saved === null) {
          this.#deleted.add(entry.saved.id);
          return this.#drop(key);
        }
        const now = this.#entries.value.get(key);
        if (!now) return;
        this.#put({ ...now, saved, changes: now.changes.slice(1) });
        this.#learnTags(saved.tags);
      } catch (error) {
        return this.#takeBack(key, Failure.of(error));
      }
    }
  }

  /** Returns the task after the change, or null if it is deleted. */
  async #request({ saved }: Entry, change: Change): Promise<Task | null> {
    switch (change.kind) {
      case "add":
        return this.#backend.create(saved, change.idempotencyKey);
      case "edit":
        return this.#backend.update(saved, change.patch);
      case "complete":
        return this.#backend.complete(saved, change.completed);
      case "delete":
        await this.#backend.remove(saved);
        return null;
    }
  }

  async #takeBack(key: string, why: Failure): Promise<void> {
    const entry = this.#entries.value.get(key);
    if (!entry || why.kind === "session-ended") return;
    if (!isAdded(entry)) {
      // The draft stays in the list and can be retried with the same key.
      this.#put({ ...entry, problem: why.reason });
      return announce(`${entry.saved.title} is not saved. ${why.reason}`);
    }
    if (why.kind === "conflict") return this.#compare(entry);
    if (why.kind === "gone") return this.#lose(entry);
    this.#put({ ...entry, changes: [], hidden: false });
    const deleting = entry.changes.some(({ kind }) => kind === "delete");
    const title = shorten(entry.saved.title);
    this.#offer(key, {
      text: `“${title}” was not ${deleting ? "deleted" : "saved"}. ${why.reason}`,
      tone: "problem",
      action: { label: "Try again", run: () => this.#changeAgain(key, entry) },
    });
  }

  #changeAgain(key: string, { changes, hidden }: Entry): void {
    const entry = this.#entries.value.get(key);
    if (!entry) return;
    this.#put({ ...entry, changes, hidden });
    this.#leaveSlowly(key);
    this.#send(key);
  }

  /** Handles a conflicting change: the user chooses a version, unless both agree. */
  async #compare(entry: Entry): Promise<void> {
    try {
      const theirs = await this.#session.keeping(() => this.#backend.get(entry.saved.id));
      const now = this.#entries.value.get(entry.key) ?? entry;
      if (alreadyIn(theirs, now.changes)) return this.#put({ ...now, saved: theirs, changes: [] });
      const mine = now.changes.some(({ kind }) => kind === "delete") ? "deleted" : wanted(now);
      this.conflicts.value = [...this.conflicts.value, { key: entry.key, mine, theirs }];
      announce(`${theirs.title} was changed somewhere else. Choose a version.`);
    } catch (error) {
      const why = Failure.of(error);
      return this.#takeBack(entry.key, why.kind === "conflict" ? new Failure("unexpected") : why);
    }
  }

  #lose(entry: Entry): void {
    this.#drop(entry.key);
    this.#deleted.add(entry.saved.id);
    if (entry.changes.some(({ kind }) => kind === "delete")) return;
    const mine = wanted(entry);
    this.#toasts.show({
      text: `“${shorten(mine.title)}” was deleted somewhere else.`,
      tone: "problem",
      action: { label: "Add it again", run: () => this.add(mine) },
    });
  }
}

function shorten(title: string): string {
  const characters = [...title];
  return characters.length > 40 ? `${characters.slice(0, 39).join("")}…` : title;
}
