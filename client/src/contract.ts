/** What the contract calls things: the generated types under the names that people use. */
import type { components, operations } from "./schema.js";

export type { paths } from "./schema.js";

type Schemas = components["schemas"];

export type Task = Schemas["Task"];
export type NewTask = Schemas["NewTask"];
export type TaskReplacement = Schemas["TaskReplacement"];
/** How a task recurs. */
export type Recurrence = Schemas["Recurrence"];
export type TaskChanges = Schemas["TaskChanges"];
export type Page = Schemas["Page"];
/** Where a task goes in its list. */
export type Destination = { readonly before: string | null } | { readonly after: string | null };
export type ListQuery = NonNullable<operations["listTasks"]["parameters"]["query"]>;

/** A tag, and how many tasks have it. */
export type TagCount = Schemas["TagCount"];

export type TagsPage = Schemas["TagsPage"];

export type DeletedTask = Schemas["DeletedTask"];
export type ChangesPage = Schemas["Changes"];
export type ChangesQuery = NonNullable<operations["listChanges"]["parameters"]["query"]>;

/** A page of everything that is stored. */
export type ExportPage = Schemas["Export"];
export type Health = Schemas["Health"];

/** A write of a batch. */
export type BatchItem = Schemas["BatchItem"];
/** What became of it. */
export type BatchResult = Schemas["BatchResult"];
