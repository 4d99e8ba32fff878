import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newTaskId, Problem, SessionOver, type Task, TaskApi, Unreachable } from "../src/index.js";

const API = "https://api.example";
const ISSUER = "https://issuer.example";
const TASK: Task = {
  id: "01997f2b-2c00-7a3e-9b1d-6f0d2c4b8a11",
  title: "Buy milk",
  description: null,
  completed: false,
  completed_at: null,
  priority: "none",
  due: null,
  tags: [],
  created_at: "2026-11-21T10:30:00.123Z",
  updated_at: "2026-11-21T10:30:00.123Z",
  version: 3,
};

type Answer = Response | Error | Promise<Response>;

/** A fetch that plays the API and the issuer, answers from a script, and remembers what it was asked. */
class World {
  /** What the API answers next; then always the task. */
  readonly api: Answer[] = [];
  /** What the issuer answers next; then always a new token. */
  readonly issuer: Answer[] = [];
  readonly requests: Request[] = [];
  readonly bodies: string[] = [];
  tokensGiven = 0;
  lifetime = 900;
  sessionsOver = 0;

  readonly client = new TaskApi({
    apiUrl: API,
    authUrl: ISSUER,
    onSessionOver: () => this.sessionsOver++,
    fetch: (input, init) => this.fetch(new Request(input, init)),
  });

  async fetch(request: Request): Promise<Response> {
    const isIssuer = request.url === `${ISSUER}/api/auth/token`;
    if (!isIssuer) {
      this.requests.push(request);
      this.bodies.push(await request.text());
    } else {
      expect(request.credentials).toBe("include");
      this.tokensGiven++;
    }
    const answer = await (isIssuer ? this.issuer.shift() : this.api.shift());
    if (answer instanceof Error) throw answer;
    return answer ?? json(200, isIssuer ? { token: jwt(this.tokensGiven, this.lifetime) } : TASK);
  }

  get tokens(): (string | null)[] {
    return this.requests.map((request) => request.headers.get("authorization"));
  }

  get keys(): (string | null)[] {
    return this.requests.map((request) => request.headers.get("idempotency-key"));
  }
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

function problem(status: number, code: string, more: object = {}, headers: Record<string, string> = {}): Response {
  const body = { type: "about:blank", title: "", status, detail: `This is ${code}.`, code, request_id: "r-1", ...more };
  return json(status, body, { "content-type": "application/problem+json", ...headers });
}

function jwt(number: number, lifetime: number): string {
  // The clock of the issuer has nothing to do with that of this device.
  const payload = { sub: "u", iat: 1_000, exp: 1_000 + lifetime, number, name: "Zoë ÿ?>" };
  const part = (value: object) =>
    btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  return `${part({ alg: "EdDSA" })}.${part(payload)}.c2ln`;
}

const bearer = (number: number, lifetime = 900) => `Bearer ${jwt(number, lifetime)}`;
const expired = () => problem(401, "token_expired");
const lost = () => new TypeError("fetch failed");

let world: World;

beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets timers run until the promise is settled. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  const caught = promise.catch(() => {});
  await vi.runAllTimersAsync();
  await caught;
  return promise;
}

