import { expect, it } from "vitest";
import { formatRoute, isRoute, parseRoute } from "./route";

it("an address selects a list", () => {
  for (const query of [
    { status: "open", priority: null, tag: null },
    { status: "all", priority: "high", tag: "büro & heim" },
  ] as const) {
    expect(parseRoute(formatRoute(query))).toEqual(query);
  }
});

it("an unknown address shows the open tasks", () => {
  expect(parseRoute("#/nonsense?priority=urgent&tag=")).toEqual({ status: "open", priority: null, tag: null });
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
