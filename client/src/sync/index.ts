/** Sync: a copy of all tasks on the device, an outbox, and what keeps both in step with the API. */
export type { ContentChanges, Field, TaskContent, TaskDraft } from "./content.js";
export type { OutboxItem, Refusal } from "./item.js";
export { memoryStore } from "./memory-store.js";
export type { Decision } from "./outbox.js";
export type { Changed } from "./state.js";
export type { Status } from "./status.js";
export type { Current, Meta, Snapshot, StoreChange, StoredTask, SyncStore } from "./store.js";
export { type LocalChange, type Refused, TaskSync, type TaskSyncOptions } from "./task-sync.js";
export { type AskForPull, browserTriggers, type Triggers } from "./triggers.js";