describe("the token", () => {
  it("is fetched once for several calls", async () => {
    await world.client.getTask(TASK.id);
    await world.client.listTasks();
    expect(world.tokensGiven).toBe(1);
    expect(world.tokens).toEqual([bearer(1), bearer(1)]);
  });

  it("is renewed shortly before it expires, even if the clock is wrong", async () => {
    vi.setSystemTime(new Date("1999-01-01"));
    await world.client.getTask(TASK.id);
    vi.advanceTimersByTime(869_000);
    await world.client.getTask(TASK.id);
    expect(world.tokensGiven).toBe(1);
    vi.advanceTimersByTime(2_000);
    await world.client.getTask(TASK.id);
    expect(world.tokens).toEqual([bearer(1), bearer(1), bearer(2)]);
  });

  it("is renewed after half its lifetime if that is short", async () => {
    world.lifetime = 10;
    await world.client.getTask(TASK.id);
    vi.advanceTimersByTime(4_900);
    await world.client.getTask(TASK.id);
    expect(world.tokensGiven).toBe(1);
    vi.advanceTimersByTime(200);
    await world.client.getTask(TASK.id);
    expect(world.tokensGiven).toBe(2);
  });

  it("is fetched once for concurrent calls", async () => {
    await Promise.all([1, 2, 3, 4, 5].map(() => world.client.getTask(TASK.id)));
    expect(world.tokensGiven).toBe(1);
    expect(world.tokens).toEqual(Array(5).fill(bearer(1)));
  });

  it("is renewed once after it expired, and the request is repeated", async () => {
    world.api.push(expired());
    await world.client.updateTask(TASK, { title: "Buy oat milk" });
    expect(world.tokens).toEqual([bearer(1), bearer(2)]);
    expect(world.bodies).toEqual(Array(2).fill('{"title":"Buy oat milk"}'));
    expect(world.requests.map((request) => request.headers.get("if-match"))).toEqual(['"3"', '"3"']);
  });

  it("is not renewed a second time for the same request", async () => {
    world.api.push(expired(), expired());
    await expect(world.client.getTask(TASK.id)).rejects.toMatchObject({ status: 401, code: "token_expired" });
    expect(world.requests).toHaveLength(2);
  });

  it("is renewed once for concurrent calls", async () => {
    await world.client.getTask(TASK.id);
    world.api.push(...[1, 2, 3, 4].map(expired));
    await Promise.all([1, 2, 3, 4].map(() => world.client.getTask(TASK.id)));
    expect(world.tokensGiven).toBe(2);
    expect(world.tokens.slice(5)).toEqual(Array(4).fill(bearer(2)));
  });

  it("is not renewed for a late response about an earlier token", async () => {
    await world.client.getTask(TASK.id);
    let answerLate = (_: Response) => {};
    world.api.push(
      new Promise((resolve) => {
        answerLate = resolve;
      }),
    );
    const slow = world.client.getTask(TASK.id);
    await vi.advanceTimersByTimeAsync(0);
    world.api.push(expired());
    await world.client.getTask(TASK.id);
    answerLate(expired());
    await slow;
    expect(world.tokensGiven).toBe(2);
    expect(world.tokens.at(-1)).toBe(bearer(2));
  });

  it("is dropped without a retry if it is invalid", async () => {
    world.api.push(problem(401, "token_invalid"));
    await expect(world.client.getTask(TASK.id)).rejects.toMatchObject({ code: "token_invalid" });
    await world.client.getTask(TASK.id);
    expect(world.tokens).toEqual([bearer(1), bearer(2)]);
  });

  it("is not used for the next user", async () => {
    let answerLate = (_: Response) => {};
    world.issuer.push(
      new Promise((resolve) => {
        answerLate = resolve;
      }),
    );
    const first = world.client.getTask(TASK.id);
    world.client.forget();
    await world.client.getTask(TASK.id);
    answerLate(json(200, { token: jwt(99, 900) }));
    await first;
    await world.client.getTask(TASK.id);
    expect(world.tokens).toEqual([bearer(2), bearer(99), bearer(2)]);
  });
});

describe("a token of the application", () => {
  const client = (getToken: () => Promise<string>, onSessionOver = () => {}) =>
    new TaskApi({
      apiUrl: API,
      getToken,
      onSessionOver,
      fetch: (input, init) => world.fetch(new Request(input, init)),
    });

  it("replaces the issuer's", async () => {
    const getToken = vi.fn(async () => jwt(7, 900));
    const api = client(getToken);
    await Promise.all([api.getTask(TASK.id), api.getTask(TASK.id)]);
    expect(world.tokens).toEqual([bearer(7), bearer(7)]);
    vi.advanceTimersByTime(880_000);
    await api.getTask(TASK.id);
    expect(getToken).toHaveBeenCalledTimes(2);
    expect(world.tokensGiven).toBe(0);
  });

  it("is requested again after it expired, and every time if it is opaque", async () => {
    const getToken = vi.fn(async () => `opaque-${getToken.mock.calls.length}`);
    const api = client(getToken);
    world.api.push(expired());
    await api.getTask(TASK.id);
    await api.getTask(TASK.id);
    expect(world.tokens).toEqual(["Bearer opaque-1", "Bearer opaque-2", "Bearer opaque-3"]);
  });

  it("fails as the issuer, or ends the session", async () => {
    let sessionsOver = 0;
    const failing = (error: Error) =>
      client(
        () => Promise.reject(error),
        () => sessionsOver++,
      ).getTask(TASK.id);
    await expect(failing(new Error("no"))).rejects.toMatchObject({ name: "Unreachable", service: "issuer" });
    expect(sessionsOver).toBe(0);
    await expect(failing(new SessionOver())).rejects.toBeInstanceOf(SessionOver);
    expect(sessionsOver).toBe(1);
  });
});

