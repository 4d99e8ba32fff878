/** What a page of changes does to the store. */
import type { ChangesPage } from "../contract.js";
import { contentOf, type TaskDraft } from "./content.js";
import type { OutboxItem } from "./item.js";
import type { Current, StoreChange, StoredTask } from "./store.js";

type Tasks = ReadonlyMap<string, StoredTask>;

/**
 * Takes a page. A task that changes while further pages are read may be in none of them, and comes with the next pull: so what is
 * not there says something only of a pull in one page.
 */
export function received(page: ChangesPage, { meta, outbox }: Current, tasks: Tasks): StoreChange {
  const { epoch } = meta;
  const isWhole = !meta.hasMore && !page.has_more;
  const puts = new Map<string, StoredTask>();
  const removes = new Set<string>();
  for (const given of page.tasks) {
    const known = puts.get(given.id) ?? tasks.get(given.id);
    const task = known && known.task.version >= given.version ? known.task : given;
    // The last minutes of a pull come again with the next one.
    if (task !== known?.task || known.epoch !== epoch) puts.set(task.id, { task, epoch });
  }
  const arrived = new Map(page.tasks.map(({ id, version }) => [id, version]));
  for (const { id } of page.deleted) {
    arrived.set(id, Infinity);
    if (puts.delete(id) || tasks.has(id)) removes.add(id);
  }
  for (const [id, known] of isWhole && meta.isFromBeginning ? tasks : []) {
    if (known.epoch !== epoch && !arrived.has(id)) removes.add(id);
  }
  // With what was typed, the rest of a task that is gone can be written again. One that was created here may never have been pulled.
  const created = outbox.filter(({ op, applied }) => op === "create" && applied !== null);
  const drafts = new Map(created.map(({ id, changes }) => [id, changes as TaskDraft]));
  const putItems = outbox.flatMap((item) => {
    const { id, op, base, applied } = item;
    const isGone = removes.has(id) || arrived.get(id) === Infinity;
    const known = isGone && op === "update" && applied === null && (tasks.get(id)?.task ?? drafts.get(id));
    return known ? [{ ...item, base: { ...contentOf(known), ...base } }] : [];
  });
  const isHere = ({ id, applied }: OutboxItem) => applied !== null && (isWhole || (arrived.get(id) ?? 0) >= applied);
  return {
    meta: {
      token: page.next,
      hasMore: page.has_more,
      ...(!page.has_more && { isComplete: true }),
      ...(isWhole && { isFromBeginning: false }),
    },
    putTasks: [...puts.values()],
    removeTasks: [...removes],
    putItems,
    removeItems: outbox.filter(isHere).map(({ seq }) => seq),
  };
}

/** Begins again: the tasks that are here stay visible, and those that do not come again go at the end. */
export function startedOver({ meta }: Current): StoreChange {
  return { meta: { token: null, hasMore: false, isFromBeginning: true, epoch: meta.epoch + 1 } };
}

/**
 * Begins again after all tasks were erased: they go at once, and so does what waits to be written to them. A new task that was never
 * sent stays, because it was not erased; one that was sent without an answer may have been.
 */
export function erased(current: Current, tasks: Tasks): StoreChange {
  const isUnsent = ({ op, sent, applied }: OutboxItem) => op === "create" && sent === null && applied === null;
  const unsent = new Set(current.outbox.filter(isUnsent).map(({ id }) => id));
  const others = current.outbox.filter(({ id }) => !unsent.has(id));
  return { ...startedOver(current), removeTasks: [...tasks.keys()], removeItems: others.map(({ seq }) => seq) };
}
