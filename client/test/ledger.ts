/** What became of everything that was typed, for tests with random schedules. */

type Text = "title" | "description";

/** Every text that was typed is one of its own, so that what became of it can be followed. */
export class Ledger {
  readonly #typed: { id: string; field: Text; text: string }[] = [];
  /** What a text was replaced with by somebody who saw it. */
  readonly #next = new Map<string, Set<string>>();
  readonly #givenUp = new Set<string>();
  readonly #parents = new Map<string, string>();

  typed(id: string, field: Text, text: string | undefined): void {
    if (text !== undefined) this.#typed.push({ id, field, text });
  }

  replaced(id: string, field: Text, from: string | null, to: string | null | undefined): void {
    const key = `${id} ${field} ${from}`;
    this.#next.set(key, (this.#next.get(key) ?? new Set()).add(`${id} ${field} ${to}`));
  }

  givenUp(id: string, field: Text, text: string | null): void {
    this.#givenUp.add(`${id} ${field} ${text}`);
  }

  /** A subtask is given up with its parent. */
  isUnder(id: string, parent: string): void {
    this.#parents.set(id, parent);
  }

  /** What is nowhere, without anybody having seen it go. */
  lost(tasks: ReadonlyMap<string, Partial<Record<Text, string | null>>>): string[] {
    const isAccounted = (key: string, final: string, seen: Set<string>): boolean => {
      if (key === final || this.#givenUp.has(key)) return true;
      if (seen.has(key)) return false;
      seen.add(key);
      return [...(this.#next.get(key) ?? [])].some((next) => isAccounted(next, final, seen));
    };
    const isLost = ({ id, field, text }: { id: string; field: Text; text: string }) =>
      !isAccounted(`${id} ${field} ${text}`, `${id} ${field} ${tasks.get(id)?.[field]}`, new Set());
    const hasParent = ({ id }: { id: string }) => tasks.has(this.#parents.get(id) ?? id) || !this.#parents.has(id);
    return this.#typed
      .filter((typed) => hasParent(typed) && isLost(typed))
      .map(({ id, field, text }) => `${id} ${field} ${text}`);
  }
}
