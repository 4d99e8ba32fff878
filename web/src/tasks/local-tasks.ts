/** Exposes the tasks on this device, and the state of sync, as signals. */
import { batch, computed, type Signal, signal } from "@preact/signals";
import type { Task } from "daylist-client";
import type { Refused, Status, TaskSync } from "daylist-client/sync";

export interface Snapshot {
  /** The tasks as the user sees them, with changes that are not sent yet. */
  readonly tasks: ReadonlyMap<string, Task>;
  /** The ids of tasks with changes that are not sent yet. */
  readonly unsent: ReadonlySet<string>;
  /** The ids of tasks that are being skipped: where that leads is not known yet. */
  readonly skipped: ReadonlySet<string>;
  /** The changes that need a decision, by task id. */
  readonly refused: ReadonlyMap<string, Refused>;
}

export type Phase =
  /** The local copy is being read, or the first pull is running. */
  | "loading"
  | "ready"
  /** The first pull failed. */
  | "unreachable"
  /** The browser does not let the page store data. */
  | "unkept";

export class LocalTasks {
  readonly sync: TaskSync;
  readonly snapshot = signal<Snapshot>({
    tasks: new Map(),
    unsent: new Set(),
    skipped: new Set(),
    refused: new Map(),
  });
  readonly status = signal<Status>({ phase: "busy", trouble: null, pulledAt: null });
  /** Whether the tasks in sight are only those of the first list: they cannot be changed until the local copy has them. */
  readonly isPreview: Signal<boolean>;
  readonly phase = computed<Phase>(() => {
    if (this.#isUnkept.value) return "unkept";
    if (this.#isComplete.value) return "ready";
    return this.#isRead.value && this.status.value.trouble !== null ? "unreachable" : "loading";
  });
  readonly #isRead = signal(false);
  readonly #isComplete = signal(false);
  readonly #isUnkept = signal(false);
  readonly #ends: (() => void)[];

  /** @param preview is shown until the local copy has tasks. */
  constructor(sync: TaskSync, preview: readonly Task[] = []) {
    this.sync = sync;
    this.isPreview = signal(preview.length > 0);
    this.snapshot.value = { ...this.snapshot.value, tasks: new Map(preview.map((task) => [task.id, task])) };
    this.#ends = [
      sync.subscribe(() => this.#read()),
      sync.onStatus((status) => {
        batch(() => {
          this.status.value = status;
          // The first pull of an empty account changes no task.
          this.#isComplete.value = sync.isComplete;
        });
      }),
    ];
  }

  /** Shows the local copy and starts to sync. */
  async start(): Promise<void> {
    try {
      await this.sync.start();
      batch(() => {
        this.#read();
        this.#isRead.value = true;
      });
    } catch {
      batch(() => {
        this.isPreview.value = false;
        this.#read();
        this.#isUnkept.value = true;
      });
    }
  }

  /** Stops sync. `forgetting` also deletes the local copy. */
  async stop({ forgetting = false } = {}): Promise<void> {
    for (const end of this.#ends) end();
    await (forgetting ? this.sync.forget() : this.sync.stop());
  }

  #read(): void {
    const { sync } = this;
    if (this.isPreview.value && sync.tasks.size === 0 && !sync.isComplete) return;
    const waiting = sync.pending.filter(({ refusal }) => !refusal);
    const unsent = new Set(waiting.map(({ id }) => id));
    const skipped = new Set(waiting.flatMap(({ op, id }) => (op === "skip" ? [id] : [])));
    const refused = new Map(sync.refused.map((refused) => [refused.item.id, refused]));
    batch(() => {
      this.isPreview.value = false;
      // A copy, because sync changes its map in place.
      this.snapshot.value = { tasks: new Map(sync.tasks), unsent, skipped, refused };
      this.#isComplete.value = sync.isComplete;
    });
  }
}
