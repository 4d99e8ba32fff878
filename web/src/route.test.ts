import { expect, it } from "vitest";
import { formatRoute, isRoute, parseRoute } from "./route";
import { OPEN } from "./tasks/query";

it("an address selects a list", () => {
  for (const query of [
    OPEN,
    { ...OPEN, list: "all", priority: "high", tag: "büro & heim" },
    { ...OPEN, list: "upcoming", layout: "week", sort: "priority" },
    { ...OPEN, list: "search", text: "#1 & more" },
  ] as const) {
    expect(parseRoute(formatRoute(query))).toEqual(query);
  }
});

it("an unknown address shows what is due today", () => {
  const address = "#/nonsense?priority=urgent&tag=&sort=up&layout=week&q=x";
  expect(parseRoute(address)).toEqual({ ...OPEN, list: "today" });
});

it("an address of no list is recognized", () => {
  for (const [hash, isKnown] of [
    ["", true],
    ["#/all?tag=home", true],
    ["#/nowhere", false],
    ["#open tasks", false],
  ] as const) {
    expect(isRoute(hash)).toBe(isKnown);
  }
});
