import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { weekBegins } from "../preferences";
import { speak } from "../text";
import { startOfWeek } from "./due";
import { describeRecurrence, dueWith, repetitionOf, ruleOf } from "./recurrence";

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: {} });
});
afterEach(async () => {
  await speak("en");
  vi.unstubAllGlobals();
});

it.each([
  ["FREQ=DAILY", "Every day", "Jeden Tag"],
  ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every weekday", "Jeden Werktag"],
  ["FREQ=WEEKLY;BYDAY=MO,TH", "Every Monday and Thursday", "Jeden Montag und Donnerstag"],
  ["FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,SU", "Every 2 weeks on Mon, Wed and Sun", "Alle 2 Wochen am Mo, Mi und So"],
  ["FREQ=MONTHLY;BYMONTHDAY=-1", "Every month on the last day", "Jeden Monat am letzten Tag"],
  ["FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15", "Every 3 months on day 15", "Alle 3 Monate am 15."],
  ["FREQ=MONTHLY;BYDAY=1MO", "Every month on the first Monday", "Jeden Monat am ersten Montag"],
  ["FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR", "Every 2 months on the last Friday", "Alle 2 Monate am letzten Freitag"],
  ["FREQ=YEARLY;UNTIL=20281224", "Every year, until 24 Dec 2028", "Jedes Jahr, bis 24. Dez. 2028"],
  ["FREQ=DAILY;INTERVAL=3;COUNT=10", "Every 3 days, 10 times", "Alle 3 Tage, 10-mal"],
])("%s is read, written, and described", async (rule, english, german) => {
  vi.stubGlobal("navigator", { language: "en-GB" });
  const repetition = repetitionOf(rule);
  expect(repetition && ruleOf(repetition)).toBe(rule);
  expect(describeRecurrence({ rule, from: "due" })).toBe(english);
  await speak("de");
  expect(describeRecurrence({ rule, from: "due" })).toBe(german);
  expect(describeRecurrence({ rule, from: "completion" })).toContain("nach der Erledigung");
});

it.each([
  "FREQ=MONTHLY;BYDAY=MO",
  "FREQ=MONTHLY;BYDAY=1MO,3MO",
  "FREQ=YEARLY;BYMONTH=3",
  "FREQ=MONTHLY;BYMONTHDAY=1,15",
  "FREQ=WEEKLY;WKST=SU",
])("%s is left as it is", (rule) => {
  expect(repetitionOf(rule)).toBeNull();
  expect(describeRecurrence({ rule, from: "due" })).toBe("By a rule of its own");
});

it("the due date is moved to a day of the rule", () => {
  const now = new Date("2026-11-21T15:00");
  const due = (rule: string, due: string | null) => dueWith(repetitionOf(rule) as never, due, now);
  expect(due("FREQ=WEEKLY;BYDAY=MO", "2026-11-25")).toBe("2026-11-30");
  expect(due("FREQ=WEEKLY;BYDAY=SA", null)).toBe("2026-11-21");
  expect(due("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-02-03")).toBe("2027-02-28");
  expect(due("FREQ=MONTHLY;BYDAY=1MO", "2026-12-08")).toBe("2027-01-04");
  expect(due("FREQ=MONTHLY;BYDAY=-1MO", "2026-12-08")).toBe("2026-12-28");
  expect(due("FREQ=MONTHLY;BYMONTHDAY=31", "2027-02-03")).toBe("2027-03-31");
});

it.each([
  ["en-GB", "region", "2026-11-16"],
  ["en-US", "region", "2026-11-15"],
  ["en-US", "monday", "2026-11-16"],
  ["en-GB", "saturday", "2026-11-21"],
] as const)("in %s with %s, the week of a Saturday begins on %s", (language, choice, day) => {
  vi.stubGlobal("navigator", { language });
  vi.stubGlobal("localStorage", { setItem: () => {}, removeItem: () => {} });
  weekBegins.value = choice;
  expect(startOfWeek("2026-11-21")).toBe(day);
  weekBegins.value = "region";
});
