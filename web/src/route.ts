/** The current list is in the URL's fragment, so that the back button and bookmarks work. */
import { signal } from "@preact/signals";
import { STATUSES, type Status, type TaskQuery } from "./tasks/query";
import { PRIORITIES, type Priority } from "./tasks/task";

export const route = signal<TaskQuery>({ status: "open", priority: null, tag: null });

export function followAddress(): void {
  const read = () => {
    if (!isRoute(location.hash)) location.replace("#/open");
    route.value = parseRoute(location.hash);
  };
  addEventListener("hashchange", read);
  read();
}

export function show(query: TaskQuery): void {
  location.hash = formatRoute(query);
}

export function parseRoute(hash: string): TaskQuery {
  const [status, parameters] = hash.replace(/^#\/?/u, "").split("?");
  const search = new URLSearchParams(parameters);
  const priority = search.get("priority");
  return {
    status: isStatus(status) ? status : "open",
    priority: isPriority(priority) ? priority : null,
    tag: search.get("tag") || null,
  };
}

export function formatRoute({ status, priority, tag }: TaskQuery): string {
  const search = new URLSearchParams({ ...(priority && { priority }), ...(tag && { tag }) }).toString();
  return `#/${status}${search && `?${search}`}`;
}

/** Whether there is such a list. Without a fragment, it is the first one. */
export function isRoute(hash: string): boolean {
  const [status = ""] = hash.replace(/^#\/?/u, "").split("?");
  return status === "" || isStatus(status);
}

function isStatus(text: string | undefined): text is Status {
  return STATUSES.some((status) => status === text);
}

function isPriority(text: string | null): text is Priority {
  return PRIORITIES.some((priority) => priority === text);
}
