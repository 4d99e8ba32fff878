/** The client of the Task API: what a front end needs of it, and nothing of any front end. */
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
} from "./task-api";
