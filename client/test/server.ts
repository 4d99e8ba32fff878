/**
 * The API in memory, as far as the contract of sync goes: versions, conditional writes, client ids, keys in the last three
 * writes, tombstones, changes with an overlap, batches, subtasks. The suites that run on it run on the real stack as well.
 */
import { type BatchItem, type BatchResult, newTaskId, type Task } from "../src/index.js";

interface Stored {
  task: Task;
  deleted: boolean;
  /** Whether it was deleted with its parent. */
  deletedWith?: boolean;
  /** Its place among all changes. */
  moment: number;
  writes: { key: string; what: string }[];
}

interface Token {
  readonly after: number;
  /** Where the next pull begins; null between two pulls. */
  readonly next: number | null;
  /** The last erasure before its first pull. */
  readonly erasedAt: number | null;
}

type Answer = {
  status: number;
  version?: number;
  code?: string;
  body?: unknown;
  errors?: { pointer: string; detail: string }[];
};

const DEFAULTS = {
  description: null,
  completed: false,
  priority: "none",
  due: null,
  tags: [],
  position: null,
} as const;
const OVERLAP = 3;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;

export class Server {
  readonly #users = new Map<string, Map<string, Stored>>();
  #moment = 0;
  /** When everything of a user was erased. */
  readonly #erasedAt = new Map<string, number>();
  /** Tokens older than this are refused. */
  forgotten = Number.NEGATIVE_INFINITY;
  /** No page of changes has more. */
  pageLimit = 500;
  /** Whether the database has no capacity for this item of a batch. */
  isThrottled: (item: BatchItem) => boolean = () => false;
  /** Items of other tasks are written at the same time (batch.rs, `each`): whether this one, by itself, is the last one to be done. */
  isSlow: (item: BatchItem) => boolean = () => false;
  /** How many changes were made. */
  writes = 0;
  readonly log: string[] = [];

  readonly fetch = async (input: Request | string | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const user = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const { pathname, searchParams } = new URL(request.url);
    const [, , named, , id, verb] = pathname.split("/");
    const text = await request.text();
    this.log.push(`${request.method} ${pathname}`);
    if (user === "") return json(401, problem(401, "token_missing"));
    if (named !== user && named !== "me") return json(403, problem(403, "forbidden"));
    const tasks = this.#tasks(user);
    const body = text ? JSON.parse(text) : {};
    if (id === undefined && request.method === "DELETE") return this.#erase(user, request.headers.get("confirm-erase"));
    if (id === "changes") return this.#changes(user, searchParams);
    if (id === "batch") return this.#batch(tasks, body);
    if (id === undefined && request.method === "POST") {
      const item: BatchItem = { op: "create", id: newTaskId(), task: body };
      const answer = invalid(item) ?? this.#write(tasks, item);
      if (answer.code) return json(answer.status, problem(answer.status, answer.code, answer.errors));
      return json(201, tasks.get(item.id)?.task);
    }
    if (id === undefined) {
      return json(200, { tasks: [...tasks.values()].filter((s) => !s.deleted).map((s) => s.task), next_cursor: null });
    }
    const stored = tasks.get(id);
    if (request.method === "GET") {
      return stored && !stored.deleted ? json(200, stored.task) : json(404, problem(404, "task_not_found"));
    }
    const common = { id, idempotency_key: request.headers.get("idempotency-key") ?? crypto.randomUUID() };
    const match = request.headers.get("if-match");
    const guarded = { ...common, ...(match && { if_match: Number(match.slice(1, -1)) }) };
    const isCreate = request.headers.get("if-none-match") === "*";
    let item: BatchItem = { op: "delete", ...guarded };
    if (request.method === "PATCH") item = { op: "update", ...guarded, changes: body };
    if (request.method === "PUT") item = { op: "update", ...guarded, changes: { ...DEFAULTS, tags: [], ...body } };
    if (isCreate) item = { op: "create", ...common, task: body };
    if (verb === "restore") item = { op: "restore", ...guarded };
    if (verb === "complete") item = { op: "complete", ...guarded, completed: body.completed };
    const answer = invalid(item) ?? this.#write(tasks, item);
    if (answer.code) return json(answer.status, problem(answer.status, answer.code, answer.errors));
    return json(answer.status, answer.status === 204 ? undefined : tasks.get(id)?.task);
  };

