import { describe, expect, it } from "vitest";
import { matches, type TaskQuery } from "./query";
import type { Task } from "./task";
import { inOrder, sectionsOf, tagsOf } from "./views";

const NOW = new Date("2026-11-21T15:00:00");
const ALL: TaskQuery = { status: "all", priority: null, tag: null };

function task(id: string, changes: Partial<Task> = {}): Task {
  const at = "2026-11-01T00:00:00.000Z";
  const content = { title: id, description: null, completed: false, priority: "none", due: null, tags: [] } as const;
  return { ...content, tags: [], id, completed_at: null, created_at: at, updated_at: at, version: 1, ...changes };
}

function ids(tasks: readonly Task[], query: TaskQuery): string[] {
  const rows = tasks.filter((task) => matches(query, task)).map((task) => ({ task }));
  return inOrder(rows, query).map(({ task }) => task.id);
}

describe("a view", () => {
  const tasks = [
    task("1"),
    task("2", { due: "2026-11-25" }),
    task("3", { due: "2026-11-20", priority: "high", tags: ["home"] }),
    task("4", { completed: true, due: "2026-11-19", tags: ["home"] }),
    task("5", { due: "2026-11-25T09:00:00.000Z", priority: "high" }),
    task("6", { due: "2026-11-25" }),
    task("7", { completed: true, tags: ["homework"] }),
  ];

  it("sorts open tasks by due date, undated ones last", () => {
    expect(ids(tasks, { ...ALL, status: "open" })).toEqual(["3", "2", "6", "5", "1"]);
  });

  it("sorts completed tasks, and all tasks, newest first", () => {
    expect(ids(tasks, { ...ALL, status: "completed" })).toEqual(["7", "4"]);
    expect(ids(tasks, ALL)).toEqual(["7", "6", "5", "4", "3", "2", "1"]);
  });

  it("filters by tag and priority", () => {
    expect(ids(tasks, { ...ALL, tag: "home" })).toEqual(["4", "3"]);
    expect(ids(tasks, { ...ALL, priority: "high" })).toEqual(["5", "3"]);
    expect(ids(tasks, { ...ALL, status: "open", tag: "home", priority: "high" })).toEqual(["3"]);
    expect(ids(tasks, { ...ALL, tag: "hom" })).toEqual([]);
  });

  it("has a section for each due period, without empty ones", () => {
    const rows = inOrder(
      tasks.map((task) => ({ task })),
      { ...ALL, status: "open" },
    );
    const sections = sectionsOf(rows, NOW).map(({ group, rows }) => [group, ...rows.map(({ task }) => task.id)]);
    expect(sections).toEqual([
      ["overdue", "4", "3"],
      ["week", "2", "6", "5"],
      ["none", "1", "7"],
    ]);
  });

  it("lists every tag once, sorted", () => {
    const tagged = [task("1", { tags: ["Zoo", "ähre"] }), task("2", { tags: ["zebra", "ähre"] })];
    expect(tagsOf(tagged)).toEqual(["ähre", "zebra", "Zoo"]);
  });

  it("of 10,000 tasks is computed quickly", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => {
      const day = String((index % 28) + 1).padStart(2, "0");
      return task(String(index), { due: index % 3 === 0 ? null : `2026-12-${day}T09:00:00.000Z` });
    });
    const before = performance.now();
    expect(ids(many, { ...ALL, status: "open" })).toHaveLength(10_000);
    expect(performance.now() - before).toBeLessThan(500);
  });
});
