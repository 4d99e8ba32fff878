/** The tasks on this device as signals: what sync has, and how it goes. */
import { batch, computed, signal } from "@preact/signals";
import type { Task } from "task-client";
import type { Refused, Status, TaskSync } from "task-client/sync";

export interface Snapshot {
  /** As the user sees them, with the changes that the API does not know yet. */
  readonly tasks: ReadonlyMap<string, Task>;
  /** The tasks with changes that are on their way. */
  readonly unsent: ReadonlySet<string>;
  /** The changes that somebody has to decide on, by task. */
  readonly refused: ReadonlyMap<string, Refused>;
}

export type Phase =
  /** What was kept is being read, or everything is fetched for the first time. */
  | "loading"
  | "ready"
  /** The first time, and nobody answers. */
  | "unreachable"
  /** The browser does not let the page keep anything. */
  | "unkept";

export class LocalTasks {
  readonly sync: TaskSync;
  readonly snapshot = signal<Snapshot>({ tasks: new Map(), unsent: new Set(), refused: new Map() });
  readonly status = signal<Status>({ phase: "busy", trouble: null, pulledAt: null });
  readonly phase = computed<Phase>(() => {
    if (this.#isUnkept.value) return "unkept";
    if (this.#isComplete.value) return "ready";
    return this.#isRead.value && this.status.value.trouble !== null ? "unreachable" : "loading";
  });
  readonly #isRead = signal(false);
  readonly #isComplete = signal(false);
  readonly #isUnkept = signal(false);
  readonly #ends: (() => void)[];

  constructor(sync: TaskSync) {
    this.sync = sync;
    this.#ends = [
      sync.subscribe(() => this.#read()),
      sync.onStatus((status) => {
        batch(() => {
          this.status.value = status;
          // An account without tasks is complete without a change of any task.
          this.#isComplete.value = sync.isComplete;
        });
      }),
    ];
  }

  /** Shows what was kept, and begins to sync. */
  async start(): Promise<void> {
    try {
      await this.sync.start();
      batch(() => {
        this.#read();
        this.#isRead.value = true;
      });
    } catch {
      this.#isUnkept.value = true;
    }
  }

  /** Ends it; what is kept stays, unless it is to be forgotten. */
  async stop({ forgetting = false } = {}): Promise<void> {
    for (const end of this.#ends) end();
    await (forgetting ? this.sync.forget() : this.sync.stop());
  }

  #read(): void {
    const { sync } = this;
    const unsent = new Set(sync.pending.filter(({ refusal }) => !refusal).map(({ id }) => id));
    const refused = new Map(sync.refused.map((refused) => [refused.item.id, refused]));
    batch(() => {
      // A new map: the one of sync stays the same whatever becomes of the tasks in it.
      this.snapshot.value = { tasks: new Map(sync.tasks), unsent, refused };
      this.#isComplete.value = sync.isComplete;
    });
  }
}
