/** Helpers to use the page and the services behind it. */
import {
  type APIRequestContext,
  type BrowserContext,
  test as base,
  expect,
  type Locator,
  type Page,
} from "@playwright/test";
import axe from "axe-core";
import { newTaskId } from "../../client/src/ids";

const PAGE = process.env.PAGE_URL ?? "http://127.0.0.1:9001";
export const API = process.env.API_URL ?? "http://127.0.0.1:9000";

/** Of tests that mostly wait: they run first, beside the others. */
export const WAITS = "@waits";

export const BATCH = `${API}/api/*/tasks/batch`;

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

interface StoredTask {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
  readonly completed: boolean;
  readonly due: string | null;
  readonly tags: readonly string[];
  readonly version: number;
}

let people = 0;

/** A person with an account, signed in with this context's cookies. */
export async function newPerson(context: BrowserContext, name: string): Promise<Person> {
  const account = { ...newAccount(name) };
  const response = await context.request.post(`${PAGE}/api/auth/sign-up/email`, {
    data: account,
    headers: { origin: PAGE },
  });
  expect(response.status()).toBe(200);
  const { user } = await response.json();
  return { ...account, id: user.id };
}

/** Another browser of the same person. */
export async function signIn(context: BrowserContext, { email, password }: Person): Promise<void> {
  const data = { email, password };
  const response = await context.request.post(`${PAGE}/api/auth/sign-in/email`, { data, headers: { origin: PAGE } });
  expect(response.status()).toBe(200);
}

export function newAccount(name: string): Omit<Person, "id"> {
  people += 1;
  const email = `${name.toLowerCase()}-${process.pid}-${Date.now()}-${people}@example.com`;
  return { name, email, password: "a long enough password" };
}

/** Calls the API without the page, as the person of this context. */
export class Store {
  constructor(readonly request: APIRequestContext) {}

  async headers(): Promise<Record<string, string>> {
    const response = await this.request.get(`${PAGE}/api/auth/token`);
    expect(response.status()).toBe(200);
    return { authorization: `Bearer ${(await response.json()).token}` };
  }

  async add(task: {
    title: string;
    due?: string;
    tags?: string[];
    priority?: string;
    parent_id?: string;
    recurrence?: { rule: string };
  }): Promise<StoredTask> {
    const response = await this.request.post(`${API}/api/me/tasks`, { data: task, headers: await this.headers() });
    expect(response.status()).toBe(201);
    return response.json();
  }

  async addMany(titles: readonly string[]): Promise<void> {
    for (let first = 0; first < titles.length; first += 100) {
      const headers = await this.headers();
      const items = titles
        .slice(first, first + 100)
        .map((title) => ({ op: "create", id: newTaskId(), task: { title } }));
      const response = await this.request.post(`${API}/api/me/tasks/batch`, {
        data: { atomic: false, items },
        headers,
      });
      expect(response.status()).toBe(200);
      expect(new Set((await response.json()).results.map(({ status }: { status: number }) => status))).toEqual(
        new Set([201]),
      );
    }
  }

  async all(): Promise<StoredTask[]> {
    const response = await this.request.get(`${API}/api/me/tasks?limit=100`, { headers: await this.headers() });
    expect(response.status()).toBe(200);
    return (await response.json()).tasks;
  }

  async change(task: StoredTask, patch: object): Promise<void> {
    const url = `${API}/api/me/tasks/${task.id}`;
    const response = await this.request.patch(url, { data: patch, headers: await this.headers() });
    expect(response.status()).toBe(200);
  }
}

/** The page in terms of its users. */
export class TaskPage {
  readonly composer: Locator;

  constructor(readonly page: Page) {
    this.composer = page.getByRole("textbox", { name: "New task" });
  }

