import { readFileSync } from "node:fs";
import type { Refused } from "daylist-client/sync";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { speak } from "../text";
import { de } from "../text/de";
import { reasonOf } from "./refusals";

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: {} });
});
afterEach(async () => {
  await speak("en");
  vi.unstubAllGlobals();
});

function reason(code: string, errors?: readonly object[]): string {
  const problem = { code, detail: "The server’s own words.", ...(errors && { errors }) };
  return reasonOf({ item: { refusal: { kind: "refused", fields: [], problem } } } as unknown as Refused);
}

it("the API’s words are shown in English, and their meaning in German", async () => {
  const errors = [{ pointer: "/items/0/changes/tags/3", detail: "must be 1 to 50 characters" }];
  const unknown = [{ pointer: "/items/0/changes/color", detail: "is not a field of this item" }];
  expect(reason("storage_full")).toBe("The server’s own words.");
  expect(reason("invalid_field", errors)).toBe("The tags must be 1 to 50 characters.");
  await speak("de");
  expect(reason("storage_full")).toBe("Der Speicher ist voll.");
  expect(reason("invalid_field", errors)).toMatch(/^Die Schlagwörter wurden nicht angenommen/u);
  expect(reason("something_new")).toBe("The server’s own words.");
  expect(reason("invalid_field", unknown)).toBe("Der Server sagt: color is not a field of this item.");
});

it("German has a text for every problem that a change can have", () => {
  const contract = readFileSync("../openapi.yaml", "utf8");
  const [, codes = ""] = / {4}ProblemCode:.*?enum:\n((?: +- \w+\n)+)/su.exec(contract) ?? [];
  const all = [...codes.matchAll(/- (\w+)/gu)].map(([, code]) => code);
  // Changes have a valid session and a valid request.
  const others =
    /^(?:token_|sync_token_|unsupported_|invalid_(?:json|parameter|cursor|sync_token|header|request|event))/u;
  expect(all.filter((code) => code && !others.test(code)).sort()).toEqual(Object.keys(de.api.codes).sort());
  const [, fields = ""] = / {4}NewTask:.*?properties:\n(.*?)\n {4}\w/su.exec(contract) ?? [];
  const named = [...fields.matchAll(/^ {8}(\w+):/gmu)].map(([, name]) => name);
  expect(Object.keys(de.api.fields).sort()).toEqual([...named, "completed"].sort());
});