describe("the session", () => {
  it("ends when the issuer returns 401, without a call to the API", async () => {
    world.issuer.push(json(401, null));
    await expect(world.client.getTask(TASK.id)).rejects.toBeInstanceOf(SessionOver);
    expect(world.sessionsOver).toBe(1);
    expect(world.requests).toHaveLength(0);
  });

  it("ends once for concurrent calls", async () => {
    world.issuer.push(json(401, null));
    const calls = [1, 2, 3].map(() => world.client.getTask(TASK.id));
    const results = await Promise.allSettled(calls);
    expect(results.every((result) => result.status === "rejected" && result.reason instanceof SessionOver)).toBe(true);
    expect(world.sessionsOver).toBe(1);
  });

  it("can start again", async () => {
    world.issuer.push(json(401, null));
    await expect(world.client.getTask(TASK.id)).rejects.toBeInstanceOf(SessionOver);
    await expect(world.client.getTask(TASK.id)).resolves.toEqual(TASK);
  });

  it("survives an issuer that does not answer", async () => {
    for (const answer of [lost(), json(500, {}), json(429, {}), json(200, {}), new Response("<html>")]) {
      world.issuer.push(answer);
      await expect(world.client.getTask(TASK.id)).rejects.toMatchObject({ name: "Unreachable", service: "issuer" });
    }
    expect(world.sessionsOver).toBe(0);
  });
});

