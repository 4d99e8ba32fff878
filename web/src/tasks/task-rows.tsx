import type { ComponentChildren } from "preact";
import { useCallback, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { timeZone } from "../preferences";
import { placeOfList } from "../route";
import { t } from "../text";
import { now } from "../ui/clock";
import { isTyping, singleKeys } from "../ui/shortcuts";
import { drop, moveBy } from "./by-hand";
import { addDays, dayOf, hasTime, isOverdue } from "./due";
import { COMPOSER_ID } from "./element-ids";
import { Empty, Skeleton, Unreadable } from "./list-states";
import type { TaskQuery } from "./query";
import { type Move, rowAt, useKeptFocus, useRowFocus } from "./row-focus";
import type { Row } from "./rows";
import { troubleText } from "./sync-note";
import type { Priority, Task } from "./task";
import { TaskRow } from "./task-row";
import { priorityIn, type Section, sectionsOf, tagsIn } from "./views";
import { useVirtual } from "./virtual";
import { Week } from "./week";
import type { Workbench } from "./workbench";

const LIST_ID = "task-list";

interface TaskRowsProps {
  readonly bench: Workbench;
  readonly onQuery: (query: TaskQuery) => void;
}

/** The list itself, in whatever state it is. */
export function TaskRows({ bench, onQuery }: TaskRowsProps) {
  useRowFocus(bench.focus);
  useKeptFocus(bench.focus);
  const { tasks } = bench;
  const phase = tasks.phase.value;
  const query = bench.rows.frame.value;
  const rows = bench.rows.all.value;
  // The same function as long as it does the same: rows that do not change are not drawn again.
  const tagged = useCallback((tag: string) => onQuery({ ...bench.rows.query.peek(), tag }), [bench, onQuery]);
  const isWeek = query.layout === "week";
  const placed = useRef<TaskQuery | null>(null);
  const isEmpty = rows.length === 0;
  useLayoutEffect(() => {
    if (placed.current === query || (placed.current === null && isEmpty)) return;
    placed.current = query;
    scrollTo(0, placeOfList());
  }, [query, isEmpty]);
  const hold = () => bench.rows.hold();

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys belong to the rows in it
    <div
      id={LIST_ID}
      class="task-list"
      aria-busy={phase === "loading"}
      inert={tasks.isPreview.value}
      onKeyDown={(event) => onRowKey(event, bench)}
      onPointerMove={hold}
      onPointerDown={hold}
    >
      {phase === "loading" && rows.length === 0 && <Skeleton />}
      {phase === "ready" && rows.length === 0 && !isWeek && (
        <Empty
          query={bench.rows.query.value}
          onClear={() => onQuery({ ...bench.rows.query.peek(), tag: null, priority: null })}
        />
      )}
      {isWeek ? (
        <Week bench={bench} rows={rows} onTag={tagged} />
      ) : (
        <Sections key={query.list} bench={bench} rows={rows} query={query} onTag={tagged} />
      )}
      {phase === "unreachable" && (
        <Unreadable why={troubleText(tasks.status.value.trouble)} onRetry={() => tasks.sync.hint()} />
      )}
      {phase === "unkept" && <Unreadable why={t().unkept} onRetry={() => location.reload()} />}
    </div>
  );
}

const MOVES: Readonly<Record<string, Move>> = { ArrowUp: "up", ArrowDown: "down", Home: "first", End: "last" };
const WEEK_MOVES: Readonly<Record<string, Move>> = { ArrowLeft: "left", ArrowRight: "right" };
const KEY_MOVES: Readonly<Record<string, Move>> = { k: "up", j: "down" };
const KEY_PRIORITIES: Readonly<Record<string, Priority>> = { "1": "high", "2": "medium", "3": "low", "4": "none" };

