import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { addDays, daysAhead, describeDue, dueOrder, fromLocal, groupOf, toLocal } from "./due";

const zone = process.env.TZ;
beforeAll(() => {
  vi.stubGlobal("navigator", { language: "en-GB" });
  process.env.TZ = "America/New_York";
});
afterAll(() => {
  vi.unstubAllGlobals();
  process.env.TZ = zone;
});

const now = new Date("2026-11-21T15:00:00Z");

describe("the days that tasks are put off to", () => {
  it.each(["2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"])("are in order on %s", (today) => {
    const days = daysAhead(today).map(([, day]) => day);
    expect(days).toEqual([...days].sort());
  });
});

describe("a due date", () => {
  it.each([
    ["2026-11-20", "overdue"],
    ["2026-11-21T14:59:00.000Z", "overdue"],
    ["2026-11-21", "today"],
    // After midnight in UTC, but still this evening in New York.
    ["2026-11-22T02:00:00.000Z", "today"],
    ["2026-11-22", "week"],
    ["2026-11-27", "week"],
    ["2026-11-28", "later"],
    [null, "none"],
  ])("%s is grouped under %s", (due, group) => {
    expect(groupOf(due, now)).toBe(group);
  });

  it.each([
    ["2026-11-21", "Today"],
    ["2026-11-20", "Yesterday"],
    ["2026-11-22T19:30:00.000Z", "Tomorrow, 14:30"],
    ["2026-11-25", "Wednesday"],
    ["2026-12-24", "24 Dec"],
    ["2028-01-04", "4 Jan 2028"],
  ])("%s reads %s", (due, words) => {
    expect(describeDue(due, now)).toBe(words);
  });

  it("has the clock of the browser's language", () => {
    for (const [language, words] of [
      ["en-US", /^Tomorrow, 2:30\sPM$/u],
      ["de-DE", /^Tomorrow, 14:30$/u],
    ] as const) {
      vi.stubGlobal("navigator", { language });
      expect(describeDue("2026-11-22T19:30:00.000Z", now)).toMatch(words);
    }
  });

  it("survives a form unchanged", () => {
    for (const due of ["2026-11-30", "2026-11-30T09:05:00.000Z", null]) expect(fromLocal(toLocal(due))).toBe(due);
  });

  it("sorts by local day, tasks without a time first, undated ones last", () => {
    const dues = [null, "2026-11-22", "2026-11-22T02:00:00.000Z", "2026-11-21"];
    expect(dues.toSorted((a, b) => (dueOrder(a) < dueOrder(b) ? -1 : 1))).toEqual([
      "2026-11-21",
      "2026-11-22T02:00:00.000Z",
      "2026-11-22",
      null,
    ]);
  });
});

it("days are added across daylight saving changes", () => {
  expect(addDays("2026-10-31", 1)).toBe("2026-11-01");
  expect(addDays("2026-11-01", 1)).toBe("2026-11-02");
  expect(addDays("2026-01-01", -1)).toBe("2025-12-31");
});
