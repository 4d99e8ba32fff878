import { describe, expect, it } from "vitest";
import { newTaskId } from "../src/index.js";

describe("an id", () => {
  it("is a UUIDv7 with the current time", () => {
    const now = Date.now() + 1_000;
    const id = newTaskId(now);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(now);
  });

  it("sorts after earlier ids, within a millisecond and if the clock goes back", () => {
    const now = Date.now() + 2_000;
    const ids = Array.from({ length: 10_000 }, (_, index) => newTaskId(now - (index % 3)));
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
