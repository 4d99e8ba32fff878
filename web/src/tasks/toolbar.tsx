import { useSignal } from "@preact/signals";
import { t } from "../text";
import { Check, Columns, Filter, Select } from "../ui/icons";
import { Filters } from "./filters";
import { isOpenList, SORTS, type TaskQuery } from "./query";
import type { Workbench } from "./workbench";

interface ToolbarProps {
  readonly bench: Workbench;
  readonly query: TaskQuery;
  readonly onChange: (query: TaskQuery) => void;
}

/** What a list shows, and how. */
export function Toolbar({ bench, query, onChange }: ToolbarProps) {
  const words = t();
  const { list, layout } = query;
  const canSort = isOpenList(query) && layout === "list";
  // On a phone, filters take room only while somebody filters.
  const isOpen = useSignal(false);
  const isFiltered = query.tag !== null || query.priority !== null;
  // Without tasks, there is nothing to filter or to sort.
  const isIdle = bench.tasks.snapshot.value.tasks.size === 0 && !isFiltered && layout === "list";
  const first = bench.rows.all.value[0]?.task.id;
  return (
    <div class="tools" data-filters={isOpen.value || isFiltered} data-idle={isIdle}>
      <button
        type="button"
        class="chip tools-filter"
        aria-expanded={isOpen.value || isFiltered}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <Filter /> <span class="chip-text">{words.filter}</span>
      </button>
      <Filters query={query} knownTags={bench.knownTags.value} onChange={onChange} />
      {canSort && (
        <select
          class="filter"
          aria-label={words.sortBy}
          value={query.sort}
          onChange={(event) => {
            const sort = SORTS.find((sort) => sort === event.currentTarget.value);
            if (sort) onChange({ ...query, sort });
          }}
        >
          {SORTS.map((sort) => (
            <option key={sort} value={sort}>
              {words.sorts[sort]}
            </option>
          ))}
        </select>
      )}
      {list === "upcoming" && (
        <button
          type="button"
          class="chip"
          aria-pressed={layout === "week"}
          onClick={() => onChange({ ...query, layout: layout === "week" ? "list" : "week" })}
        >
          <Columns /> {words.week}
        </button>
      )}
      {(list === "open" || list === "all") && (
        <button
          type="button"
          class="chip"
          aria-pressed={list === "all"}
          onClick={() => onChange({ ...query, list: list === "all" ? "open" : "all" })}
        >
          <Check /> <span class="chip-text">{words.showCompleted}</span>
          <span class="chip-short" aria-hidden="true">
            {words.listNames.completed}
          </span>
        </button>
      )}
      {first !== undefined && layout === "list" && (
        <button
          type="button"
          class="chip"
          aria-pressed={bench.selection.isActive.value}
          onClick={() => {
            if (bench.selection.isActive.value) bench.selection.clear();
            else {
              bench.selection.begin();
              bench.focus.enter(first, "select");
            }
          }}
        >
          <Select /> <span class="chip-text">{words.select}</span>
        </button>
      )}
    </div>
  );
}
