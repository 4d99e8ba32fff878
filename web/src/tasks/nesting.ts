/** Puts subtasks below their parents, where a list has both. */
import { type Signal, signal } from "@preact/signals";
import { byPosition } from "daylist-client/order";
import type { Row } from "./rows";

/** So many are kept, the newest ones: tasks that are gone do not fill the storage. */
const KEPT = 200;

export class Nesting {
  /** The tasks whose subtasks are not shown. They are kept on the device. */
  readonly #collapsed: Signal<ReadonlySet<string>>;
  /** Rows with their places. A row that stays the same has the same place, so that it is not drawn again. */
  readonly #placed = new WeakMap<Row, Row>();

  readonly #name: string;

  constructor(userId: string) {
    this.#name = `folded by ${userId}`;
    this.#collapsed = signal(new Set(JSON.parse(localStorage.getItem(this.#name) ?? "[]") as string[]));
  }

  /** The rows in order, each with its subtasks after it, but without those of the task whose form is open. */
  nest(rows: readonly Row[], opened: string | null): readonly Row[] {
    if (!rows.some(({ task }) => task.parent_id)) return rows;
    const ids = new Set(rows.map(({ task }) => task.id));
    const below = new Map<string, Row[]>();
    for (const row of rows) {
      const parent = row.task.parent_id;
      if (parent && ids.has(parent)) below.set(parent, [...(below.get(parent) ?? []), row]);
    }
    if (below.size === 0) return rows;
    return rows.flatMap((row) => {
      const { id, parent_id } = row.task;
      const subtasks = below.get(id);
      if (!subtasks) return parent_id && ids.has(parent_id) ? [] : [row];
      const isExpanded = !this.#collapsed.value.has(id);
      const parent = this.#place(row, { isExpanded });
      if (!isExpanded || id === opened) return [parent];
      const sorted = subtasks.toSorted((a, b) => byPosition(a.task, b.task));
      return [parent, ...sorted.map((subtask) => this.#place(subtask, { under: id }))];
    });
  }

  expand(id: string, isExpanded: boolean): void {
    if (this.#collapsed.peek().has(id) !== isExpanded) return;
    const collapsed = new Set(this.#collapsed.value);
    if (isExpanded) collapsed.delete(id);
    else collapsed.add(id);
    this.#collapsed.value = collapsed;
    if (collapsed.size === 0) localStorage.removeItem(this.#name);
    else localStorage.setItem(this.#name, JSON.stringify([...collapsed].slice(-KEPT)));
  }

  /** Deletes what is kept, for sign-out. */
  forget(): void {
    localStorage.removeItem(this.#name);
  }

  #place(row: Row, place: Pick<Row, "under" | "isExpanded">): Row {
    const before = this.#placed.get(row);
    if (before && before.under === place.under && before.isExpanded === place.isExpanded) return before;
    const placed = { ...row, ...place };
    this.#placed.set(row, placed);
    return placed;
  }
}
