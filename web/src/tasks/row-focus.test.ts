import { expect, it } from "vitest";
import { nearest } from "./row-focus";

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
