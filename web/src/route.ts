/** The current list is in the URL's fragment, so that the back button and bookmarks work. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { LAYOUTS, LISTS, OPEN, SORTS, type TaskQuery } from "./tasks/query";
import { PRIORITIES } from "./tasks/task";

const HOME: TaskQuery = { ...OPEN, list: "today" };

export const route = signal<TaskQuery>(HOME);
export const routeFrame = frameOf(route);

/** How far the lists were scrolled when they were left, in pixels, by address. */
const places = new Map<string, number>();
let place = 0;

/** How far the current list is scrolled as it appears: at its top, unless the user has come back to it. */
export function placeOfList(): number {
  return place;
}

/** Of an entry in the history that has been shown: it is not new when the browser leads to it. */
const SHOWN = "shown";
/** Under this name, a page that goes away keeps how far it is scrolled, for the case that it is loaded again. */
const PLACE = "place";

export function followAddress(): void {
  const read = () => {
    if (!isRoute(location.hash)) location.replace("#/today");
    const isBack = history.state === SHOWN;
    history.replaceState(SHOWN, "");
    go(parseRoute(location.hash), isBack);
  };
  places.set(formatRoute(parseRoute(location.hash)), Number(sessionStorage.getItem(PLACE)));
  // The browser would scroll before the list is there.
  history.scrollRestoration = "manual";
  addEventListener("hashchange", read);
  addEventListener("pagehide", () => sessionStorage.setItem(PLACE, String(scrollY)));
  read();
}

/** @param isBack the user comes back to the list */
export function show(query: TaskQuery, isBack = false): void {
  const address = formatRoute(query);
  if (address !== location.hash) history.pushState(SHOWN, "", address);
  go(query, isBack);
}

function go(query: TaskQuery, isBack: boolean): void {
  place = (isBack && places.get(formatRoute(query))) || 0;
  places.set(formatRoute(route.peek()), scrollY);
  route.value = query;
}

/** The query without what is searched for: another letter changes nothing that depends on the rest of it. */
export function frameOf(query: ReadonlySignal<TaskQuery>): ReadonlySignal<TaskQuery> {
  let kept: TaskQuery | null = null;
  return computed(() => {
    const frame = { ...query.value, text: "" };
    if (!kept || formatRoute(kept) !== formatRoute(frame)) kept = frame;
    return kept;
  });
}

/** Shows another search without an entry in the history for every key. */
export function showInstead(query: TaskQuery): void {
  history.replaceState(SHOWN, "", formatRoute(query));
  route.value = query;
}

export function parseRoute(hash: string): TaskQuery {
  const [list, parameters] = hash.replace(/^#\/?/u, "").split("?");
  const search = new URLSearchParams(parameters);
  const known = oneOf(LISTS, list ?? "");
  return {
    list: known ?? HOME.list,
    priority: oneOf(PRIORITIES, search.get("priority")) ?? null,
    tag: search.get("tag") || null,
    text: (known === "search" && search.get("q")) || "",
    sort: oneOf(SORTS, search.get("sort")) ?? "due",
    layout: (known === "upcoming" && oneOf(LAYOUTS, search.get("layout"))) || "list",
  };
}

export function formatRoute({ list, priority, tag, text, sort, layout }: TaskQuery): string {
  const search = new URLSearchParams({
    ...(text && { q: text }),
    ...(priority && { priority }),
    ...(tag && { tag }),
    ...(sort !== "due" && { sort }),
    ...(layout !== "list" && { layout }),
  }).toString();
  return `#/${list}${search && `?${search}`}`;
}

/** Whether there is such a list. Without a fragment, it is the first one. */
export function isRoute(hash: string): boolean {
  const [list = ""] = hash.replace(/^#\/?/u, "").split("?");
  return list === "" || oneOf(LISTS, list) !== undefined;
}

function oneOf<T extends string>(known: readonly T[], text: string | null): T | undefined {
  return known.find((choice) => choice === text);
}
