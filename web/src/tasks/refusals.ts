/** Changes that were rejected: how the user learns of them, and what can be done. */

import { computed, effect } from "@preact/signals";
import type { ContentChanges, Refused, TaskContent } from "daylist-client/sync";
import { t } from "../text";
import { announce } from "../ui/announcer";
import type { Toasts } from "../ui/toasts";
import type { LocalTasks } from "./local-tasks";
import { isConflict } from "./rows";
import { shortTitle } from "./task";

export class Refusals {
  readonly #tasks: LocalTasks;
  readonly #toasts: Toasts;

  constructor(tasks: LocalTasks, toasts: Toasts) {
    this.#tasks = tasks;
    this.#toasts = toasts;
  }

  /** The next conflict to show. */
  readonly conflict = computed(() => [...this.#tasks.snapshot.value.refused.values()].find(isConflict) ?? null);

  /** Announces rejected changes, and shows a note for deletions, which have no row, and for skips. Returns a function that stops it. */
  start(): () => void {
    const told = new Set<number>();
    return effect(() => {
      for (const refused of this.#tasks.snapshot.value.refused.values()) {
        const { seq, op } = refused.item;
        if (told.has(seq) || isConflict(refused)) continue;
        told.add(seq);
        if (op === "delete") this.#takeBack(refused);
        else if (op === "skip" && !isGone(refused)) this.#takeBackSkip(refused);
        else announce(t().isNotSaved(refused.wanted?.title ?? "", this.reasonOf(refused)));
        // The reason may be a change elsewhere.
        this.#tasks.sync.hint();
      }
    });
  }

  choose(refused: Refused, choice: "mine" | "theirs"): void {
    const changes = choice === "mine" ? refused.item.changes : uncontestedOf(refused);
    const isNothing = choice === "theirs" && Object.keys(changes).length === 0;
    void this.#tasks.sync.decide(refused, isNothing ? { do: "drop" } : { do: "retry", changes });
    announce(choice === "mine" ? t().keptMine : t().keptTheOther);
  }

  retry(refused: Refused): void {
    void this.#tasks.sync.decide(refused, { do: "retry" });
  }

  /** Creates a new task from what is lost, under its parent if that takes subtasks. */
  addAgain(refused: Refused): void {
    if (!refused.wanted) return;
    const { parent_id, ...task } = refused.wanted;
    const wanted = this.#takesSubtasks(parent_id) ? refused.wanted : task;
    void this.#tasks.sync.decide(refused, { do: "recreate", task: wanted });
  }

  /** Whether it can only become a new task: its task was deleted, or its parent takes no subtasks any more. */
  isLost(refused: Refused): boolean {
    return isGone(refused) || this.#isOrphan(refused);
  }

  /** The reason as a sentence. */
  reasonOf(refused: Refused): string {
    return this.#isOrphan(refused) ? t().parentIsOver : reasonOf(refused);
  }

  #isOrphan({ item, wanted }: Refused): boolean {
    return item.op === "create" && !!wanted?.parent_id && !this.#takesSubtasks(wanted.parent_id);
  }

  #takesSubtasks(id: string | undefined): boolean {
    return this.#tasks.snapshot.value.tasks.get(id ?? "")?.completed === false;
  }

  discard(refused: Refused): void {
    void this.#tasks.sync.decide(refused, { do: "drop" });
    announce(t().discarded);
  }

  #takeBack(refused: Refused): void {
    const { sync } = this.#tasks;
    const { current } = refused;
    void sync.decide(refused, { do: "drop" });
    if (!current) return;
    this.#toasts.show({
      text: t().wasNotDeleted(shortTitle(current), reasonOf(refused)),
      tone: "problem",
      action: { label: t().tryAgain, run: () => void sync.delete(current.id) },
    });
  }

  /** There is nothing in it that could be kept or changed. */
  #takeBackSkip(refused: Refused): void {
    const { current } = refused;
    void this.#tasks.sync.decide(refused, { do: "drop" });
    if (!current) return;
    this.#toasts.show({ text: t().wasNotSkipped(shortTitle(current), reasonOf(refused)), tone: "problem" });
  }
}

/** The task if the user keeps the other version: with the changes that nobody else has made differently. */
export function theirsOf(refused: Refused, current: TaskContent): TaskContent {
  return { ...current, ...uncontestedOf(refused) };
}

function uncontestedOf({ item: { changes, refusal } }: Refused): ContentChanges {
  const isContested = (field: string) => refusal.fields.some((other) => other === field);
  return Object.fromEntries(Object.entries(changes).filter(([field]) => !isContested(field)));
}

/** Whether the task was deleted. */
export function isGone({ item, current }: Refused): boolean {
  return item.refusal.kind === "gone" || (item.refusal.kind === "conflict" && !current);
}

/** The reason as a sentence. */
export function reasonOf(refused: Refused): string {
  if (isGone(refused)) return t().deletedElsewhere;
  const { problem } = refused.item.refusal;
  const { api, fieldProblem, notAccepted } = t();
  const [error] = problem?.errors ?? [];
  if (!error) return api.codes[problem?.code ?? ""] ?? problem?.detail ?? notAccepted;
  const path = "pointer" in error ? error.pointer.split("/") : [error.parameter];
  const known = path.findLast((name) => api.fields[name]);
  return known && api.fields[known]
    ? api.fields[known]
    : fieldProblem(path.findLast((name) => !/^\d+$/u.test(name)) ?? "", error.detail);
}