describe("a create", () => {
  it("has its own key, random by default", async () => {
    await world.client.createTask({ title: "one" });
    await world.client.createTask({ title: "two" });
    await world.client.createTask({ title: "three" }, { key: "mine" });
    expect(new Set(world.keys).size).toBe(3);
    expect(world.keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(world.keys[2]).toBe("mine");
  });

  it("is repeated with the same key if the response is lost", async () => {
    const cut = new ReadableStream({
      start(controller) {
        controller.error(lost());
      },
    });
    world.api.push(lost(), new Response(cut, { status: 201 }));
    await expect(settled(world.client.createTask({ title: "one" }))).resolves.toEqual(TASK);
    expect(world.requests).toHaveLength(3);
    expect(new Set(world.keys).size).toBe(1);
    expect(world.bodies).toEqual(Array(3).fill('{"title":"one"}'));
  });

  it("is repeated with the same key after Retry-After", async () => {
    world.api.push(problem(503, "unavailable", {}, { "retry-after": "2" }));
    world.api.push(problem(409, "idempotency_key_in_flight", {}, { "retry-after": "1" }));
    const created = world.client.createTask({ title: "one" });
    await vi.advanceTimersByTimeAsync(1_999);
    expect(world.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(world.requests).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(created).resolves.toEqual(TASK);
    expect(new Set(world.keys).size).toBe(1);
  });

  it("is sent at most three times", async () => {
    world.api.push(lost(), lost(), lost(), lost());
    await expect(settled(world.client.createTask({ title: "one" }))).rejects.toMatchObject({ service: "api" });
    expect(world.requests).toHaveLength(3);
  });

  it("keeps its key when its token is renewed", async () => {
    world.api.push(expired());
    await world.client.createTask({ title: "one" });
    expect(world.keys[0]).toBe(world.keys[1]);
  });

  it("can be aborted while it waits", async () => {
    world.api.push(lost());
    const controller = new AbortController();
    const created = world.client.createTask({ title: "one" }, { signal: controller.signal });
    const refused = expect(created).rejects.toMatchObject({ name: "AbortError" });
    await vi.advanceTimersByTimeAsync(1);
    controller.abort();
    await refused;
    expect(world.requests).toHaveLength(1);
  });
});

describe("other requests", () => {
  it("repeat writes with the same key and version", async () => {
    const writes: (() => Promise<unknown>)[] = [
      () => world.client.updateTask(TASK, { title: "x" }),
      () => world.client.replaceTask(TASK, { title: "x" }),
      () => world.client.completeTask(TASK, true),
      () => world.client.skipTask(TASK),
      () => world.client.deleteTask(TASK),
      () => world.client.createTask({ title: "x" }, { id: TASK.id }),
    ];
    for (const write of writes) {
      const before = world.requests.length;
      world.api.push(lost(), problem(503, "unavailable", {}, { "retry-after": "1" }));
      await settled(write());
      expect(world.requests.length - before).toBe(3);
      const keys = world.keys.slice(before);
      expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
      expect(new Set(keys).size).toBe(1);
    }
    expect(new Set(world.keys).size).toBe(writes.length);
    const versions = world.requests.map(
      (request) => request.headers.get("if-match") ?? request.headers.get("if-none-match"),
    );
    expect(versions).toEqual([...Array(15).fill('"3"'), ...Array(3).fill("*")]);
  });

  it("are sent once without retries", async () => {
    world.api.push(lost());
    const call = world.client.updateTask(TASK, { title: "x" }, { key: "mine", retry: false });
    await expect(settled(call)).rejects.toBeInstanceOf(Unreachable);
    expect(world.keys).toEqual(["mine"]);
  });

  it("repeat reads", async () => {
    world.api.push(lost(), problem(503, "unavailable", {}, { "retry-after": "1" }));
    await expect(settled(world.client.getTask(TASK.id))).resolves.toEqual(TASK);
    expect(world.requests).toHaveLength(3);
  });

  it("fail early if Retry-After is long", async () => {
    world.api.push(problem(503, "unavailable", {}, { "retry-after": "60" }));
    await expect(settled(world.client.getTask(TASK.id))).rejects.toMatchObject({ status: 503 });
  });

  it("fail after a minute without an answer", async () => {
    const send = vi.fn((request: Request) => {
      return new Promise<Response>((_, reject) => request.signal.addEventListener("abort", () => reject(lost())));
    });
    const client = new TaskApi({ apiUrl: API, getToken: async () => "opaque", fetch: send as typeof fetch });
    const call = client.getTask(TASK.id, { retry: false });
    const outcome = expect(call).rejects.toMatchObject({ name: "Unreachable", service: "api" });
    await vi.advanceTimersByTimeAsync(59_000);
    expect(send.mock.calls[0]?.[0].signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    await outcome;
  });

  it("use the contract's methods and paths", async () => {
    world.api.push(json(200, { tasks: [], next_cursor: null }), new Response(null, { status: 204 }));
    await world.client.listTasks({ status: "open", tag: ["a&b=c, ä%"], limit: 20 });
    await expect(world.client.deleteTask({ id: TASK.id })).resolves.toBeUndefined();
    await world.client.completeTask(TASK, false);
    expect(world.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET ${API}/api/me/tasks?status=open&tag=a%26b%3Dc%2C%20%C3%A4%25&limit=20`,
      `DELETE ${API}/api/me/tasks/${TASK.id}`,
      `PATCH ${API}/api/me/tasks/${TASK.id}/complete`,
    ]);
    expect(world.requests[1]?.headers.has("if-match")).toBe(false);
    expect(world.bodies[2]).toBe('{"completed":false}');
  });

  it("create a task with the client's id", async () => {
    const id = newTaskId();
    await world.client.createTask({ title: "one", completed: true }, { id });
    const [request] = world.requests;
    expect(`${request?.method} ${request?.url}`).toBe(`PUT ${API}/api/me/tasks/${id}`);
    expect(request?.headers.get("if-none-match")).toBe("*");
    expect(world.bodies).toEqual(['{"title":"one","completed":true}']);
  });

  it("list changes, and write in batches", async () => {
    const row = { id: TASK.id, status: 204, etag: null, problem: null };
    world.api.push(
      json(200, { tasks: [TASK], deleted: [], next: "t", has_more: false }),
      lost(),
      json(200, { results: [row] }),
    );
    expect((await world.client.listChanges({ since: "latest", limit: 500 })).next).toBe("t");
    const item = { op: "delete", id: TASK.id, if_match: 3 } as const;
    expect(await settled(world.client.batchTasks([item, { ...item, idempotency_key: "mine" }]))).toEqual([row]);
    expect(world.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET ${API}/api/me/tasks/changes?since=latest&limit=500`,
      ...Array(2).fill(`POST ${API}/api/me/tasks/batch`),
    ]);
    const bodies = world.bodies.slice(1).map((body) => JSON.parse(body));
    const key = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(bodies[0]).toEqual({
      atomic: false,
      items: [
        { ...item, idempotency_key: key },
        { ...item, idempotency_key: "mine" },
      ],
    });
    expect(bodies[1]).toEqual(bodies[0]);
  });

  it("read all pages of a list", async () => {
    const page = (id: string, next_cursor: string | null) => json(200, { tasks: [{ ...TASK, id }], next_cursor });
    world.api.push(page("1", "c1"), page("2", "c2"), page("3", null));
    const ids: string[] = [];
    for await (const { id } of world.client.eachTask({ tag: ["shop"] })) {
      ids.push(id);
      expect(world.requests).toHaveLength(ids.length);
    }
    expect(ids).toEqual(["1", "2", "3"]);
    const queries = world.requests.map(({ url }) => new URL(url).search);
    expect(queries).toEqual(["?tag=shop", "?tag=shop&cursor=c1", "?tag=shop&cursor=c2"]);
  });

  it("fail with the reason of an abort", async () => {
    const reason = new DOMException("", "AbortError");
    await expect(world.client.listTasks({}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(world.requests).toHaveLength(0);
  });
});

describe("a problem", () => {
  it("has code, errors, and request id", async () => {
    const errors = [{ pointer: "/title", detail: "is required" }];
    world.api.push(problem(422, "invalid_field", { errors }));
    const failure = await world.client.createTask({ title: "" }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Problem);
    expect(failure).toMatchObject({ status: 422, code: "invalid_field", errors, requestId: "r-1" });
    expect((failure as Problem).message).toBe("This is invalid_field.");
  });

  it("is also made of API Gateway's and unknown responses", async () => {
    world.api.push(json(429, { message: "Too Many Requests" }), new Response("<html>", { status: 502 }));
    await expect(world.client.deleteTask(TASK)).rejects.toMatchObject({ code: null, message: "Too Many Requests" });
    await expect(world.client.deleteTask(TASK)).rejects.toMatchObject({ name: "Problem", status: 502, code: null });
  });
});

describe("what is stored of a user", () => {
  it("is exported page by page", async () => {
    const pages = [
      { tasks: [TASK], deleted: [], next_cursor: TASK.id },
      { tasks: [], deleted: [], next_cursor: null },
    ];
    world.api.push(...pages.map((page) => json(200, page)));
    const given: unknown[] = [];
    for await (const page of world.client.exportTasks()) given.push(page);
    expect(given).toEqual(pages);
    const queries = world.requests.map(({ url }) => new URL(url).search);
    expect(queries).toEqual(["", `?cursor=${TASK.id}`]);
  });

  it("is erased until nothing is left, with its confirmation, also after a lost answer", async () => {
    world.api.push(json(200, { has_more: true }), lost(), json(200, { has_more: false }));
    await settled(world.client.eraseTasks());
    expect(world.requests.map(({ method, url }) => `${method} ${new URL(url).pathname}`)).toEqual(
      Array(3).fill("DELETE /api/me/tasks"),
    );
    expect(world.requests.map(({ headers }) => headers.get("confirm-erase"))).toEqual(["me", "me", "me"]);
  });
});

describe("tags and search", () => {
  it("adds up the pages of tags by their keys", async () => {
    const work = { tag: "Work", key: "work", open: 1, completed: 2 };
    world.api.push(
      json(200, { tags: [work], next_cursor: "c" }),
      json(200, { tags: [{ tag: "café", key: "cafe", open: 0, completed: 1 }, work], next_cursor: null }),
    );
    const counts = (await world.client.listTags()).map(({ key, open, completed }) => [key, open, completed]);
    expect(counts).toEqual([
      ["work", 2, 4],
      ["cafe", 0, 1],
    ]);
    expect(world.requests.map(({ url }) => new URL(url).search)).toEqual(["", "?cursor=c"]);
  });

  it("asks for words and for several tags", async () => {
    world.api.push(json(200, { tasks: [TASK], next_cursor: null }));
    const found: unknown[] = [];
    for await (const task of world.client.searchTasks("caf mil", { tag: ["a b", "c"] })) found.push(task);
    expect(found).toEqual([TASK]);
    expect(new URL(world.requests[0]?.url ?? "").searchParams.getAll("tag")).toEqual(["a b", "c"]);
    expect(new URL(world.requests[0]?.url ?? "").searchParams.get("q")).toBe("caf mil");
  });

  it("restores a deleted task under a key", async () => {
    await world.client.restoreTask(TASK);
    const [request] = world.requests;
    expect(`${request?.method} ${request?.url}`).toMatch(new RegExp(`^POST .*/api/me/tasks/${TASK.id}/restore$`, "u"));
    expect([request?.headers.get("if-match"), world.keys[0]]).toEqual([`"${TASK.version}"`, expect.any(String)]);
  });
});

describe("the health of the API", () => {
  it("is asked for without a token", async () => {
    world.api.push(json(200, { status: "ok" }));
    expect(await world.client.getHealth()).toEqual({ status: "ok" });
    expect([world.tokensGiven, world.tokens]).toEqual([0, [null]]);
  });
});
