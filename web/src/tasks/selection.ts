/** The tasks that are selected, to change all of them at once. */
import { computed, signal } from "@preact/signals";
import type { Rows } from "./rows";
import type { Task } from "./task";

export class Selection {
  readonly #chosen = signal<ReadonlySet<string>>(new Set());
  /** The user has asked to select, and may not have selected anything yet. */
  readonly #isAsked = signal(false);
  readonly #rows: Rows;
  /** Where a range starts. */
  #anchor: string | null = null;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  /** The selected tasks that are still in the list, in its order. */
  readonly tasks = computed<readonly Task[]>(() => {
    const chosen = this.#chosen.value;
    if (chosen.size === 0) return [];
    return this.#rows.all.value.flatMap(({ task }) => (chosen.has(task.id) ? [task] : []));
  });
  readonly isActive = computed(() => this.#isAsked.value || this.tasks.value.length > 0);

  /** Forgets the selection when the user goes to another list. Returns a function that ends that. */
  start(): () => void {
    let { list } = this.#rows.frame.peek();
    return this.#rows.frame.subscribe((frame) => {
      if (frame.list !== list) this.clear();
      list = frame.list;
    });
  }

  /** Lets the user select. */
  begin(): void {
    this.#isAsked.value = true;
  }

  has(id: string): boolean {
    return this.#chosen.value.has(id);
  }

  toggle(id: string): void {
    const chosen = new Set(this.#chosen.value);
    if (!chosen.delete(id)) chosen.add(id);
    this.#anchor = id;
    this.#chosen.value = chosen;
  }

  /** Selects everything between the last selected task and this one. */
  extend(id: string): void {
    const ids = this.#rows.all.value.map(({ task }) => task.id);
    const ends = [ids.indexOf(this.#anchor ?? id), ids.indexOf(id)].sort((a, b) => a - b) as [number, number];
    this.#chosen.value = new Set([...this.#chosen.value, ...ids.slice(Math.max(0, ends[0]), ends[1] + 1)]);
  }

  all(): void {
    this.#chosen.value = new Set(this.#rows.all.value.map(({ task }) => task.id));
  }

  clear(): void {
    this.#isAsked.value = false;
    this.#chosen.value = new Set();
  }
}
