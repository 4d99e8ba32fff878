/** The tasks as a collection of TanStack DB. */
import type { CollectionConfig } from "@tanstack/db";
import type { Task } from "./contract.js";
import { newTaskId } from "./ids.js";
import { contentOf, fieldsOf, pick, type TaskDraft } from "./sync/content.js";
import type { Changed } from "./sync/state.js";
import type { LocalChange, TaskSync } from "./sync/task-sync.js";

export interface TaskCollectionOptions {
  /** What keeps the tasks of the user in step. The collection starts it, and the application stops it. */
  readonly sync: TaskSync;
  readonly id?: string;
}

/**
 * Options for `createCollection`. The collection shows what `sync` shows: the tasks of the API with the changes that wait in the
 * outbox, which survive a reload. A transaction is persisted when its changes are in the outbox, and so it is without a network.
 * What the API then refuses is among `sync.refused`.
 */
export function taskCollectionOptions({ sync, id = "tasks" }: TaskCollectionOptions) {
  const options: CollectionConfig<Task, string> = {
    id,
    getKey: (task) => task.id,
    sync: {
      rowUpdateMode: "full",
      sync({ begin, write, commit, truncate, markReady, markError }) {
        /** The rows that the collection has from here. */
        const rows = new Set<string>();
        let isStarted = false;
        const showAll = () => {
          begin();
          truncate({ markReady: false });
          rows.clear();
          for (const task of sync.tasks.values()) {
            rows.add(task.id);
            write({ type: "insert", value: task });
          }
          commit();
        };
        const show = (ids: ReadonlySet<string>) => {
          begin();
          for (const id of ids) {
            const task = sync.tasks.get(id);
            const isKnown = rows.has(id);
            if (task) {
              rows.add(id);
              write({ type: isKnown ? "update" : "insert", value: task });
            } else if (isKnown) {
              rows.delete(id);
              write({ type: "delete", key: id });
            }
          }
          commit();
        };
        const unsubscribe = sync.subscribe((changed: Changed) => {
          if (!isStarted) return;
          if (changed === "all") showAll();
          else show(changed);
          // Before the first pull has ended, tasks may be missing.
          if (sync.isComplete) markReady();
        });
        const unsubscribeStatus = sync.onStatus(() => {
          if (isStarted && sync.isComplete) markReady();
        });
        sync.start().then(() => {
          isStarted = true;
          showAll();
          if (sync.isComplete) markReady();
        }, markError);
        return () => {
          isStarted = false;
          unsubscribe();
          unsubscribeStatus();
        };
      },
    },
    onInsert: ({ transaction }) => keep(sync, transaction.mutations),
    onUpdate: ({ transaction }) => keep(sync, transaction.mutations),
    onDelete: ({ transaction }) => keep(sync, transaction.mutations),
  };
  return options;
}

/** A task for `collection.insert`: with an id, and what the API gives a task that lacks it. */
export function newTask(draft: TaskDraft, id: string = newTaskId()): Task {
  const content = contentOf(draft);
  const at = new Date().toISOString();
  const completed_at = content.completed ? at : null;
  return { ...content, id, completed_at, created_at: at, updated_at: at, version: 0 };
}

/** What TanStack DB says of a change. */
interface Mutation {
  readonly type: "insert" | "update" | "delete";
  readonly key: unknown;
  readonly modified: Task;
  readonly changes: Partial<Task>;
}

/** Puts the changes of a transaction into the outbox, all or none. When it is done, the collection has them from `sync`. */
async function keep(sync: TaskSync, mutations: readonly Mutation[]): Promise<void> {
  await sync.change(
    mutations.map(({ type, key, modified, changes }): LocalChange => {
      const id = String(key);
      if (type === "insert") return { op: "create", id, task: modified };
      return type === "update"
        ? { op: "update", id, changes: pick(modified, fieldsOf(changes)) }
        : { op: "delete", id };
    }),
  );
}
