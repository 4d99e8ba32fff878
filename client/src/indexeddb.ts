/** A store in IndexedDB: it survives a reload, and the tabs of a browser share it. */
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from "idb";
import type { OutboxItem } from "./sync/item.js";
import { type Meta, NEW_META, numbered, type StoredTask, type SyncStore } from "./sync/store.js";

interface Schema extends DBSchema {
  meta: { key: string; value: Meta };
  tasks: { key: string; value: StoredTask };
  outbox: { key: number; value: OutboxItem };
}

const META = "meta";

/**
 * Keeps the tasks and the outbox of this user, in a database of their own. Give the id of the user, not `me`: what one user
 * leaves behind must not be sent in another's name.
 */
export function indexedDbStore(userId: string): SyncStore {
  const name = `tasks of ${userId}`;
  let opened: Promise<IDBPDatabase<Schema>> | null = null;
  const open = () => {
    opened ??= openDB<Schema>(name, 1, {
      upgrade(database) {
        database.createObjectStore("meta");
        database.createObjectStore("tasks", { keyPath: "task.id" });
        database.createObjectStore("outbox", { keyPath: "seq" });
      },
      // Another tab deletes the data, or has a newer version of this program.
      blocking() {
        close();
      },
      terminated() {
        opened = null;
      },
    });
    return opened;
  };
  const close = () => {
    void opened?.then((database) => database.close());
    opened = null;
  };
  return {
    shared: name,
    async read() {
      const transaction = (await open()).transaction(["meta", "tasks", "outbox"]);
      const [meta, tasks, outbox] = await Promise.all([
        transaction.objectStore("meta").get(META),
        transaction.objectStore("tasks").getAll(),
        transaction.objectStore("outbox").getAll(),
      ]);
      return { meta: { ...NEW_META, ...meta }, tasks, outbox };
    },
    async change(edit) {
      const transaction = (await open()).transaction(["meta", "tasks", "outbox"], "readwrite");
      const stores = {
        meta: transaction.objectStore("meta"),
        tasks: transaction.objectStore("tasks"),
        outbox: transaction.objectStore("outbox"),
      };
      const [known, outbox] = await Promise.all([stores.meta.get(META), stores.outbox.getAll()]);
      const meta = { ...NEW_META, ...known };
      let given: ReturnType<typeof edit>;
      try {
        given = edit({ meta, outbox });
      } catch (error) {
        transaction.abort();
        await transaction.done.catch(() => {});
        throw error;
      }
      if (!given) {
        await transaction.done;
        return null;
      }
      const change = numbered(given, meta);
      await Promise.all([
        stores.meta.put({ ...meta, ...change.meta }, META),
        ...(change.putTasks ?? []).map((task) => stores.tasks.put(task)),
        ...(change.removeTasks ?? []).map((id) => stores.tasks.delete(id)),
        ...(change.putItems ?? []).map((item) => stores.outbox.put(item)),
        ...(change.removeItems ?? []).map((seq) => stores.outbox.delete(seq)),
        transaction.done,
      ]);
      return change;
    },
    async clear() {
      close();
      await deleteDB(name);
    },
    close,
  };
}
