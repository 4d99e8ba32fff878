import { useEffect, useRef } from "preact/hooks";
import { now } from "../ui/clock";
import { isTyping, singleKeys } from "../ui/shortcuts";
import { COMPOSER_ID } from "./composer";
import { DUE_GROUPS, type DueGroup, groupOf } from "./due";
import { Empty, Skeleton, Unreadable } from "./list-states";
import type { TaskQuery } from "./query";
import { moveFocus, rowAt, useRowFocus } from "./row-focus";
import type { Row, TaskList } from "./task-list";
import { TaskRow } from "./task-row";

const LIST_ID = "task-list";

export function focusFirstRow(): void {
  const list = document.getElementById(LIST_ID);
  if (list) moveFocus(list, null, "first");
}

interface TaskRowsProps {
  readonly list: TaskList;
  readonly onQuery: (query: TaskQuery) => void;
}

/** The list in any of its states. */
export function TaskRows({ list, onQuery }: TaskRowsProps) {
  const container = useRef<HTMLDivElement>(null);
  useRowFocus(container, COMPOSER_ID);
  const phase = list.phase.value;
  const query = list.query.value;
  const rows = list.rows.value;

  const onKeyDown = (event: KeyboardEvent) => {
    const key = rowAt(event.target);
    if (key === null || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (list.editing.value?.key === key) return;
    const to = MOVES[event.key];
    const row = rows.find((row) => row.key === key);
    if (to && container.current) {
      if (!moveFocus(container.current, event.target as Element, to) && to === "up") {
        document.getElementById(COMPOSER_ID)?.focus();
      }
    } else if (event.key === "Delete") list.remove(key);
    else if (event.key === "e" && singleKeys.value) list.edit(key);
    else if (event.key === "x" && singleKeys.value && row) list.complete(key, !row.task.completed);
    else return;
    event.preventDefault();
  };
  const tagged = (tag: string) => onQuery({ ...query, tag });

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys act on the rows inside
    <div ref={container} id={LIST_ID} class="task-list" aria-busy={phase.is === "loading"} onKeyDown={onKeyDown}>
      {phase.is === "loading" && <Skeleton />}
      {phase.is === "ready" && rows.length === 0 && list.cursor.value === null && (
        <Empty query={query} onClear={() => onQuery({ ...query, tag: null, priority: null })} />
      )}
      {phase.is !== "loading" &&
        (query.status === "open" ? (
          <Groups rows={rows} list={list} onTag={tagged} />
        ) : (
          <ul class="rows" aria-label={query.status === "all" ? "All tasks" : "Completed tasks"}>
            {rows.map((row) => (
              <TaskRow key={row.key} row={row} list={list} onTag={tagged} />
            ))}
          </ul>
        ))}
      {phase.is === "failed" && <Unreadable why={phase.why} onRetry={() => void list.reopen()} />}
      {phase.is === "ready" && list.cursor.value !== null && <More list={list} />}
    </div>
  );
}

const MOVES: Readonly<Record<string, "up" | "down" | "first" | "last">> = {
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
};

const GROUP_NAMES: Readonly<Record<DueGroup, string>> = {
  overdue: "Overdue",
  today: "Today",
  week: "Next 7 days",
  later: "Later",
  none: "No date",
};

interface GroupsProps {
  readonly rows: readonly Row[];
  readonly list: TaskList;
  readonly onTag: (tag: string) => void;
}

function Groups({ rows, list, onTag }: GroupsProps) {
  return (
    <>
      {DUE_GROUPS.map((group) => {
        const members = rows.filter((row) => groupOf(row.task.due, now.value) === group);
        if (members.length === 0) return null;
        return (
          <section key={group} class={`group group-${group}`} aria-labelledby={`group-${group}`}>
            <h2 id={`group-${group}`}>{GROUP_NAMES[group]}</h2>
            <ul class="rows">
              {members.map((row) => (
                <TaskRow key={row.key} row={row} list={list} onTag={onTag} />
              ))}
            </ul>
          </section>
        );
      })}
    </>
  );
}

/** Loads the next page when it scrolls into view or its button is pressed. */
function More({ list }: { readonly list: TaskList }) {
  const end = useRef<HTMLDivElement>(null);
  const { value: more } = list.more;
  const cursor = list.cursor.value;
  // With a new cursor, the new end of the list may be in view already.
  useEffect(() => {
    if (!end.current || more.is !== "ready") return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) void list.loadMore();
      },
      { rootMargin: "400px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [list, cursor, more.is]);
  return (
    <div ref={end} class="more">
      {more.is === "failed" && <p role="alert">The next tasks could not be loaded. {more.why.reason}</p>}
      <button type="button" class="button" onClick={() => void list.loadMore()} aria-disabled={more.is === "loading"}>
        {more.is === "loading" ? "Loading…" : more.is === "failed" ? "Try again" : "Load more"}
      </button>
    </div>
  );
}
