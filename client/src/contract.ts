/** What the contract calls things: the generated types under the names that people use. */
import type { components, paths as generated, operations } from "./schema.js";

type Schemas = components["schemas"];

export type Task = Schemas["Task"];
export type NewTask = Schemas["NewTask"];
export type TaskReplacement = Schemas["TaskReplacement"];
export type TaskChanges = Schemas["TaskChanges"];
export type Page = Schemas["Page"];
export type ListQuery = NonNullable<operations["listTasks"]["parameters"]["query"]>;

export type DeletedTask = Schemas["DeletedTask"];
export type ChangesPage = Schemas["Changes"];
export type ChangesQuery = NonNullable<operations["listChanges"]["parameters"]["query"]>;

interface ItemOptions {
  readonly idempotency_key?: string;
}
interface GuardedItem extends ItemOptions {
  readonly if_match?: number;
}
export type BatchItem =
  | ({
      readonly op: "create";
      readonly id: string;
      readonly task: NewTask & { readonly completed?: boolean };
    } & ItemOptions)
  | ({ readonly op: "update"; readonly id: string; readonly changes: TaskChanges } & GuardedItem)
  | ({ readonly op: "complete"; readonly id: string; readonly completed: boolean } & GuardedItem)
  | ({ readonly op: "delete"; readonly id: string } & GuardedItem);

export interface RowProblem {
  readonly code: string;
  readonly detail: string;
  errors?: (Schemas["FieldError"] | Schemas["ParameterError"])[];
}

export interface BatchRow {
  readonly id: string;
  readonly status: number;
  readonly etag: string | null;
  readonly problem: RowProblem | null;
}

interface User {
  readonly user_id: string;
}

export interface paths extends generated {
  "/api/{user_id}/tasks/batch": {
    parameters: { path: User };
    post: {
      parameters: { path: User };
      requestBody: { content: { "application/json": { readonly atomic: boolean; items: BatchItem[] } } };
      responses: { 200: { content: { "application/json": { results: BatchRow[] } } } };
    };
  };
}
