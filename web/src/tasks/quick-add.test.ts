import { describe, expect, it } from "vitest";
import { parseQuickAdd } from "./quick-add";

const SATURDAY = "2026-11-21";

describe("a line of quick add", () => {
  it("without markers is a title", () => {
    const plain = { description: null, priority: "none", due: null, tags: [] };
    expect(parseQuickAdd("  Buy  milk today ", SATURDAY)).toEqual({ title: "Buy milk today", ...plain });
  });

  it("can have tags, a priority, and a date", () => {
    expect(parseQuickAdd("#shop Buy milk !high @tomorrow #home", SATURDAY)).toMatchObject({
      title: "Buy milk",
      priority: "high",
      due: "2026-11-22",
      tags: ["shop", "home"],
    });
  });

  it.each([
    ["@today", "2026-11-21"],
    ["@sat", "2026-11-28"],
    ["@Sunday", "2026-11-22"],
    ["@fri", "2026-11-27"],
    ["@2027-02-01", "2027-02-01"],
    ["@9:30", new Date("2026-11-21T09:30").toISOString()],
  ])("takes %s for a date", (marker, due) => {
    expect(parseQuickAdd(`Call ${marker}`, SATURDAY)).toMatchObject({ title: "Call", due });
  });

  it("keeps text that only looks like a marker", () => {
    const title = "Fix #42 in C# with @ada for 100%! @2027-02-30 !now";
    expect(parseQuickAdd(title, SATURDAY)).toMatchObject({ title, tags: [], due: null, priority: "none" });
  });
});
