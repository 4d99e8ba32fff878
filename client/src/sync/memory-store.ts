/** A store that forgets: for tests, and for servers that render. */
import type { OutboxItem } from "./item.js";
import { type Meta, NEW_META, numbered, type StoredTask, type SyncStore } from "./store.js";

export function memoryStore(): SyncStore {
  let meta: Meta = NEW_META;
  const tasks = new Map<string, StoredTask>();
  const outbox = new Map<number, OutboxItem>();
  const current = () => ({ meta, outbox: [...outbox.values()].sort((a, b) => a.seq - b.seq) });
  return {
    shared: null,
    async read() {
      return { ...current(), tasks: [...tasks.values()] };
    },
    async change(edit) {
      const given = edit(current());
      if (!given) return null;
      const change = numbered(given, meta);
      meta = { ...meta, ...change.meta };
      for (const task of change.putTasks ?? []) tasks.set(task.task.id, task);
      for (const id of change.removeTasks ?? []) tasks.delete(id);
      for (const item of change.putItems ?? []) outbox.set(item.seq, item);
      for (const seq of change.removeItems ?? []) outbox.delete(seq);
      return change;
    },
    async clear() {
      meta = NEW_META;
      tasks.clear();
      outbox.clear();
    },
    close() {},
  };
}
