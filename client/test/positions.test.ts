import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { generateKeyBetween } from "fractional-indexing";
import { expect, it } from "vitest";
import { byPosition, positionAt } from "../src/order.js";

/** What the API must make as well: its tests read it. */
const FIXTURE = new URL("../../tests/fixtures/positions.json", import.meta.url);

const SMALLEST = `A${"0".repeat(26)}`;
const LARGEST = `z${"z".repeat(26)}`;

function between(low: string | null, high: string | null): [string | null, string | null, string | null] {
  try {
    const key = generateKeyBetween(low, high);
    return [low, high, key === SMALLEST ? null : key];
  } catch {
    return [low, high, null];
  }
}

/** All pairs of these, in order. */
const KEYS = ["a0", "a0V", "a1", "a1V", "a0001", "a01", "Zz", "Zz1", "zz", "Y00", "Yzz", "b00", "b0z", "bzz", "c000"]
  .concat([
    "az",
    "azV",
    "azz",
    "Z0",
    "Z01",
    `${SMALLEST}1`,
    `A${"0".repeat(25)}1`,
    LARGEST,
    `${LARGEST}z`,
    `${LARGEST}V`,
  ])
  .filter((key) => key !== "zz")
  .sort();

function pairs() {
  const bounds = [null, ...KEYS, null];
  return bounds.flatMap((low, index) => bounds.slice(index + 1).map((high) => between(low, high)));
}

/** Keys between keys, put in somewhere or beside the one before: the hash of all of them after each hundred. */
function walk(): string[] {
  const keys: string[] = [];
  const hashes: string[] = [];
  for (let random = 1, place = 0; hashes.length < 40; ) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    if (random >>> 31 === 1) place = (random >>> 8) % (keys.length + 1);
    keys.splice(place, 0, generateKeyBetween(keys[place - 1], keys[place]));
    if (keys.length % 100 === 0) hashes.push(createHash("sha256").update(keys.join(" ")).digest("hex").slice(0, 16));
  }
  return hashes;
}

/** No keys, for the package; or only because of a character that it does not look at. */
const REFUSED = [
  "",
  "a",
  "0",
  "a00",
  "a0 ",
  "A0",
  "b0",
  SMALLEST,
  "a1-",
  "a_",
  "aä",
  "~",
  "!0",
  "b",
  "a0V0",
  "{0",
  "-",
  "#a0",
];

it("makes positions for any place of a list", () => {
  const positions = ["a0", "a1", "a1", "a2", null];
  const list = positions.map((position, number) => ({ id: `${number}`, position }));
  expect(list.toReversed().sort(byPosition)).toEqual(list);
  const at = list.map((_, index) => positionAt(list, index));
  expect([...at, positionAt(list, 5)]).toEqual(["Zz", "a0V", "a0V", "a1V", "a3", "a3"]);
  expect(positionAt([], 0)).toBe("a0");
});

it("makes the keys that the API makes", () => {
  const vectors = { between: pairs(), refused: REFUSED, walk: walk() };
  if (process.env["WRITE_FIXTURE"]) writeFileSync(FIXTURE, `${JSON.stringify(vectors).replaceAll("],[", "],\n[")}\n`);
  expect(vectors).toEqual(JSON.parse(readFileSync(FIXTURE, "utf8")));
});
