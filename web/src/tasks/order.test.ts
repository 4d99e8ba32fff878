import { expect, it } from "vitest";
import { placements } from "./order";
import type { Task } from "./task";
import { inOrder } from "./views";

function task(id: string, position: string | null = null): Task {
  const at = "2026-11-01T00:00:00.000Z";
  const content = { title: id, description: null, completed: false, priority: "none", due: null, tags: [] } as const;
  return { ...content, tags: [], position, id, completed_at: null, created_at: at, updated_at: at, version: 1 };
}

it.each([
  [["a:a0", "b:a1", "c:a2"], "c", 0, "cab", 1],
  [["a:a0", "b:a1", "c:a2"], "a", 2, "bca", 1],
  [["a:a0", "b:a1", "c:a2"], "a", 1, "bac", 1],
  // Those without a position that it passes get one.
  [["a", "b", "c", "d"], "a", 2, "bcad", 3],
  [["a:a0", "b", "c"], "c", 1, "acb", 1],
  [["a:a0", "b:a0", "c:a1"], "c", 2, "abc", 1],
])("%j: %s goes to %i", (list, id, index, order, changed) => {
  const tasks = list.map((text) => task(...(text.split(":") as [string, string?])));
  const moves = new Map(
    placements(
      tasks.filter((task) => task.id !== id),
      id,
      index,
    ).map(({ id, position }) => [id, position]),
  );
  expect(moves.size).toBe(changed);
  const moved = tasks.map((task) => ({ ...task, position: moves.get(task.id) ?? task.position ?? null }));
  expect(
    inOrder(moved, "manual")
      .map(({ id }) => id)
      .join(""),
  ).toBe(order);
});
