import { useId } from "preact/hooks";
import { t } from "../text";
import { Close } from "../ui/icons";
import type { TaskQuery } from "./query";
import { LIMITS, PRIORITIES } from "./task";

export const TAG_FILTER_ID = "tag-filter";

interface FiltersProps {
  readonly query: TaskQuery;
  readonly knownTags: readonly string[];
  readonly onChange: (query: TaskQuery) => void;
}

export function Filters({ query, knownTags, onChange }: FiltersProps) {
  const words = t();
  const id = useId();
  const filterByTag = (tag: string | null) => {
    if (tag !== query.tag) onChange({ ...query, tag });
  };
  const filtered = query.tag !== null || query.priority !== null;
  return (
    <search class="filters" aria-label={words.filter}>
      <label class="visually-hidden" for={TAG_FILTER_ID}>
        {words.filterByTag}
      </label>
      <input
        // The key resets the box to the list's tag, whatever was typed before.
        key={query.tag}
        id={TAG_FILTER_ID}
        class="filter"
        list={`${id}-tags`}
        maxLength={LIMITS.tag}
        placeholder={words.anyTag}
        autocomplete="off"
        enterkeyhint="search"
        defaultValue={query.tag ?? ""}
        onChange={(event) => filterByTag(typedTag(event.currentTarget.value))}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            const tag = meantTag(event.currentTarget.value, knownTags);
            event.currentTarget.value = tag ?? "";
            filterByTag(tag);
          }
          if (event.key !== "Escape") return;
          event.currentTarget.value = "";
          filterByTag(null);
          event.currentTarget.blur();
        }}
      />
      <datalist id={`${id}-tags`}>
        {knownTags.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
      <label class="visually-hidden" for={`${id}-priority`}>
        {words.filterByPriority}
      </label>
      <select
        id={`${id}-priority`}
        class="filter"
        value={query.priority ?? ""}
        onChange={(event) => {
          const priority = PRIORITIES.find((choice) => choice === event.currentTarget.value) ?? null;
          onChange({ ...query, priority });
        }}
      >
        <option value="">{words.anyPriority}</option>
        {PRIORITIES.toReversed().map((choice) => (
          <option key={choice} value={choice}>
            {words.priorityOf[choice]}
          </option>
        ))}
      </select>
      {filtered && (
        <button type="button" class="chip" onClick={() => onChange({ ...query, tag: null, priority: null })}>
          <Close /> <span class="chip-text">{words.clearFilters}</span>
        </button>
      )}
    </search>
  );
}

function typedTag(text: string): string | null {
  return text.trim().replace(/^#/u, "") || null;
}

/** The tag itself, in any case, or the first one that the browser's list offers for the text. */
function meantTag(text: string, known: readonly string[]): string | null {
  const typed = typedTag(text);
  if (typed === null) return null;
  const sought = typed.toLowerCase();
  const is = (tag: string) => tag.toLowerCase() === sought;
  return known.find(is) ?? known.find((tag) => tag.toLowerCase().includes(sought)) ?? typed;
}
