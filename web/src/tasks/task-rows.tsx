import { useCallback, useEffect, useRef } from "preact/hooks";
import { now } from "../ui/clock";
import { isTyping, singleKeys } from "../ui/shortcuts";
import { COMPOSER_ID } from "./composer";
import { GROUP_NAMES } from "./due";
import { Empty, Skeleton, Unreadable } from "./list-states";
import type { TaskQuery } from "./query";
import { moveFocus, revealRow, rowAt, useRowFocus } from "./row-focus";
import type { Row } from "./rows";
import { troubleText } from "./sync-note";
import { TaskRow } from "./task-row";
import { sectionsOf } from "./views";
import type { Workbench } from "./workbench";

const LIST_ID = "task-list";

export function focusFirstRow(): void {
  const list = document.getElementById(LIST_ID);
  if (list) moveFocus(list, null, "first");
}

interface TaskRowsProps {
  readonly bench: Workbench;
  readonly onQuery: (query: TaskQuery) => void;
}

/** The list itself, in whatever state it is. */
export function TaskRows({ bench, onQuery }: TaskRowsProps) {
  const container = useRef<HTMLDivElement>(null);
  useRowFocus(container, COMPOSER_ID);
  const { actions, form, tasks } = bench;
  const phase = tasks.phase.value;
  const { revealed } = bench.rows;
  const wanted = revealed.value;
  useEffect(() => {
    if (wanted !== null && revealRow(wanted)) revealed.value = null;
  });
  const query = bench.rows.query.value;
  const rows = bench.rows.shown.value;

  const onKeyDown = (event: KeyboardEvent) => {
    const key = rowAt(event.target);
    if (key === null || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (form.id.value === key) return;
    const to = MOVES[event.key];
    const task = rows.find(({ task }) => task.id === key)?.task;
    if (to && container.current) {
      if (!moveFocus(container.current, event.target as Element, to) && to === "up") {
        document.getElementById(COMPOSER_ID)?.focus();
      }
    } else if (!task || !tasks.snapshot.value.tasks.has(key)) return;
    else if (event.key === "Delete") actions.remove(task);
    else if (event.key === "e" && singleKeys.value) form.open(task);
    else if (event.key === "x" && singleKeys.value) actions.complete(task, !task.completed);
    else return;
    event.preventDefault();
  };
  // The same function as long as it does the same: rows that do not change are not drawn again.
  const tagged = useCallback((tag: string) => onQuery({ ...query, tag }), [query, onQuery]);

  const hold = () => bench.rows.hold();

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys belong to the rows in it
    <div ref={container} id={LIST_ID} class="task-list" aria-busy={phase === "loading"} onKeyDown={onKeyDown} onPointerMove={hold} onPointerDown={hold}>
      {phase === "loading" && rows.length === 0 && <Skeleton />}
      {phase === "ready" && rows.length === 0 && (
        <Empty query={query} onClear={() => onQuery({ ...query, tag: null, priority: null })} />
      )}
      {query.status === "open" ? (
        <Sections rows={rows} bench={bench} onTag={tagged} />
      ) : (
        <ul class="rows" aria-label={query.status === "all" ? "All tasks" : "Completed tasks"}>
          {rows.map((row) => (
            <TaskRow key={row.task.id} row={row} bench={bench} onTag={tagged} />
          ))}
        </ul>
      )}
      {phase === "unreachable" && (
        <Unreadable why={troubleText(tasks.status.value.trouble)} onRetry={() => tasks.sync.hint()} />
      )}
      {phase === "unkept" && (
        <Unreadable why="This browser does not let the page store data." onRetry={() => location.reload()} />
      )}
      {bench.rows.hasMore.value && <More onMore={() => bench.rows.showMore()} count={rows.length} />}
    </div>
  );
}

const MOVES: Readonly<Record<string, "up" | "down" | "first" | "last">> = {
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
};

interface SectionsProps {
  readonly rows: readonly Row[];
  readonly bench: Workbench;
  readonly onTag: (tag: string) => void;
}

function Sections({ rows, bench, onTag }: SectionsProps) {
  return (
    <>
      {sectionsOf(rows, now.value).map(({ group, rows }) => (
        <section key={group} class={`group group-${group}`} aria-labelledby={`group-${group}`}>
          <h2 id={`group-${group}`}>{GROUP_NAMES[group]}</h2>
          <ul class="rows">
            {rows.map((row) => (
              <TaskRow key={row.task.id} row={row} bench={bench} onTag={onTag} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

interface MoreProps {
  readonly count: number;
  readonly onMore: () => void;
}

/** Comes into view, and shows more: by itself, or by its button. */
function More({ count, onMore }: MoreProps) {
  const end = useRef<HTMLDivElement>(null);
  // With more rows it is a new end, which may be in view already.
  useEffect(() => {
    if (!end.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) onMore();
      },
      { rootMargin: "400px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [count]);
  return (
    <div ref={end} class="more">
      <button type="button" class="button" onClick={onMore}>
        Show more
      </button>
    </div>
  );
}
