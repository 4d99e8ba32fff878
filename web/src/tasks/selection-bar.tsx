import { t } from "../text";
import { now } from "../ui/clock";
import { Check, Close, Trash } from "../ui/icons";
import { dayOf, daysAhead } from "./due";
import { PRIORITIES } from "./task";
import type { Workbench } from "./workbench";

const NO_DAY = "none";

/** What can be done with the selected tasks. */
export function SelectionBar({ bench }: { readonly bench: Workbench }) {
  const { actions, selection } = bench;
  const tasks = selection.tasks.value;
  if (!selection.isActive.value) return null;
  const disabled = tasks.length === 0;
  const words = t();
  const then = (act: () => void) => () => {
    act();
    selection.clear();
  };
  const today = dayOf(now.value);
  return (
    <div class="selection-bar" role="toolbar" aria-label={words.selection}>
      <strong>{words.selected(tasks.length)}</strong>
      <button type="button" class="bar-button" disabled={disabled} onClick={then(() => actions.completeAll(tasks))}>
        <Check /> {words.complete}
      </button>
      <select
        class="bar-button"
        aria-label={words.date}
        disabled={disabled}
        value=""
        onChange={({ currentTarget: { value } }) => then(() => actions.moveTo(tasks, value === NO_DAY ? "" : value))()}
      >
        <option value="">{words.date}</option>
        {daysAhead(today).map(([name, day]) => (
          <option key={name} value={day}>
            {words[name]}
          </option>
        ))}
        <option value={NO_DAY}>{words.noDate}</option>
      </select>
      <select
        class="bar-button"
        aria-label={words.priority}
        disabled={disabled}
        value=""
        onChange={(event) => {
          const priority = PRIORITIES.find((priority) => priority === event.currentTarget.value);
          if (priority) then(() => actions.update(tasks, { priority }))();
        }}
      >
        <option value="">{words.priority}</option>
        {PRIORITIES.toReversed().map((priority) => (
          <option key={priority} value={priority}>
            {words.priorities[priority]}
          </option>
        ))}
      </select>
      {bench.knownTags.value.length > 0 && (
        <select
          class="bar-button"
          aria-label={words.addATag}
          disabled={disabled}
          value=""
          onChange={({ currentTarget: { value } }) => then(() => actions.tag(tasks, value))()}
        >
          <option value="">{words.tag}</option>
          {bench.knownTags.value.map((tag) => (
            <option key={tag} value={tag}>
              {tag}
            </option>
          ))}
        </select>
      )}
      <button type="button" class="bar-button" disabled={disabled} onClick={then(() => actions.removeAll(tasks))}>
        <Trash /> {words.delete}
      </button>
      <button type="button" class="bar-button" onClick={() => selection.all()}>
        {words.selectAll}
      </button>
      <button type="button" class="icon-button" aria-label={words.clearSelection} onClick={() => selection.clear()}>
        <Close />
      </button>
    </div>
  );
}
