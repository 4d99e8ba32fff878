/** Manual order: tasks are moved among those of the same parent. */
import type { Task } from "./task";
import type { Workbench } from "./workbench";

/** Moves a task by one place, unless it is the first or the last one. */
export function moveBy(bench: Workbench, id: string, by: 1 | -1): void {
  bench.actions.moveNext(() => {
    const tasks = siblingsOf(bench, id);
    const from = tasks.findIndex((task) => task.id === id);
    const [task] = tasks.splice(from, 1);
    const to = from + by;
    if (task && to >= 0 && to <= tasks.length) return bench.actions.place(tasks, task, to);
  });
}

/** Puts a dragged task before or after another one. */
export function drop(bench: Workbench, id: string | undefined, target: string, isAfter: boolean): void {
  const tasks = siblingsOf(bench, id);
  const task = tasks.find((task) => task.id === id);
  const others = tasks.filter((other) => other !== task);
  const index = others.findIndex((other) => other.id === target);
  if (task && index >= 0) void bench.actions.place(others, task, index + (isAfter ? 1 : 0));
}

function siblingsOf(bench: Workbench, id: string | undefined): Task[] {
  const rows = bench.rows.all.value;
  const row = rows.find(({ task }) => task.id === id);
  return rows.filter(({ under }) => under === row?.under).map(({ task }) => task);
}
