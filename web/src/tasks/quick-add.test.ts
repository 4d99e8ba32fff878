import * as de from "chrono-node/de";
import * as en from "chrono-node/en";
import { describe, expect, it } from "vitest";
import { finder } from "./dates";
import { linesOf, parseQuickAdd } from "./quick-add";

const SATURDAY = new Date("2026-11-21T15:00");
const findDate = finder([de.casual, en.GB]);
const at = (local: string) => new Date(local).toISOString();

describe("a line of quick add", () => {
  it("without markers is a title", () => {
    const plain = { description: null, priority: "none", due: null, tags: [] };
    expect(parseQuickAdd("  Buy  milk today ", SATURDAY, findDate)).toEqual({ title: "Buy milk today", ...plain });
  });

  it("can have tags, a priority, and a date", () => {
    expect(parseQuickAdd("#shop Buy milk !high @tomorrow #home #Shop", SATURDAY)).toMatchObject({
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
    ["@18:30", at("2026-11-21T18:30")],
    // It has passed today.
    ["@9:30", at("2026-11-22T09:30")],
    ["@5pm", at("2026-11-21T17:00")],
    ["@12am", at("2026-11-22T00:00")],
    ["@tomorrow @5pm", at("2026-11-22T17:00")],
  ])("takes %s for a date, with and without the library", (marker, due) => {
    for (const find of [findDate, undefined]) {
      expect(parseQuickAdd(`Call ${marker}`, SATURDAY, find)).toMatchObject({ title: "Call", due });
    }
  });

  it.each([
    ["@tomorrow 5pm", at("2026-11-22T17:00")],
    ["@next friday at 9:15 #work", at("2026-11-27T09:15")],
    ["@in 2 weeks", "2026-12-05"],
    ["@1 dec", "2026-12-01"],
    ["@5/12", "2026-12-05"],
    ["@morgen 17 Uhr", at("2026-11-22T17:00")],
  ])("takes the words of %s for a date", (marker, due) => {
    expect(parseQuickAdd(`Call ${marker}`, SATURDAY, findDate)).toMatchObject({ title: "Call", due });
  });

  it("keeps the words after a date", () => {
    const parsed = parseQuickAdd("@tomorrow 8am feed 3 cats", SATURDAY, findDate);
    expect(parsed).toMatchObject({ title: "feed 3 cats", due: at("2026-11-22T08:00") });
  });

  it("keeps text that only looks like a marker", () => {
    const title = "Fix #42 in C# with @ada and @mark for 100%! @2027-02-30 !now @25:00 @13pm";
    for (const find of [findDate, undefined]) {
      expect(parseQuickAdd(title, SATURDAY, find)).toMatchObject({ title, tags: [], due: null, priority: "none" });
    }
  });
});

it("a pasted list is its lines without bullets", () => {
  const lines = ["Milk", "2 eggs", "Bread", "Paint", "Salt"];
  expect(linesOf("- Milk\r\n* 2 eggs\n\n1. Bread\n- [ ] Paint\n  • Salt \n")).toEqual(lines);
});