  async open(address = "/#/open"): Promise<void> {
    const before = this.page.url();
    await this.page.goto(address);
    // With another fragment only, the document would stay.
    if (before.split("#")[0] === this.page.url().split("#")[0]) await this.page.reload();
    await expect(this.page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(this.page.locator("#task-list")).toHaveAttribute("aria-busy", "false");
  }

  async add(line: string): Promise<void> {
    await this.composer.fill(line);
    await this.composer.press("Enter");
  }

  row(title: string): Locator {
    const button = this.page.getByRole("button", { name: `Edit ${title}`, exact: true });
    // Not of a form that is open: it has such buttons for its subtasks.
    return this.page.getByRole("listitem").filter({ has: button.and(this.page.locator('[data-control="title"]')) });
  }

  /** Waits until the API has stored the task. */
  async hasSaved(title: string): Promise<void> {
    await expect(this.row(title)).toHaveAttribute("aria-busy", "false");
  }

  checkbox(title: string): Locator {
    return this.page.getByRole("checkbox", { name: `Complete ${title}` });
  }

  async edit(title: string): Promise<Locator> {
    await this.page.getByRole("button", { name: `Edit ${title}`, exact: true }).click();
    return this.page.getByRole("form", { name: `Edit ${title}` });
  }

  async delete(title: string): Promise<void> {
    await this.act(title, "Delete");
  }

  /** Chooses from the menu of a row. */
  async act(title: string, action: string | RegExp): Promise<void> {
    await this.row(title).hover();
    await this.page.getByRole("button", { name: `Actions for ${title}`, exact: true }).click();
    await this.page.getByRole("dialog", { name: title }).getByRole("button", { name: action, exact: true }).click();
  }

  note(text: string | RegExp): Locator {
    return this.page.getByRole("region", { name: "Notifications" }).locator(".note").filter({ hasText: text });
  }

  /** “Open” is All without, and “All” is All with completed tasks. */
  async show(list: "Today" | "Upcoming" | "Open" | "Completed" | "All"): Promise<void> {
    const name = list === "Open" ? "All" : list;
    const lists = this.page.getByRole("navigation", { name: "Lists" });
    await lists.getByRole("link", { name: new RegExp(`^${name}\\b`, "u") }).click();
    if (list === "All") await this.page.getByRole("button", { name: "Show completed" }).click();
  }

  async signOut(): Promise<void> {
    await this.page.getByRole("button", { name: /Account$/u }).click();
    await this.page.getByRole("button", { name: "Sign out" }).click();
    await expect(this.page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  }
}

interface Fixtures {
  readonly tasks: TaskPage;
  readonly person: Person;
  readonly store: Store;
  /** The browser logs failed requests. Only tests of failures allow that. */
  readonly failuresExpected: boolean;
}

export const test = base.extend<Fixtures & { quietConsole: undefined }>({
  failuresExpected: [false, { option: true }],
  person: ({ context }, use) => newPerson(context, "Ada").then(use),
  store: async ({ context, person }, use) => {
    expect(person.id).not.toBe("");
    await use(new Store(context.request));
  },
  tasks: async ({ page, person }, use) => {
    expect(person.id).not.toBe("");
    await use(new TaskPage(page));
  },
  quietConsole: [
    async ({ context, failuresExpected }, use) => {
      const complaints: string[] = [];
      context.on("console", (message) => {
        const isFailure = message.text().startsWith("Failed to load resource");
        const isComplaint = message.type() === "error" || message.type() === "warning";
        if (message.text().includes("blocked by Playwright")) return;
        if (isComplaint && !(isFailure && failuresExpected)) complaints.push(message.text());
      });
      context.on("weberror", (error) => complaints.push(error.error().message));
      await use(undefined);
      expect(complaints, "console messages").toEqual([]);
    },
    { auto: true },
  ],
});

/** Makes the API reject every item of a batch: because of a field, or each item for a reason of its own. */
export async function refuse(page: Page, error?: { readonly pointer: string; readonly detail: string }): Promise<void> {
  const headers = { "access-control-allow-origin": "*" };
  await page.route(BATCH, (route) => {
    const { items } = route.request().postDataJSON() as { items: { op: string; id: string }[] };
    const problem = { code: "invalid_field", detail: "This is not allowed." };
    if (!error) {
      const results = items.map(({ id }) => ({ id, status: 422, etag: null, problem }));
      return route.fulfill({ headers, json: { results } });
    }
    const errors = items.map(({ op }, index) => {
      const member = op === "create" ? "task" : "changes";
      return { ...error, pointer: `/items/${index}/${member}${error.pointer}` };
    });
    const json = { ...problem, status: 422, title: "", type: "about:blank", request_id: "", errors };
    return route.fulfill({ status: 422, headers, json });
  });
}

/** Nothing of any user is left in the browser. */
export async function leavesNothing(page: Page): Promise<void> {
  const left = () =>
    page.evaluate(async () => {
      const databases = await indexedDB.databases();
      return [...databases.map(({ name }) => name), ...Object.keys(localStorage)];
    });
  await expect.poll(left).toEqual(["settings"]);
}

/** What axe finds, with the elements. */
export async function findViolations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const result = await axe.run(document, { resultTypes: ["violations"] });
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  });
}

export { expect };

/** A calendar day from today, in the time zone of the tests. */
export function day(fromToday: number): string {
  const date = new Date(Date.now() + fromToday * 86_400_000);
  return new Intl.DateTimeFormat("en-CA", { timeZone: "Europe/Berlin" }).format(date);
}

/** A page that writes to what the device stores until it is closed. Meanwhile, nobody else can. */
export async function holdDevice(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.route("**/empty", (route) =>
    route.fulfill({ contentType: "text/html", body: "<link rel=icon href=data:,>" }),
  );
  await page.goto("/empty");
  await page.evaluate(async () => {
    const [database] = await indexedDB.databases();
    const request = indexedDB.open(database?.name ?? "");
    await new Promise((resolve) => request.addEventListener("success", resolve));
    const stores = [...request.result.objectStoreNames];
    const transaction = request.result.transaction(stores, "readwrite");
    const goOn = () =>
      transaction
        .objectStore(stores[0] ?? "")
        .count()
        .addEventListener("success", goOn);
    goOn();
  });
  return page;
}