  /** The tasks of a user, to compare with. */
  tasks(user: string): Task[] {
    return [...this.#tasks(user).values()].filter(({ deleted }) => !deleted).map(({ task }) => task);
  }

  /** As after a restore from a backup: nobody can tell that it was written. */
  restore(user: string, task: Task): void {
    const stored = this.#tasks(user).get(task.id);
    if (stored) stored.task = task;
  }

  /** Drops tombstones and what goes with them, as after their lifetime. */
  forget(user: string): void {
    this.forgotten = this.#moment - OVERLAP;
    const tasks = this.#tasks(user);
    for (const [id, { deleted }] of tasks) if (deleted) tasks.delete(id);
  }

  #tasks(user: string): Map<string, Stored> {
    const tasks = this.#users.get(user) ?? new Map<string, Stored>();
    this.#users.set(user, tasks);
    return tasks;
  }

  #erase(user: string, confirmation: string | null): Response {
    if (confirmation !== user) return json(400, problem(400, "invalid_header"));
    this.#now();
    this.#users.delete(user);
    this.#erasedAt.set(user, this.#moment);
    return json(200, { has_more: false });
  }

  #changes(user: string, query: URLSearchParams): Response {
    const tasks = this.#tasks(user);
    const since = query.get("since");
    const limit = Math.min(Number(query.get("limit") ?? 100), this.pageLimit);
    const start = this.#moment - OVERLAP;
    if (since === "latest") {
      return json(200, {
        tasks: [],
        deleted: [],
        next: encode({ after: start, next: null, erasedAt: null }),
        has_more: false,
      });
    }
    const token: Token =
      since === null
        ? { after: -OVERLAP, next: null, erasedAt: this.#erasedAt.get(user) ?? null }
        : JSON.parse(atob(since));
    const isPull = token.next === null;
    if (isPull && since !== null && token.after < this.forgotten) return json(410, problem(410, "sync_token_expired"));
    const erasedAt = this.#erasedAt.get(user) ?? null;
    if (since !== null && token.erasedAt !== erasedAt) return json(410, problem(410, "tasks_erased"));
    const next = token.next ?? Math.max(start, token.after);
    // A pull reads what there was when it began: what has changed since comes with the next one.
    const until = isPull ? this.#moment : next + OVERLAP;
    const isRead = ({ moment }: Stored) => moment > token.after && moment <= until;
    const all = [...tasks.values()].filter(isRead).sort((a, b) => a.moment - b.moment);
    const page = all.slice(0, limit);
    const has_more = all.length > limit;
    const last = page.at(-1);
    return json(200, {
      tasks: page.filter(({ deleted }) => !deleted).map(({ task }) => task),
      deleted: page
        .filter(({ deleted }) => deleted)
        .map(({ task: { id, updated_at, version } }) => ({ id, deleted_at: updated_at, version })),
      next: encode(has_more && last ? { after: last.moment, next, erasedAt } : { after: next, next: null, erasedAt }),
      has_more,
    });
  }

  #batch(tasks: Map<string, Stored>, { items }: { items: BatchItem[] }): Response {
    if (items.length < 1 || items.length > 100)
      return json(422, problem(422, "invalid_field", [{ pointer: "/items", detail: "" }]));
    const errors = items.flatMap((item, index) =>
      (invalid(item)?.errors ?? []).map(({ pointer, detail }) => {
        const member = { create: "/task", update: "/changes" }[item.op as "create" | "update"] ?? "";
        return { pointer: `/items/${index}${member}${pointer}`, detail };
      }),
    );
    if (errors.length > 0) return json(422, problem(422, "invalid_field", errors));
    const one = (item: BatchItem): BatchResult => {
      const throttled = { status: 503, code: "throttled", version: undefined };
      const { status, version, code } = this.isThrottled(item) ? throttled : this.#write(tasks, item);
      const etag = version === undefined ? null : `"${version}"`;
      return { id: item.id, status, etag, problem: code ? { code, detail: `This is ${code}.` } : null } as BatchResult;
    };
    const order = [...items.filter((item) => !this.isSlow(item)), ...items.filter(this.isSlow)];
    const rows = new Map<BatchItem, BatchResult>();
    for (const item of order) rows.set(item, one(item));
    return json(200, { results: items.map((item) => rows.get(item)) });
  }

  #write(tasks: Map<string, Stored>, item: BatchItem): Answer {
    const { id, op, idempotency_key: key = crypto.randomUUID() } = item;
    const what = JSON.stringify({ ...item, if_match: undefined, idempotency_key: undefined });
    const stored = tasks.get(id);
    const earlier = stored?.writes.find((write) => write.key === key);
    if (stored && earlier) {
      if (earlier.what !== what) return { status: 422, code: "idempotency_key_reused" };
      if (op === "delete") return { status: 204 };
      if (stored.deleted) return { status: 404, code: "task_not_found" };
      return { status: op === "create" ? 201 : 200, version: stored.task.version };
    }
    if (op === "create") {
      if (stored) return { status: 412, code: "already_exists" };
      const { parent_id } = item.task;
      const parent = tasks.get(parent_id ?? "");
      if (parent_id && (parent?.deleted !== false || parent.task.completed || parent.task.parent_id))
        return { status: 422, code: "invalid_field" };
      const at = this.#now();
      const { completed = false } = item.task;
      const task: Task = {
        ...DEFAULTS,
        tags: [],
        ...normal(item.task),
        id,
        completed,
        created_at: at,
        updated_at: at,
        version: 1,
        completed_at: completed ? at : null,
        ...(completed && { recurrence: undefined }),
        ...(!completed && item.task.recurrence && { series_id: id, occurrence: 1 }),
      } as Task;
      tasks.set(id, { task, deleted: false, moment: this.#moment, writes: [{ key, what }] });
      return { status: 201, version: 1 };
    }
    if (!stored || (stored.deleted && op !== "restore")) return { status: 404, code: "task_not_found" };
    if (item.if_match !== undefined && item.if_match !== stored.task.version)
      return { status: 412, code: "version_mismatch" };
    if (op === "restore" && !stored.deleted) return { status: 200, version: stored.task.version };
    const { parent_id } = stored.task;
    if (op === "restore" && parent_id && tasks.get(parent_id)?.deleted !== false)
      return { status: 422, code: "invalid_field" };
    if (op === "skip" && stored.task.completed) return { status: 422, code: "no_next_occurrence" };
    if (op === "skip" && !stored.task.recurrence) return { status: 422, code: "no_next_occurrence" };
    const changes = op === "update" ? normal(item.changes) : op === "complete" ? { completed: item.completed } : {};
    const at = this.#now();
    const completed = changes.completed ?? stored.task.completed;
    const completed_at = completed ? (stored.task.completed_at ?? at) : null;
    const version = stored.task.version + 1;
    const before = stored.task;
    stored.task = { ...before, ...changes, completed, completed_at, updated_at: at, version } as Task;
    if (op === "skip") stored.task = { ...stored.task, ...later(before) };
    if (completed && !before.completed && before.recurrence) {
      const next = { ...before, ...later(before), id: newTaskId(), created_at: at, updated_at: at, version: 1 };
      tasks.set(next.id, { task: next, deleted: false, moment: this.#moment, writes: [] });
      stored.task = { ...stored.task, recurrence: null };
    }
    for (const part of tasks.values()) {
      if (part.task.parent_id !== id) continue;
      const completes = completed && !before.completed && !part.deleted && !part.task.completed;
      const deletes = op === "delete" && !part.deleted;
      const restores = op === "restore" && part.deleted && part.deletedWith;
      if (!completes && !deletes && !restores) continue;
      const version = part.task.version + 1;
      part.task = { ...part.task, ...(completes && { completed: true, completed_at: at }), updated_at: at, version };
      part.deleted = deletes;
      part.deletedWith = deletes;
      part.moment = ++this.#moment;
      part.writes = [{ key: crypto.randomUUID(), what: "with its parent" }, ...part.writes].slice(0, 3);
    }
    stored.deleted = op === "delete";
    stored.moment = ++this.#moment;
    stored.writes = [{ key, what }, ...stored.writes].slice(0, 3);
    return op === "delete" ? { status: 204 } : { status: 200, version };
  }

  #now(): string {
    this.writes += 1;
    this.#moment += 1;
    return new Date(1_795_000_000_000 + this.#moment).toISOString();
  }
}

function normal<T extends { title?: string }>(task: T): T & { completed?: boolean } {
  return { ...task, ...(task.title !== undefined && { title: task.title.trim() }) };
}

/** The next occurrence of a task that recurs each week. */
function later({ due, occurrence = 1 }: Task): Pick<Task, "due" | "occurrence"> {
  const date = new Date(Date.parse(`${due}T00:00:00Z`) + 7 * 86_400_000);
  return { due: date.toISOString().slice(0, 10), occurrence: occurrence + 1 };
}

function invalid(item: BatchItem): Answer | null {
  if (item.op === "create" && !UUID_V7.test(item.id)) {
    return { status: 422, code: "invalid_task_id", errors: [{ pointer: "/id", detail: "must be a UUIDv7" }] };
  }
  const { title } = item.op === "create" ? item.task : item.op === "update" ? item.changes : {};
  const isBad = title !== undefined && (title.trim() === "" || title.length > 200);
  return isBad ? { status: 422, code: "invalid_field", errors: [{ pointer: "/title", detail: "is bad" }] } : null;
}

function encode(token: Token): string {
  return btoa(JSON.stringify(token));
}

function problem(status: number, code: string, errors?: object[]): object {
  const detail = `This is ${code}.`;
  return { type: "about:blank", title: "", status, detail, code, request_id: "r", ...(errors && { errors }) };
}

function json(status: number, body: unknown): Response {
  return new Response(body === undefined ? null : JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json" },
  });
}
