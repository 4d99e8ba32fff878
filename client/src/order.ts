/** Manual order: positions as the API makes them too, so that a task can be moved without a connection. */
import { generateKeyBetween } from "fractional-indexing";
import type { Task } from "./contract.js";

type Placed = Pick<Task, "id"> & { readonly position?: Task["position"] | null };

/** Sorts tasks as the API lists them in manual order: those without a position last. */
export function byPosition(a: Placed, b: Placed): number {
  return compare(a.position ?? "~", b.position ?? "~") || compare(a.id, b.id);
}

/**
 * The position of a task that goes before the one at `index` of a list in manual order, in which it is not itself; at the end, after
 * all that have a position. Between tasks with the same position there is no room: then it is before all of them.
 */
export function positionAt(list: readonly Placed[], index: number): string {
  const high = list[index]?.position ?? null;
  const low = list.slice(0, index).findLast(({ position = null }) => position !== null && position !== high);
  return generateKeyBetween(low?.position ?? null, high);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
