/** The client of the Daylist API: everything a front end needs to call it, and nothing specific to one. */
export { type FieldError, type ParameterError, Problem, type ProblemCode, SessionOver, Unreachable } from "./errors";
export {
  type CallOptions,
  type Known,
  type ListQuery,
  type NewTask,
  type Page,
  type Task,
  TaskApi,
  type TaskApiOptions,
  type TaskChanges,
  type TaskReplacement,
} from "./task-api";
