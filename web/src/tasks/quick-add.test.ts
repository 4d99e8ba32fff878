import * as de from "chrono-node/de";
import * as en from "chrono-node/en";
import { afterAll, describe, expect, it, vi } from "vitest";
import { weekBegins } from "../preferences";
import { speak } from "../text";
import { dayFirst, finder } from "./dates";
import { linesOf, parseQuickAdd, tagsFor, withTag } from "./quick-add";

const SATURDAY = new Date("2026-11-21T15:00");
const findDate = finder([de.casual, dayFirst(en.GB, en.casual)]);
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
    ["@24th", "2026-11-24"],
    // It has passed this month.
    ["@1st", "2026-12-01"],
    // November has 30 days.
    ["@31.", "2026-12-31"],
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
    ["@dec 24", "2026-12-24"],
    ["@December 24th 9:30", at("2026-12-24T09:30")],
    ["@5/12/26 5pm", at("2026-12-05T17:00")],
    ["@morgen 17 Uhr", at("2026-11-22T17:00")],
    ["@31.12.", "2026-12-31"],
    ["@31.12. 20:00", at("2026-12-31T20:00")],
    ["@21.11. um 20 Uhr", at("2026-11-21T20:00")],
    ["@tomorrow evening", at("2026-11-22T18:00")],
    ["@tonight", at("2026-11-21T20:00")],
    ["@friday morning", at("2026-11-27T09:00")],
    // It has passed today.
    ["@morning", at("2026-11-22T09:00")],
    ["@tomorrow evening at 7", at("2026-11-22T19:00")],
    // It has passed this year.
    ["@5.1.", "2027-01-05"],
    ["@15.30 Uhr", at("2026-11-21T15:30")],
    ["@morgen um 9.15 Uhr", at("2026-11-22T09:15")],
  ])("takes the words of %s for a date", (marker, due) => {
    expect(parseQuickAdd(`Call ${marker}`, SATURDAY, findDate)).toMatchObject({ title: "Call", due });
  });

  it.each([
    ["en", "monday", "@next week", "2026-11-23"],
    ["en", "sunday", "@Next week 5pm", at("2026-11-22T17:00")],
    ["en", "monday", "@friday next week", "2026-11-27"],
    ["en", "monday", "@last friday", "2026-11-20"],
    ["en", "monday", "@this evening", at("2026-11-21T18:00")],
    ["en", "monday", "@this afternoon at 4", at("2026-11-21T16:00")],
    ["en", "monday", "@this friday evening", at("2026-11-27T18:00")],
    ["en", "monday", "@weekend", "2026-11-28"],
    ["de", "monday", "@Wochenende", "2026-11-28"],
    ["de", "monday", "@am Wochenende", "2026-11-28"],
    ["de", "monday", "@dieses Wochenende", "2026-11-28"],
    ["de", "monday", "@diesen Abend", at("2026-11-21T18:00")],
    ["en", "monday", "@last week", "2026-11-14"],
    ["de", "monday", "@letzten Freitag", "2026-11-20"],
    ["de", "monday", "@nächste Woche", "2026-11-23"],
    ["de", "saturday", "@nächste Woche um 17 Uhr", at("2026-11-28T17:00")],
    ["de", "monday", "@next week", "2026-11-23"],
    ["en", "monday", "@next week friday", "2026-11-27"],
    ["en", "saturday", "@next week on Friday evening", at("2026-12-04T18:00")],
    ["de", "monday", "@nächste Woche Freitag", "2026-11-27"],
    ["de", "monday", "@kommenden Freitag", "2026-11-27"],
    ["de", "monday", "@heute Abend", at("2026-11-21T18:00")],
    ["de", "monday", "@morgen früh", at("2026-11-22T09:00")],
    ["de", "monday", "@morgen", "2026-11-22"],
    ["de", "monday", "@Freitagabend", at("2026-11-27T18:00")],
    ["de", "monday", "@Sonntag Morgen", at("2026-11-22T09:00")],
  ] as const)("in %s, with weeks from %s, takes %s for the day of the menu", async (language, begins, marker, due) => {
    vi.stubGlobal("document", { documentElement: {} });
    vi.stubGlobal("localStorage", { setItem: () => {}, removeItem: () => {} });
    await speak(language);
    weekBegins.value = begins;
    expect(parseQuickAdd(`Call ${marker}`, SATURDAY, findDate)).toMatchObject({ title: "Call", due });
    weekBegins.value = "region";
    await speak("en");
    vi.unstubAllGlobals();
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

describe("a line that ends with the beginning of a tag", () => {
  const known = ["home", "Work", "work from home", "workshop"];

  it.each([
    ["Fix the brake #wo", ["Work", "workshop"]],
    ["Fix the brake #", ["home", "Work", "workshop"]],
    ["Fix the brake #work", ["workshop"]],
    ["#work Fix the brake #w", ["workshop"]],
    ["Fix the brake #x", []],
    ["Fix the brake#wo", []],
    ["Fix the brake #wo ", []],
    ["Fix the brake", []],
  ])("offers the tags that can follow: %s", (line, offered) => {
    expect(tagsFor(line, known)).toEqual(offered);
  });

  it("goes on after the tag", () => {
    expect(withTag("Buy #2 of #wo", "Work")).toBe("Buy #2 of #Work ");
  });
});

describe("a repetition in quick add", () => {
  afterAll(async () => {
    await speak("en");
    vi.unstubAllGlobals();
  });
  it.each([
    ["en", "Stretch every day", "FREQ=DAILY", "2026-11-21"],
    ["en", "Bins every monday #home", "FREQ=WEEKLY;BYDAY=MO", "2026-11-23"],
    ["en", "Bins every 2 weeks on tue and fri", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR", "2026-11-24"],
    ["en", "Bins every other Sunday 9am", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU", at("2026-11-22T09:00")],
    ["en", "Stretch every weekday 9:30", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", at("2026-11-23T09:30")],
    ["en", "Stretch every day 9:30", "FREQ=DAILY", at("2026-11-22T09:30")],
    ["en", "Rent every month tomorrow 9am", "FREQ=MONTHLY", at("2026-11-22T09:00")],
    ["en", "Milk tomorrow 9am every week", "FREQ=WEEKLY", at("2026-11-22T09:00")],
    ["en", "Bins friday every week", "FREQ=WEEKLY", "2026-11-27"],
    ["en", "Rent every month on the 1st", "FREQ=MONTHLY;BYMONTHDAY=1", "2026-12-01"],
    ["en", "Rent every month on the last day", "FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-30"],
    ["de", "Miete jeden Monat am letzten Tag", "FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-30"],
    ["en", "Rent @every 15th", "FREQ=MONTHLY;BYMONTHDAY=15", "2026-12-15"],
    ["en", "@monthly @2026-12-05 pay", "FREQ=MONTHLY", "2026-12-05"],
    ["en", "Water every! 3 days", "FREQ=DAILY;INTERVAL=3", "2026-11-21"],
    ["de", "Müll jeden Montag", "FREQ=WEEKLY;BYDAY=MO", "2026-11-23"],
    ["de", "Müll alle zwei Wochen #haus !hoch", "FREQ=WEEKLY;INTERVAL=2", "2026-11-21"],
    ["de", "Miete jeden 15.", "FREQ=MONTHLY;BYMONTHDAY=15", "2026-12-15"],
    ["de", "Dehnen jeden Werktag um 9 Uhr", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", at("2026-11-23T09:00")],
    ["de", "Bins every monday", "FREQ=WEEKLY;BYDAY=MO", "2026-11-23"],
    ["en", "Stretch every evening", "FREQ=DAILY", at("2026-11-21T18:00")],
    ["en", "Stretch every friday evening", "FREQ=WEEKLY;BYDAY=FR", at("2026-11-27T18:00")],
    ["en", "Review every first monday", "FREQ=MONTHLY;BYDAY=1MO", "2026-12-07"],
    ["en", "Review every 3rd friday of the month 9am", "FREQ=MONTHLY;BYDAY=3FR", at("2026-12-18T09:00")],
    ["en", "Review every month on the last friday", "FREQ=MONTHLY;BYDAY=-1FR", "2026-11-27"],
    ["en", "Review every second monday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-11-23"],
    ["en", "Review every second monday of the month", "FREQ=MONTHLY;BYDAY=2MO", "2026-12-14"],
    ["de", "Treffen jeden ersten Montag im Monat", "FREQ=MONTHLY;BYDAY=1MO", "2026-12-07"],
    ["de", "Treffen alle zwei Monate am letzten Freitag", "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR", "2026-11-27"],
    ["de", "Miete jeden Ersten", "FREQ=MONTHLY;BYMONTHDAY=1", "2026-12-01"],
    ["en", "Stretch every day until friday", "FREQ=DAILY;UNTIL=20261127", "2026-11-21"],
    ["en", "Stretch every day 9am until dec 24", "FREQ=DAILY;UNTIL=20261224", at("2026-11-22T09:00")],
    ["en", "Stretch @daily until friday", "FREQ=DAILY;UNTIL=20261127", "2026-11-21"],
    ["de", "Dehnen jeden Tag bis Freitag", "FREQ=DAILY;UNTIL=20261127", "2026-11-21"],
    ["de", "Dehnen jeden Morgen", "FREQ=DAILY", at("2026-11-22T09:00")],
    ["de", "Dehnen jeden Freitag abends", "FREQ=WEEKLY;BYDAY=FR", at("2026-11-27T18:00")],
  ] as const)("in %s: %s", async (language, line, rule, due) => {
    vi.stubGlobal("document", { documentElement: {} });
    await speak(language);
    const from = line.includes("!") && !line.includes("!hoch") ? "completion" : "due";
    const task = parseQuickAdd(line, SATURDAY, findDate);
    expect(task).toMatchObject({ due, recurrence: { rule, from } });
    expect(task.title).toMatch(/^\p{L}+$/u);
    expect(task.priority).toBe(line.includes("!hoch") ? "high" : "none");
  });

  it.each([
    "Read every book",
    "Fix every night light",
    "every day",
    "An apple every day keeps them away",
    "An apple every day keeps monday away",
    "Thank everyone",
    "Save every month 100",
    "Wait every day until later",
    "Müll jeden Montag",
  ])("is not in: %s", async (title) => {
    await speak("en");
    const task = parseQuickAdd(title, SATURDAY, findDate);
    expect(task).toMatchObject({ title, due: null });
    expect(task.recurrence).toBeUndefined();
  });

  it("gives way to a chosen day, and comes before that of the list", () => {
    const due = (line: string, days: object) => parseQuickAdd(line, SATURDAY, findDate, days).due;
    expect(due("Bins every monday", { chosen: "2026-12-07", usual: "2026-11-21" })).toBe("2026-12-07");
    expect(due("Bins every monday", { usual: "2026-11-21" })).toBe("2026-11-23");
    expect(due("Bins every week", { usual: "2026-11-22" })).toBe("2026-11-22");
  });
});

it("a pasted list is its lines without bullets", () => {
  const lines = ["Milk", "2 eggs", "Bread", "Paint", "Salt"];
  expect(linesOf("- Milk\r\n* 2 eggs\n\n1. Bread\n- [ ] Paint\n  • Salt \n")).toEqual(lines);
  const numbers = ["1.5 kg flour", "10.30 dentist", "-5 °C for the ice", "24. Dezember feiern"];
  expect(linesOf(numbers.join("\n"))).toEqual(numbers);
});
