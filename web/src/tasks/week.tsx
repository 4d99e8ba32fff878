import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { timeZone } from "../preferences";
import { t } from "../text";
import { now } from "../ui/clock";
import { ChevronLeft, ChevronRight, Plus } from "../ui/icons";
import { droppableInto } from "./dragging";
import { addDays, dayOf, longDate, shortDate, shortWeekday, startOfWeek, toLocal } from "./due";
import { COMPOSER_ID } from "./element-ids";
import type { Row } from "./rows";
import { TaskEditor } from "./task-editor";
import { TaskRow } from "./task-row";
import type { Workbench } from "./workbench";

interface WeekProps {
  readonly bench: Workbench;
  readonly rows: readonly Row[];
  readonly onTag: (tag: string) => void;
}

/**
 * The tasks of seven days, a column for each. At first they are the seven days from today; the pages before and after show whole
 * calendar weeks. A task that is dragged to another day is due then.
 */
export function Week({ bench, rows, onTag }: WeekProps) {
  const words = t();
  const today = dayOf(now.value);
  const week = useSignal(0);
  const thisWeek = startOfWeek(today);
  const isFirstDay = today === thisWeek;
  // Unless today begins it, this week also has days that are over: they are on the page before.
  const offset = week.value < 0 && !isFirstDay ? week.value + 1 : week.value;
  const first = week.value === 0 ? today : addDays(thisWeek, offset * 7);
  const days = Array.from({ length: 7 }, (_, index) => addDays(first, index));
  const last = addDays(first, 6);
  const byDay = useMemo(() => groupByDay(rows), [rows, timeZone.value]);
  const columns = days.map((day) => (byDay.get(day) ?? []).map(({ task }) => task.id));
  bench.focus.show(columns.flat(), columns);
  const opened = bench.form.opened.value;

  return (
    <div class="week">
      <div class="week-heading">
        <button type="button" class="icon-button" aria-label={words.previousWeek} onClick={() => week.value--}>
          <ChevronLeft />
        </button>
        <h2>
          {shortDate(first)} – {shortDate(last, last.slice(0, 4) !== today.slice(0, 4))}
        </h2>
        <button type="button" class="icon-button" aria-label={words.nextWeek} onClick={() => week.value++}>
          <ChevronRight />
        </button>
        {week.value !== 0 && (
          <button type="button" class="text-button" onClick={() => (week.value = 0)}>
            {words.today}
          </button>
        )}
      </div>
      {opened && (
        <div class="task-editing week-editor" data-row={opened.seen.id}>
          <TaskEditor bench={bench} opened={opened} />
        </div>
      )}
      <div class="week-days">
        {days.map((day) => (
          <section
            key={day}
            class={`week-day ${day === today ? "week-today" : ""}`}
            aria-label={longDate(day)}
            {...droppableInto((id) => {
              const task = rows.find(({ task }) => task.id === id)?.task;
              if (task && toLocal(task.due).day !== day) bench.actions.moveTo([task], day);
            })}
          >
            <header>
              <h3>
                {shortWeekday(day)} <span>{Number(day.slice(-2))}</span>
              </h3>
              <button
                type="button"
                class="icon-button"
                aria-label={words.addOn(longDate(day))}
                onClick={() => {
                  bench.drafts.choose({ day });
                  document.getElementById(COMPOSER_ID)?.focus();
                }}
              >
                <Plus />
              </button>
            </header>
            <ul class="rows">
              {(byDay.get(day) ?? []).map(
                (row) =>
                  row.task.id !== opened?.seen.id && (
                    <TaskRow key={row.task.id} row={row} bench={bench} onTag={onTag} section={day} isInWeek />
                  ),
              )}
            </ul>
          </section>
        ))}
      </div>
    </div>
  );
}

function groupByDay(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const days = new Map<string, Row[]>();
  for (const row of rows) {
    const { day } = toLocal(row.task.due);
    days.set(day, [...(days.get(day) ?? []), row]);
  }
  return days;
}
