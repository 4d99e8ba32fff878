/** What a page of changes does to the store. */
import type { ChangesPage } from "../contract.js";
import { FIELDS, pick } from "./content.js";
import type { Current, StoreChange, StoredTask } from "./store.js";

/** Takes a page. After the last one of a pull from the beginning, what was not in it is gone. */
export function received(
  page: ChangesPage,
  { meta, outbox }: Current,
  tasks: ReadonlyMap<string, StoredTask>,
): StoreChange {
  const { epoch } = meta;
  const putTasks: StoredTask[] = [];
  const removeTasks: string[] = [];
  const arrived = new Set([...page.tasks, ...page.deleted].map(({ id }) => id));
  for (const given of page.tasks) {
    const known = tasks.get(given.id);
    const task = known && known.task.version >= given.version ? known.task : given;
    // The last moments of a pull come again with the next one.
    if (task !== known?.task || known.epoch !== epoch) putTasks.push({ task, epoch });
  }
  for (const { id } of page.deleted) {
    if (tasks.has(id)) removeTasks.push(id);
  }
  const isEnd = meta.isFromBeginning && !page.has_more;
  for (const [id, known] of isEnd ? tasks : []) {
    if (known.epoch !== epoch && !arrived.has(id)) removeTasks.push(id);
  }
  const gone = new Set(removeTasks);
  const putItems = outbox.flatMap((item) => {
    const known = gone.has(item.id) && item.op === "update" && item.applied === null ? tasks.get(item.id) : undefined;
    // With what was typed, the rest of the task can be written again.
    return known ? [{ ...item, base: { ...pick(known.task, FIELDS), ...item.base } }] : [];
  });
  // A whole pull that began after a change was applied has brought what it led to.
  const applied = page.has_more ? [] : outbox.filter((item) => item.applied !== null);
  const end = isEnd ? { isComplete: true, isFromBeginning: false } : {};
  return {
    meta: { token: page.next, ...end },
    putTasks,
    removeTasks,
    putItems,
    removeItems: applied.map(({ seq }) => seq),
  };
}

/** Begins again: the tasks that are here stay visible, and those that do not come again go at the end. */
export function startedOver({ meta }: Current): StoreChange {
  return { meta: { token: null, isFromBeginning: true, epoch: meta.epoch + 1 } };
}