function onRowKey(event: KeyboardEvent, bench: Workbench): void {
  const { actions, focus, form, selection, tasks } = bench;
  const id = rowAt(event.target);
  if (id === null || isTyping(event.target) || event.ctrlKey || event.metaKey || form.id.value === id) return;
  if (event.altKey) {
    const by = ({ ArrowUp: -1, ArrowDown: 1 } as const)[event.key as "ArrowUp"];
    if (!by || bench.rows.query.value.sort !== "manual") return;
    moveBy(bench, id, by);
    event.preventDefault();
    return;
  }
  const letter = singleKeys.value === "on" ? event.key : "";
  const isWeek = bench.rows.query.value.layout === "week";
  const to = MOVES[event.key] ?? KEY_MOVES[letter] ?? (isWeek ? WEEK_MOVES[event.key] : undefined);
  const task = bench.rows.all.value.find(({ task }) => task.id === id)?.task;
  const priority = KEY_PRIORITIES[letter];
  if (to) {
    if (!focus.move(to) && to === "up") document.getElementById(COMPOSER_ID)?.focus();
  } else if (!task || !tasks.snapshot.value.tasks.has(id)) return;
  else if (selection.tasks.value.length > 0 && changeSelected(bench, event.key, letter)) selection.clear();
  else if (event.key === "Delete") actions.remove(task);
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") fold(bench, id, event.key === "ArrowRight");
  else if (letter === "e") form.open(task);
  else if (letter === "x") actions.complete(task, !task.completed);
  else if (letter === "t") actions.moveTo([task], dayOf(now.value));
  else if (letter === "T") actions.moveTo([task], addDays(dayOf(now.value), 1));
  else if (letter === "v") selection.toggle(id);
  else if (priority) actions.update([task], { priority });
  else return;
  event.preventDefault();
}

/** Does to all selected tasks what a key does to one. Returns false if it is another key. */
function changeSelected({ actions, selection }: Workbench, key: string, letter: string): boolean {
  const tasks = selection.tasks.value;
  const priority = KEY_PRIORITIES[letter];
  if (key === "Delete") actions.removeAll(tasks);
  else if (letter === "x" && tasks.every(({ completed }) => completed)) actions.update(tasks, { completed: false });
  else if (letter === "x") actions.completeAll(tasks);
  else if (letter === "t") actions.moveTo(tasks, dayOf(now.value));
  else if (letter === "T") actions.moveTo(tasks, addDays(dayOf(now.value), 1));
  else if (priority) actions.update(tasks, { priority });
  else return false;
  return true;
}

/** Shows or hides the subtasks of a row. From a subtask, the focus goes to its parent first. */
function fold({ focus, rows }: Workbench, id: string, isExpanded: boolean): void {
  const row = rows.all.value.find(({ task }) => task.id === id);
  if (row?.isExpanded !== undefined) rows.nesting.expand(id, isExpanded);
  else if (row?.under && !isExpanded) focus.enter(row.under);
}

interface SectionsProps {
  readonly bench: Workbench;
  readonly rows: readonly Row[];
  readonly query: TaskQuery;
  readonly onTag: (tag: string) => void;
}

const HEADING_HEIGHT = 35.5;

/** Asking the browser for each of thousands of rows would take long. */
let width = innerWidth;
addEventListener("resize", () => {
  width = innerWidth;
});

/** Heights in pixels, as the styles make them. On a phone, titles have two lines, and the facts have one of their own. */
function heightOf(task: Task, section: string, query: TaskQuery): number {
  if (width >= 640) return 38;
  const isLong = task.title.length * 7.8 > width - 104;
  const { description, recurrence } = task;
  const day = task.completed ? (task.completed_at?.slice(0, 10) ?? null) : task.due;
  // Without looking at clocks, as there may be thousands.
  const hasNoDay = day === null || day === section || (section === "today" && !hasTime(day));
  const isPlain =
    hasNoDay &&
    !recurrence &&
    priorityIn(section, task.priority) === "none" &&
    tagsIn(query, task.tags).length === 0 &&
    description === null;
  if (isLong) return isPlain ? 54 : 72;
  return isPlain ? 44 : 51;
}

function estimated({ section, row }: Item, query: TaskQuery): number {
  if (row) return heightOf(row.task, section.key, query);
  return section.title === null ? 0 : HEADING_HEIGHT;
}

