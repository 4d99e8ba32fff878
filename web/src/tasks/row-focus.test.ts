import { expect, it } from "vitest";
import { beside, nearest } from "./row-focus";

it.each([
  ["the row itself", "c", "abcde", "bcde", "c"],
  ["the next one", "c", "abcde", "abde", "d"],
  ["the next one, although one before it goes at the same time", "c", "abcde", "ade", "d"],
  ["the next one, although one before it comes at the same time", "c", "acde", "abde", "d"],
  ["the one before, if it was the last", "c", "abc", "ab", "b"],
  ["none of an empty list", "c", "c", "", undefined],
])("the focus goes to %s", (_, row, before, ids, next) => {
  expect(nearest(row, [...before], [...ids])).toBe(next);
});

it.each([
  ["the same place of the next day", "b", 1, "e"],
  ["the last place of a shorter day", "f", 1, "g"],
  ["a day that has tasks", "g", -1, "d"],
  ["none after the last day", "g", 1, undefined],
  ["none of another week", "x", 1, undefined],
] as const)("beside a row of a week is %s", (_, row, by, next) => {
  expect(beside([["a", "b"], [], ["d", "e", "f"], [], ["g"]], row, by)).toBe(next);
});
