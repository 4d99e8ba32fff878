import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { t } from "../text";
import { now } from "../ui/clock";
import { Dialog } from "../ui/dialog";
import {
  ArrowDown,
  ArrowUp,
  Calendar,
  Close,
  NextWeek,
  Note,
  Repeat,
  Select,
  Sofa,
  Sun,
  Today,
  Trash,
} from "../ui/icons";
import { moveBy } from "./by-hand";
import { dayOf, daysAhead, shortDate, shortWeekday, toLocal } from "./due";
import { DateInput, openPicker } from "./due-field";
import { PriorityField } from "./priority-field";
import type { Task } from "./task";
import type { Workbench } from "./workbench";

/** What can be done with one task in one step: above all, when it is due. On a phone, it comes from below. */
export function RowMenu({ bench }: { readonly bench: Workbench }) {
  const opened = bench.menu.value;
  const task = opened && bench.tasks.snapshot.value.tasks.get(opened.id);
  if (!task) return null;
  const { actions, form, selection } = bench;
  const words = t();
  const close = () => {
    bench.menu.value = null;
  };
  const then = (act: () => void) => () => {
    close();
    act();
  };
  const isByHand = bench.rows.query.value.sort === "manual";
  return (
    <Dialog title={task.title} class="row-menu" near={opened.near} onClose={close}>
      <Days bench={bench} task={task} onDone={close} />
      <PriorityField
        priority={task.priority}
        onChange={(priority) => then(() => actions.update([task], { priority }))()}
      />
      <div class="menu-part">
        {isByHand && (
          <>
            <Item Icon={ArrowUp} text={words.moveUp} onClick={() => moveBy(bench, task.id, -1)} />
            <Item Icon={ArrowDown} text={words.moveDown} onClick={() => moveBy(bench, task.id, 1)} />
          </>
        )}
        {task.recurrence && <Item Icon={Repeat} text={words.skipOnce} onClick={then(() => void actions.skip(task))} />}
        <Item Icon={Note} text={words.edit} onClick={then(() => form.open(task))} />
        <Item Icon={Select} text={words.select} onClick={then(() => selection.toggle(task.id))} />
        <Item Icon={Trash} text={words.delete} isDanger onClick={then(() => actions.remove(task))} />
      </div>
    </Dialog>
  );
}

const ICONS = { today: Today, tomorrow: Sun, thisWeekend: Sofa, nextWeekend: Sofa, nextWeek: NextWeek };

interface DaysProps {
  readonly bench: Workbench;
  readonly task: Task;
  readonly onDone: () => void;
}

function Days({ bench, task, onDone }: DaysProps) {
  const words = t();
  const today = dayOf(now.value);
  const { day } = toLocal(task.due);
  // A date that is typed is complete with Enter, and one that is picked at once.
  const isTyped = useRef(false);
  const move = (day: string) => {
    onDone();
    bench.actions.moveTo([task], day);
  };
  return (
    <div class="menu-part">
      {daysAhead(today).map(([name, choice], index) => (
        <Item
          key={name}
          Icon={ICONS[name]}
          text={words[name]}
          hint={index < 2 ? shortWeekday(choice) : `${shortWeekday(choice)} ${shortDate(choice)}`}
          isChosen={day === choice}
          isFirst={index === 0}
          onClick={() => move(choice)}
        />
      ))}
      {/* biome-ignore lint/a11y/noLabelWithoutControl: DateInput is one */}
      <label class="menu-item">
        <Calendar />
        <span>{words.pickADate}</span>
        <DateInput
          type="date"
          value={day}
          onClick={(event) => openPicker(event.currentTarget)}
          onKeyDown={(event) => {
            isTyped.current = true;
            if (event.key !== "Enter" || event.currentTarget.value === "") return;
            // The key must not press what gets the focus next.
            event.preventDefault();
            move(event.currentTarget.value);
          }}
          onChange={(day) => day !== "" && !isTyped.current && move(day)}
        />
      </label>
      {day !== "" && <Item Icon={Close} text={words.noDate} onClick={() => move("")} />}
    </div>
  );
}

interface ItemProps {
  readonly Icon: () => JSX.Element;
  readonly text: string;
  readonly hint?: string;
  readonly isChosen?: boolean;
  readonly isDanger?: boolean;
  readonly isFirst?: boolean;
  readonly onClick: () => void;
}

function Item({ Icon, text, hint, isChosen, isDanger = false, isFirst = false, onClick }: ItemProps) {
  return (
    <button
      type="button"
      class={`menu-item ${isDanger ? "menu-danger" : ""}`}
      aria-pressed={isChosen}
      autofocus={isFirst}
      onClick={onClick}
    >
      <Icon />
      <span>{text}</span>
      {hint && (
        <span class="menu-hint" aria-hidden="true">
          {hint}
        </span>
      )}
    </button>
  );
}
