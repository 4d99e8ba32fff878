import { expect, it } from "vitest";
import { formatRoute, parseRoute } from "./route";

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
