import { useId } from "preact/hooks";
import { now } from "../ui/clock";
import { addDays, dayOf, fromLocal, toLocal } from "./due";

interface DueFieldProps {
  readonly due: string | null;
  readonly onChange: (due: string | null) => void;
}

const LATEST_DAY = "9999-12-31";

/** A field for a date and an optional time. */
export function DueField({ due, onChange }: DueFieldProps) {
  const id = useId();
  const { day, time } = toLocal(due);
  const today = dayOf(now.value);
  const choices = [
    ["Today", today],
    ["Tomorrow", addDays(today, 1)],
    ["In a week", addDays(today, 7)],
  ] as const;
  return (
    <div class="due-field">
      <div class="due-inputs">
        <label class="visually-hidden" for={`${id}-day`}>
          Due date
        </label>
        <input
          id={`${id}-day`}
          type="date"
          max={LATEST_DAY}
          value={day}
          onChange={(event) => onChange(fromLocal({ day: event.currentTarget.value, time }))}
        />
        <label class="visually-hidden" for={`${id}-time`}>
          Due time
        </label>
        <input
          id={`${id}-time`}
          type="time"
          value={time}
          disabled={day === ""}
          onChange={(event) => onChange(fromLocal({ day, time: event.currentTarget.value }))}
        />
      </div>
      <div class="chips">
        {choices.map(([name, choice]) => (
          <button
            key={name}
            type="button"
            class="chip"
            aria-pressed={day === choice}
            onClick={() => onChange(fromLocal({ day: choice, time }))}
          >
            {name}
          </button>
        ))}
        {due !== null && (
          <button type="button" class="chip" onClick={() => onChange(null)}>
            No date
          </button>
        )}
      </div>
    </div>
  );
}
