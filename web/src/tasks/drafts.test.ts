import { beforeEach, expect, it, vi } from "vitest";
import { Drafts } from "./drafts";
import { Form } from "./form";
import type { Task } from "./task";

const CAT = {
  id: "cat",
  title: "Feed the cat",
  description: null,
  priority: "none",
  due: null,
  tags: [],
} as never as Task;
const DOG = { ...CAT, id: "dog", title: "Walk the dog" };
let stored: Map<string, string>;

beforeEach(() => {
  stored = new Map();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
});

it("a form that is left keeps its draft, also for the next visit", () => {
  const form = new Form(new Drafts("ada"));
  form.open(CAT);
  form.type({ title: "Feed both cats" });
  form.open(DOG);
  form.close();
  for (const next of [form, new Form(new Drafts("ada"))]) {
    next.open({ ...CAT, title: "Renamed elsewhere" });
    expect(next.opened.value).toMatchObject({ seen: CAT, draft: { title: "Feed both cats" } });
  }
  expect([...form.drafts.ids.value]).toEqual(["cat"]);
});

it("a draft ends when it is dropped, or changes nothing any more", () => {
  const form = new Form(new Drafts("ada"));
  form.open(CAT);
  form.type({ title: "Feed both cats" });
  form.type({ title: "Feed the cat" });
  expect(stored.size).toBe(0);
  form.type({ title: "Feed both cats" });
  form.drop();
  expect(stored.size).toBe(0);
  form.open(CAT);
  expect(form.isChanged).toBe(false);
});

it("a full storage costs nothing but the next visit", () => {
  const drafts = new Drafts("ada");
  vi.stubGlobal("localStorage", { ...localStorage, setItem: () => expect.fail("full") });
  drafts.keepLine("Buy milk");
  expect(drafts.line.value).toBe("Buy milk");
});
