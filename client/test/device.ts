/** A user's device in the tests: its own store, its own network, which fails when it is told to. */
import { type Fetch, TaskApi } from "../src/index.js";
import { memoryStore, type Refused, type SyncStore, TaskSync, type TaskSyncOptions } from "../src/sync/index.js";

export interface Person {
  readonly id: string;
  readonly getToken: () => Promise<string>;
}

/** Where the API is: the one in memory, or the real stack. */
export interface Backend {
  readonly apiUrl: string;
  readonly fetch: Fetch;
  newPerson(): Promise<Person>;
}

export interface DeviceOptions extends Partial<Pick<TaskSyncOptions, "onRefused" | "pause">> {
  readonly store?: SyncStore;
}

export class Device {
  /** Whether requests reach the API. */
  isOnline = true;
  /** Says of each request whether its answer is lost: it has been done all the same. */
  losesAnswer: (request: Request) => boolean = () => false;
  /** What was sent, as `POST …/batch`. */
  readonly requests: string[] = [];
  readonly bodies: unknown[] = [];
  readonly refusals: Refused[] = [];
  readonly api: TaskApi;
  readonly store: SyncStore;
  sync: TaskSync;
  /** What the user's session gives. */
  getToken: () => Promise<string>;
  readonly #options: DeviceOptions;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(backend: Backend, person: Person, options: DeviceOptions = {}) {
    this.#options = options;
    this.getToken = person.getToken;
    this.api = new TaskApi({
      apiUrl: backend.apiUrl,
      userId: person.id,
      getToken: () => this.getToken(),
      fetch: (input, init) => this.#send(backend, new Request(input as Request, init as RequestInit)),
    });
    this.store = options.store ?? memoryStore();
    this.sync = this.#newSync();
  }

  /** Loses the network once nothing is under way: what was sent before has been done, with or without an answer. */
  async goOffline(): Promise<void> {
    this.isOnline = false;
    await Promise.allSettled(this.#underWay);
  }

  /** As a reload of the page. */
  async reload(): Promise<void> {
    await this.sync.stop();
    this.sync = this.#newSync();
  }

  #newSync(): TaskSync {
    const { onRefused, pause = () => 5 } = this.#options;
    return new TaskSync({
      api: this.api,
      store: this.store,
      pause,
      triggers: null,
      onRefused: (refused) => {
        this.refusals.push(refused);
        return onRefused?.(refused);
      },
    });
  }

  /** The titles that the user sees, sorted. */
  get titles(): string[] {
    return [...this.sync.tasks.values()].map(({ title }) => title).sort();
  }

  async #send(backend: Backend, request: Request): Promise<Response> {
    if (!this.isOnline) throw new TypeError("fetch failed");
    this.requests.push(`${request.method} ${new URL(request.url).pathname.replace(/^.*\/tasks/u, "…")}`);
    const exchange = this.#exchange(backend, request);
    this.#underWay.add(exchange);
    return exchange.finally(() => this.#underWay.delete(exchange));
  }

  async #exchange(backend: Backend, request: Request): Promise<Response> {
    this.bodies.push(request.body ? await request.clone().json() : null);
    const response = await backend.fetch(request);
    await response.clone().arrayBuffer();
    if (this.losesAnswer(request)) throw new TypeError("fetch failed");
    return response;
  }
}

/** Waits until it holds. */
export async function until(holds: () => boolean, what = "it"): Promise<void> {
  for (const deadline = Date.now() + 8_000; !holds(); ) {
    if (Date.now() > deadline) throw new Error(`${what} did not come to hold`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

let people = 0;

/** The API in memory. */
export function inMemory(server: { fetch: Fetch }): Backend {
  return {
    apiUrl: "https://api.example",
    fetch: server.fetch,
    async newPerson() {
      people += 1;
      const id = `person-${people}`;
      return { id, getToken: async () => id };
    },
  };
}
