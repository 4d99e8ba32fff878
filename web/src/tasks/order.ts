/** Manual order: which positions a move changes. */
import { positionAt } from "daylist-client/order";
import type { Task } from "./task";

export interface Placement {
  readonly id: string;
  readonly position: string;
}

/**
 * Puts a task before the one at `index` of the others, which are in manual order. Those without a position are last: the ones that
 * it passes get positions, too.
 */
export function placements(others: readonly Task[], id: string, index: number): Placement[] {
  const placed = others.map(({ id, position = null }) => ({ id, position }));
  const given: Placement[] = [];
  for (const [at, other] of placed.entries()) {
    if (at === index) break;
    if (other.position !== null) continue;
    const position = positionAt(placed, at);
    placed[at] = { id: other.id, position };
    given.push({ id: other.id, position });
  }
  return [...given, { id, position: positionAt(placed, index) }];
}