/** A heading, which is always in the document, or a row. */
type Item = { readonly section: Section<Row>; readonly row?: Row; readonly position: number };

function Sections({ bench, rows, query, onTag }: SectionsProps) {
  const container = useRef<HTMLDivElement>(null);
  useKeptFocus(bench.focus);
  const time = now.value;
  const words = t();
  const all = bench.rows.matching.value;
  const items = useMemo(
    () => itemsOf(sectionsOf(rows, query, time, all)),
    [rows, all, query, time, words, timeZone.value],
  );
  const keys = useMemo(() => items.map(keyOf), [items]);
  useMemo(() => bench.focus.show(items.flatMap(({ row }) => row?.task.id ?? [])), [items, bench]);
  const headings = useMemo(() => items.flatMap(({ row }, index) => (row ? [] : [index])), [items]);
  const kept = [bench.focus.row.value, bench.form.id.value].map((id) => (id === null ? -1 : keys.indexOf(id)));
  const pinned = [...headings, ...kept.filter((index) => index >= 0)];
  const {
    items: shown,
    end,
    measure,
  } = useVirtual({
    subject: bench.rows.query.value.text,
    container,
    keys,
    estimate: (index) => (items[index] ? estimated(items[index], query) : 0),
    pinned,
  });

  const dropped = useCallback(
    (id: string | undefined, target: string, isAfter: boolean) => drop(bench, id, target, isAfter),
    [bench],
  );

  const drawn: { section: Section<Row>; index: number; children: ComponentChildren[] }[] = [];
  let at = 0;
  const gap = (until: number) => {
    const height = Math.round(until - at);
    if (height > 0)
      drawn.at(-1)?.children.push(<li key={`gap-${at}`} aria-hidden="true" style={{ blockSize: `${height}px` }} />);
  };
  for (const { index, start, end } of shown) {
    const item = items[index];
    if (!item) continue;
    gap(start);
    at = end;
    const { section, row, position } = item;
    if (!row) drawn.push({ section, index, children: [] });
    else {
      const onDrop = query.sort === "manual" ? dropped : undefined;
      const place = { index, position, size: section.rows.length, section: section.key };
      const props = { row, bench, onTag, onDrop, measure, ...place };
      drawn.at(-1)?.children.push(<TaskRow key={row.task.id} {...props} />);
    }
  }
  gap(end);

  return (
    <div ref={container}>
      {drawn.map(({ section: { key, title, rows, count }, index, children }) =>
        title === null ? (
          <ul key={key} class="rows" aria-label={words.titles[query.list]}>
            {children}
          </ul>
        ) : (
          <section key={key} class={`group group-${key}`} aria-labelledby={`group-${key}`}>
            <div class="group-heading" data-index={index} ref={measure}>
              <h2 id={`group-${key}`}>{title}</h2>
              {count > 0 && <span class="group-count">{count}</span>}
              {key === "overdue" && <MoveToToday bench={bench} rows={rows} />}
            </div>
            <ul class="rows" aria-labelledby={`group-${key}`}>
              {children}
            </ul>
          </section>
        ),
      )}
    </div>
  );
}

function itemsOf(sections: readonly Section<Row>[]): Item[] {
  return sections.flatMap((section) => [
    { section, position: 0 },
    ...section.rows.map((row, index) => ({ section, row, position: index + 1 })),
  ]);
}

function keyOf({ section, row }: Item): string {
  return row?.task.id ?? `heading-${section.key}`;
}

/** Subtasks are below their parents, and need not be overdue with them. */
function MoveToToday({ bench, rows }: { readonly bench: Workbench; readonly rows: readonly Row[] }) {
  const move = () => {
    const overdue = rows.flatMap(({ task }) => (task.due !== null && isOverdue(task.due, now.value) ? [task] : []));
    bench.actions.moveTo(overdue, dayOf(now.value));
  };
  return (
    <button type="button" class="text-button group-action" onClick={move}>
      {t().moveToToday}
    </button>
  );
}
