/** The client of the Daylist API: everything a front end needs to call it, and nothing specific to one. */

export type { ItemProblem } from "./batch.js";
export type {
  BatchItem,
  BatchResult,
  ChangesPage,
  ChangesQuery,
  DeletedTask,
  ListQuery,
  NewTask,
  Page,
  Task,
  TaskChanges,
  TaskReplacement,
} from "./contract.js";
export { type FieldError, type ParameterError, Problem, type ProblemCode, SessionOver, Unreachable } from "./errors.js";
export { newTaskId } from "./ids.js";
export type { Fetch, Signal } from "./platform.js";
export {
  type CallOptions,
  type Known,
  TaskApi,
  type TaskApiOptions,
  type TokenOptions,
  type WriteOptions,
} from "./task-api.js";
export type { TokenSource } from "./tokens.js";
