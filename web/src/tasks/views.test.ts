import { describe, expect, it } from "vitest";
import { matching, OPEN, type TaskQuery } from "./query";
import type { Task } from "./task";
import { completedIn, countsOf, dueIn, inOrder, orderOf, sectionsOf, tagsOf } from "./views";

const NOW = new Date("2026-11-21T15:00:00");
const ALL: TaskQuery = { ...OPEN, list: "all" };

function task(id: string, changes: Partial<Task> = {}): Task {
  const at = "2026-11-01T00:00:00.000Z";
  const content = { title: id, description: null, completed: false, priority: "none", due: null, tags: [] } as const;
  return { ...content, tags: [], id, completed_at: null, created_at: at, updated_at: at, version: 1, ...changes };
}

function ids(tasks: readonly Task[], query: TaskQuery): string[] {
  return inOrder(tasks.filter(matching(query, NOW)), orderOf(query)).map(({ id }) => id);
}

describe("a view", () => {
  const tasks = [
    task("1"),
    task("2", { due: "2026-11-25" }),
    task("3", { due: "2026-11-20", priority: "high", tags: ["home"] }),
    task("4", { completed: true, completed_at: "2026-11-20T00:00:00.000Z", due: "2026-11-19", tags: ["Home"] }),
    task("5", { due: "2026-11-25T09:00:00.000Z", priority: "high" }),
    task("6", { due: "2026-11-25" }),
    task("7", { completed: true, completed_at: "2026-11-19T00:00:00.000Z", tags: ["homework"] }),
  ];

  it("sorts open tasks by due date, undated ones last", () => {
    expect(ids(tasks, { ...ALL, list: "open" })).toEqual(["3", "2", "6", "5", "1"]);
  });

  it("sorts completed tasks by completion, and all tasks by creation, newest first", () => {
    expect(ids(tasks, { ...ALL, list: "completed" })).toEqual(["4", "7"]);
    expect(ids(tasks, ALL)).toEqual(["7", "6", "5", "4", "3", "2", "1"]);
  });

  it.each([
    ["priority", ["3", "5", "2", "6", "1"]],
    ["created", ["6", "5", "3", "2", "1"]],
    ["title", ["1", "2", "3", "5", "6"]],
  ] as const)("sorts open tasks by %s", (sort, sorted) => {
    expect(ids(tasks, { ...OPEN, sort })).toEqual(sorted);
  });

  it("divides open tasks into those of today, with the overdue ones, and those to come", () => {
    expect(ids([...tasks, task("8", { due: "2026-11-21" })], { ...OPEN, list: "today" })).toEqual(["3", "8"]);
    expect(ids(tasks, { ...OPEN, list: "upcoming" })).toEqual(["2", "6", "5"]);
    const counts = countsOf(tasks, NOW);
    expect(counts).toMatchObject({ today: 1, overdue: 1, upcoming: 3, open: 5, tags: [{ tag: "home", count: 1 }] });
  });

  it("filters by tag in any case, and by priority", () => {
    expect(ids(tasks, { ...ALL, tag: "home" })).toEqual(["4", "3"]);
    expect(ids(tasks, { ...ALL, priority: "high" })).toEqual(["5", "3"]);
    expect(ids(tasks, { ...ALL, list: "open", tag: "home", priority: "high" })).toEqual(["3"]);
    expect(ids(tasks, { ...ALL, tag: "hom" })).toEqual([]);
  });

  it("has a section for each due period, without empty ones", () => {
    const rows = inOrder(tasks, "due").map((task) => ({ task }));
    const sections = (query: TaskQuery) =>
      sectionsOf(rows, query, NOW).map(({ title, rows }) => [title, ...rows.map(({ task }) => task.id)]);
    expect(sections(OPEN)).toEqual([
      ["Overdue", "4", "3"],
      ["Next 7 days", "2", "6", "5"],
      ["No date", "1", "7"],
    ]);
    expect(sections({ ...OPEN, sort: "title" })).toEqual([[null, "4", "3", "2", "6", "5", "1", "7"]]);
  });

  it("has a section for each day on which tasks were completed, and for each month before", () => {
    const at = (id: string, day: string) =>
      task(id, { completed: true, completed_at: new Date(`${day}T23:30`).toISOString() });
    const done = ["2026-11-21", "2026-11-20", "2026-11-20", "2026-11-08", "2026-11-07", "2026-11-01", "2025-11-20"];
    const all = done.map((day, index) => at(String(index + 1), day));
    const query: TaskQuery = { ...OPEN, list: "completed" };
    const rows = inOrder(all, orderOf(query)).map((task) => ({ task }));
    expect(sectionsOf(rows, query, NOW).map(({ title, count }) => [title, count])).toEqual([
      ["Today · Saturday 21 November", 1],
      ["Yesterday · Friday 20 November", 2],
      ["Sunday 8 November", 1],
      [expect.stringMatching(/^1\s?–\s?7 November 2026$/u), 2],
      ["November 2025", 1],
    ]);
    const [first] = all;
    const said = (section: string) => completedIn(section, first?.completed_at ?? null, NOW);
    expect([said("2026-11-21"), said("2026-11"), said("")]).toEqual(["", "Today", "Today"]);
  });

  it("keeps the place of a task that is reopened", () => {
    const at = (id: string, completed_at: string | null, updated_at = completed_at ?? "") =>
      task(id, { completed: completed_at !== null, completed_at, updated_at });
    const all = [
      at("1", "2026-11-21T09:00:00.000Z"),
      at("2", null, "2026-11-21T10:00:00.000Z"),
      at("3", "2026-11-21T11:00:00.000Z"),
    ];
    const query: TaskQuery = { ...OPEN, list: "completed" };
    const rows = inOrder(all, orderOf(query)).map((task) => ({ task }));
    expect(sectionsOf(rows, query, NOW).map(({ rows }) => rows.map(({ task }) => task.id))).toEqual([["3", "2", "1"]]);
  });

  it("counts a task in its own section, wherever it is shown, as the lists at the side do", () => {
    const pack = task("pack", { due: "2026-11-21" });
    const socks = task("socks", { parent_id: "pack" });
    const stove = task("stove", { due: "2026-11-21", parent_id: "trip" });
    const trip = task("trip", { due: "2026-12-24" });
    const rows = [{ task: pack }, { task: socks, under: "pack" }, { task: trip }];
    const all = [...rows, { task: stove }, { task: task("leaves", { due: "2026-11-21" }), isLeaving: true }];
    const sections = sectionsOf(rows, OPEN, NOW, all);
    expect(sections.map(({ title, count }) => [title, count])).toEqual([
      ["Today", 2],
      ["Later", 1],
    ]);
    expect(countsOf([pack, socks, stove, trip], NOW)).toMatchObject({ today: 2 });
  });

  it.each([
    ["today", "2026-11-21", ""],
    ["today", "2026-11-21T18:30", "18:30"],
    ["today", "2026-11-20", "Yesterday"],
    ["2026-11-22", "2026-11-22T18:30", "18:30"],
    ["overdue", "2026-11-20", "Yesterday"],
    ["2026-12", "2026-12-24", "24 Dec"],
  ])("says the due date below the heading “%s” without what that says", (section, due, words) => {
    const moment = due.includes("T") ? new Date(due).toISOString() : due;
    expect(dueIn(section, moment, NOW)).toBe(words);
  });

  it("lists every tag once, sorted", () => {
    const tagged = [task("1", { tags: ["Zoo", "ähre"] }), task("2", { tags: ["zebra", "ähre"] })];
    expect(tagsOf(tagged)).toEqual(["ähre", "zebra", "Zoo"]);
  });

  it("is sorted without looking at a due date more than once", () => {
    let looks = 0;
    const many = Array.from({ length: 100 }, (_, index) => ({
      ...task(String(index)),
      get due() {
        looks += 1;
        return `2026-12-${String((index % 28) + 1).padStart(2, "0")}T09:00:00.000Z`;
      },
    }));
    expect(inOrder(many, "due")).toHaveLength(100);
    expect(looks).toBe(100);
  });
});
