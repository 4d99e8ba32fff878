/** Everything that one user's page needs. */
import { computed, effect, signal } from "@preact/signals";
import { TaskApi } from "daylist-client";
import { indexedDbStore } from "daylist-client/indexeddb";
import { byPosition } from "daylist-client/order";
import { TaskSync } from "daylist-client/sync";
import { earlyFetch, FIRST_TASKS, takeFirst } from "../early";
import type { User } from "../session/issuer";
import type { Session } from "../session/session";
import type { Settings } from "../settings";
import { now } from "../ui/clock";
import type { Toasts } from "../ui/toasts";
import { wait } from "../wait";
import { Actions } from "./actions";
import { findDate } from "./dates";
import { Deletions } from "./deletions";
import { Drafts } from "./drafts";
import { HEADING_ID } from "./element-ids";
import { Form } from "./form";
import { LocalTasks } from "./local-tasks";
import { dueFor, type TaskQuery } from "./query";
import { addTag, parseQuickAdd } from "./quick-add";
import { Refusals } from "./refusals";
import { RowFocus } from "./row-focus";
import { Rows } from "./rows";
import { prepare } from "./search";
import { Selection } from "./selection";
import type { Task, TaskContent } from "./task";
import { countsOf, tagsOf } from "./views";

/** How long signing out waits for pending changes, in milliseconds. */
const PATIENCE = 3_000;

export class Workbench {
  readonly tasks: LocalTasks;
  readonly drafts: Drafts;
  readonly form: Form;
  readonly deletions: Deletions;
  readonly rows: Rows;
  readonly actions: Actions;
  readonly refusals: Refusals;
  readonly selection: Selection;
  readonly focus = new RowFocus(HEADING_ID);
  /** The task whose menu is open, and where. */
  readonly menu = signal<{ readonly id: string; readonly near: DOMRect } | null>(null);
  readonly counts = computed(() => {
    const { tasks } = this.tasks.snapshot.value;
    return countsOf(
      [...tasks.values()].filter((task) => !this.deletions.hides(task, tasks)),
      now.value,
    );
  });
  /** The subtasks of each task that has some. */
  readonly subtasks = computed(() => {
    const { tasks } = this.tasks.snapshot.value;
    const children = new Map<string, Task[]>();
    for (const task of tasks.values()) {
      if (!task.parent_id || this.deletions.hides(task, tasks)) continue;
      children.set(task.parent_id, [...(children.get(task.parent_id) ?? []), task]);
    }
    for (const list of children.values()) list.sort(byPosition);
    return children;
  });
  readonly knownTags = computed(() => tagsOf(this.tasks.snapshot.value.tasks.values()));
  /** The known tags, first those that most open tasks have. */
  readonly usualTags = computed(() => {
    const counts = new Map(this.counts.value.tags.map(({ tag, count }) => [tag.toLowerCase(), count]));
    const countOf = (tag: string) => counts.get(tag.toLowerCase()) ?? 0;
    return this.knownTags.value.toSorted((a, b) => countOf(b) - countOf(a));
  });
  readonly api: TaskApi;
  readonly #session: Session;
  readonly #toasts: Toasts;

  constructor(settings: Settings, { id }: User, session: Session, toasts: Toasts) {
    // Not `me`: if another tab signs in as another user, this page must not reach their tasks.
    this.api = new TaskApi({
      ...settings,
      userId: id,
      onSessionOver: () => session.interrupt(),
      fetch: earlyFetch,
    });
    const sync = new TaskSync({ api: this.api, store: indexedDbStore(id), first: FIRST_TASKS });
    const first = takeFirst(id);
    this.tasks = new LocalTasks(sync, first);
    // Reads the tasks of the last visit while the page is drawn, unless it has tasks to draw. `start` handles the failure.
    if (first.length === 0) sync.start().catch(() => {});
    this.drafts = new Drafts(id);
    this.form = new Form(this.drafts);
    this.deletions = new Deletions(id, async (seen) => {
      this.drafts.drop(seen.id);
      this.drafts.keepSubtask(seen.id, "");
      if (sync.tasks.has(seen.id)) await sync.change([{ op: "delete", id: seen.id, seen }]);
    });
    this.rows = new Rows(id, this.tasks, this.form, this.deletions);
    this.selection = new Selection(this.rows);
    const { tasks, rows, focus, form, deletions } = this;
    this.actions = new Actions({ tasks, rows, focus, form, deletions, toasts });
    this.refusals = new Refusals(tasks, toasts);
    this.#session = session;
    this.#toasts = toasts;
  }

  /** Opens the local copy and starts to sync. Returns a function that stops it. */
  start(): () => void {
    const { tasks, deletions, refusals } = this;
    void tasks.start().then(() => deletions.start());
    const ends = [
      effect(() => {
        if (tasks.phase.value === "ready") void prepare(tasks.snapshot.peek().tasks.values());
      }),
      refusals.start(),
      this.selection.start(),
      this.drafts.start(),
      effect(() => this.form.follow(tasks.snapshot.value.tasks)),
      this.#session.whenRenewed(() => tasks.sync.resume()),
      effect(() => {
        const isRefused = tasks.status.value.phase === "signed-out";
        // If the sign-in dialog is open, the session is known to be over.
        if (isRefused && !this.#session.interrupted.peek()) void this.#session.check();
      }),
    ];
    return () => {
      for (const end of ends) end();
      deletions.stop();
      // Signing out deletes the local copy. A session that merely ended keeps it.
      const { value: state } = this.#session.state;
      const forgetting = state.is === "signed-out" && state.why !== "ended";
      if (forgetting) {
        deletions.forget();
        this.drafts.forget();
        this.rows.nesting.forget();
      }
      // If nothing could be stored, there is nothing to stop.
      tasks.stop({ forgetting }).catch(() => {});
    };
  }

  /** The task that a line makes in a list, with what is chosen beside it. */
  written(line: string, query: TaskQuery, { day, priority } = this.drafts.chosen.value): TaskContent {
    const days = { chosen: day, usual: dueFor(query, now.value) };
    const parsed = parseQuickAdd(line, now.value, findDate.value ?? undefined, days);
    const tags = [...parsed.tags];
    if (query.tag !== null) addTag(tags, query.tag);
    return { ...parsed, tags, priority: parsed.priority === "none" ? priority : parsed.priority };
  }

  /** Saves drafts, makes pending deletions, and sends pending changes. Returns the number of changes that could not be sent. */
  async settle(): Promise<number> {
    const { deletions, tasks } = this;
    this.#toasts.dismissAll();
    await this.drafts.stored();
    const { value: line } = this.drafts.line;
    await this.actions.saveDrafts(line.trim() === "" ? null : this.written(line, this.rows.query.value));
    await Promise.all(deletions.own.map(({ id }) => deletions.finish(id)));
    await tasks.sync.catchUp();
    if (tasks.sync.pending.length > 0) await Promise.race([tasks.sync.refresh(), wait(PATIENCE)]);
    return tasks.sync.pending.length;
  }

  /** Sends pending deletions while the page is closing, so that they need not wait for the next visit. */
  sendDeletions(): void {
    const { unsent } = this.tasks.snapshot.value;
    for (const { id, version } of this.deletions.own) {
      if (version === 0 || unsent.has(id)) continue;
      void this.api.deleteTask({ id, version }, { keepalive: true, retry: false }).catch(() => {});
    }
  }
}
