import { batch, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { formatRoute, route, show, showInstead } from "../route";
import { isSameTag, type List, OPEN, type TaskQuery } from "../tasks/query";
import type { Counts } from "../tasks/views";
import { t } from "../text";
import { Calendar, Check, Close, Menu, Search, Stack, Tag, Today } from "./icons";
import { paletteShown } from "./palette-state";

const LISTS: readonly { readonly list: "today" | "upcoming" | "open"; readonly Icon: () => JSX.Element }[] = [
  { list: "today", Icon: Today },
  { list: "upcoming", Icon: Calendar },
  { list: "open", Icon: Stack },
];

/** The lists with their counts, then the tags, then what is completed. On a phone, a bar at the bottom without the tags. */
export function Lists({ query, counts }: { readonly query: TaskQuery; readonly counts: Counts }) {
  const words = t();
  const isOpen = query.list === "open" || query.list === "all";
  const tagged = isOpen ? query.tag : null;
  const isShown = (list: List) => (list === "open" ? isOpen : query.list === list) && tagged === null;
  return (
    <nav class="lists" aria-label={words.lists}>
      {LISTS.map(({ list, Icon }) => (
        <a key={list} href={formatRoute({ ...OPEN, list })} aria-current={isShown(list) ? "page" : undefined}>
          <Icon />
          <span class="list-name">{words.listNames[list]}</span>
          <Count count={counts[list]} isLate={list === "today" && counts.overdue > 0} />
        </a>
      ))}
      {counts.tags.length > 0 && (
        <ul class="tag-lists" aria-label={words.tags}>
          {counts.tags.map(({ tag, count }) => (
            <li key={tag}>
              <a
                href={formatRoute({ ...OPEN, tag })}
                aria-current={tagged !== null && isSameTag(tag, tagged) ? "page" : undefined}
              >
                <Tag />
                <span class="list-name" dir="auto">
                  {tag}
                </span>
                <Count count={count} />
              </a>
            </li>
          ))}
        </ul>
      )}
      <a href={formatRoute({ ...OPEN, list: "completed" })} aria-current={isShown("completed") ? "page" : undefined}>
        <Check />
        <span class="list-name">{words.listNames.completed}</span>
      </a>
      <button
        type="button"
        class="bar-menu"
        onClick={() => {
          paletteShown.value = true;
        }}
      >
        <Menu />
        <span class="list-name">{words.more}</span>
      </button>
    </nav>
  );
}

function Count({ count, isLate = false }: { readonly count: number; readonly isLate?: boolean }) {
  if (count === 0) return null;
  return (
    <span class={`count ${isLate ? "count-late" : ""}`}>
      <span class="visually-hidden">, </span>
      {count}
      <span class="visually-hidden"> {t().tasksCounted(count)}</span>
    </span>
  );
}

export const SEARCH_ID = "search";
/** The list that a search began in. */
let before: TaskQuery = route.peek();

interface SearchBoxProps {
  /** Moves the focus down to what is found. */
  readonly onDown: () => void;
}

/** Searches everything on the device, from the first key. A letter is painted at once, and in the next frame what it finds. */
export function SearchBox({ onDown }: SearchBoxProps) {
  const words = t();
  const query = route.value;
  /** What is not searched for yet. Without it, a search that begins between two keys would take the second one back. */
  const typed = useSignal<string | null>(null);
  const begin = (text: string) =>
    batch(() => {
      typed.value = null;
      search(text);
    });
  const type = (text: string) => {
    if (text === "") return begin(text);
    typed.value = text;
    requestAnimationFrame(() => setTimeout(() => typed.peek() === text && begin(text)));
  };
  return (
    <search class="search">
      <Search />
      <label class="visually-hidden" for={SEARCH_ID}>
        {words.search}
      </label>
      <input
        id={SEARCH_ID}
        class="bare"
        type="search"
        autocomplete="off"
        enterkeyhint="search"
        placeholder={words.search}
        value={typed.value ?? query.text}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            type("");
            event.currentTarget.blur();
          } else if (event.key === "ArrowDown" || event.key === "Enter") {
            if (typed.peek() !== null) begin(typed.peek() ?? "");
            // After what is found is drawn.
            requestAnimationFrame(() => setTimeout(onDown));
          } else return;
          event.preventDefault();
        }}
      />
      {query.text !== "" && (
        <button type="button" class="icon-button" aria-label={words.clearSearch} onClick={() => type("")}>
          <Close />
        </button>
      )}
    </search>
  );
}

function search(text: string): void {
  const query = route.peek();
  if (query.list !== "search") before = query;
  if (text === "") {
    if (query.list === "search") show(before, true);
  } else if (query.list === "search") showInstead({ ...query, text });
  else show({ ...OPEN, list: "search", text });
}
