import { describe, expect, it } from "vitest";
import { findsIn } from "./search";
import type { Task } from "./task";

function task(title: string, changes: Partial<Task> = {}): Task {
  const at = "2026-11-01T00:00:00.000Z";
  const content = { description: null, completed: false, priority: "none", due: null } as const;
  return {
    ...content,
    tags: [],
    id: title,
    title,
    completed_at: null,
    created_at: at,
    updated_at: at,
    version: 1,
    ...changes,
  };
}

describe("a search", () => {
  const cafe = task("Meet José at the Café", { tags: ["Büro"], description: "Straße 12\nbring the keys" });
  it.each([
    ["cafe", true],
    ["CAFÉ", true],
    ["jos caf", true],
    ["buro", true],
    ["#büro", true],
    ["strasse 12", true],
    ["keys", true],
    ["afe", false],
    ["cafe tea", false],
    ["", false],
    [" # ", false],
  ])("for %j finds it: %s", (text, found) => {
    expect(findsIn(cafe, text)).toBe(found);
  });

  const trip = task("Łódź🛶 with Søren", { description: "🎂🎉" });
  it.each([
    ["lodz", true],
    ["Łód", true],
    ["soren", true],
    ["🎉", true],
    ["🛶 with", true],
    ["🥐", false],
  ])("for %j finds a trip: %s", (text, found) => {
    expect(findsIn(trip, text)).toBe(found);
  });

  const shopping = task("買い物リストを書く ライブ");
  it.each([
    ["買い物", true],
    ["リスト", true],
    ["書く", true],
    ["ラ", true],
    ["映画", false],
  ])("for %j finds a task in Japanese: %s", (text, found) => {
    expect(findsIn(shopping, text)).toBe(found);
  });

  it("reads the text of a task once, not for each key", () => {
    let reads = 0;
    const one = {
      ...cafe,
      get description() {
        reads += 1;
        return "and ask for the café";
      },
    };
    expect(["a", "as", "ask", "ask c"].map((text) => findsIn(one, text))).toEqual([true, true, true, true]);
    expect(reads).toBe(1);
  });
});
