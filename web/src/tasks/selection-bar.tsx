import { t } from "../text";
import { now } from "../ui/clock";
import { Calendar, Check, Close, Trash } from "../ui/icons";
import { addDays, dayOf } from "./due";
import { PRIORITIES } from "./task";
import type { Workbench } from "./workbench";

/** What can be done with the selected tasks. */
export function SelectionBar({ bench }: { readonly bench: Workbench }) {
  const { actions, selection } = bench;
  const tasks = selection.tasks.value;
  if (tasks.length === 0) return null;
  const words = t();
  const then = (act: () => void) => () => {
    act();
    selection.clear();
  };
  const today = dayOf(now.value);
  return (
    <div class="selection-bar" role="toolbar" aria-label={words.selection}>
      <strong>{words.selected(tasks.length)}</strong>
      <button type="button" class="bar-button" onClick={then(() => actions.completeAll(tasks))}>
        <Check /> {words.complete}
      </button>
      <button type="button" class="bar-button" onClick={then(() => actions.update(tasks, { due: today }))}>
        <Calendar /> {words.today}
      </button>
      <button type="button" class="bar-button" onClick={then(() => actions.update(tasks, { due: addDays(today, 1) }))}>
        <Calendar /> {words.tomorrow}
      </button>
      <select
        class="bar-button"
        aria-label={words.priority}
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
      <button type="button" class="bar-button" onClick={then(() => actions.removeAll(tasks))}>
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
