import { useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../text";
import { now } from "../ui/clock";
import { dayOf, daysAhead, fromLocal, type LocalDue, toLocal } from "./due";

interface DueFieldProps {
  readonly due: string | null;
  readonly onChange: (due: string | null) => void;
}

const LATEST_DAY = "9999-12-31";

/** A field for a date and an optional time. */
export function DueField({ due, onChange }: DueFieldProps) {
  const id = useId();
  // A date that is half typed is no date yet, but its time stays.
  const typed = useSignal<LocalDue>(toLocal(due));
  const { day, time } = fromLocal(typed.value) === due ? typed.value : toLocal(due);
  const today = dayOf(now.value);
  const words = t();
  const change = (local: LocalDue) => {
    typed.value = local;
    onChange(fromLocal(local));
  };
  return (
    <div class="due-field">
      <div class="due-inputs">
        <label class="visually-hidden" for={`${id}-day`}>
          {words.dueDate}
        </label>
        <DateInput id={`${id}-day`} type="date" value={day} onChange={(day) => change({ day, time })} />
        <label class="visually-hidden" for={`${id}-time`}>
          {words.dueTime}
        </label>
        <DateInput
          id={`${id}-time`}
          type="time"
          value={time}
          disabled={day === "" && time === ""}
          onChange={(time) => change({ day, time })}
        />
      </div>
      <div class="chips">
        {daysAhead(today).map(([name, choice]) => (
          <button
            key={name}
            type="button"
            class="chip"
            aria-pressed={day === choice}
            onClick={() => change({ day: choice, time })}
          >
            {words[name]}
          </button>
        ))}
        {due !== null && (
          <button type="button" class="chip" onClick={() => change({ day: "", time: "" })}>
            {words.noDate}
          </button>
        )}
      </div>
    </div>
  );
}

interface DateInputProps {
  readonly id?: string;
  readonly type: "date" | "time";
  /** Its name, unless it has a label. */
  readonly label?: string;
  readonly value: string;
  readonly disabled?: boolean;
  readonly onChange: (value: string) => void;
  readonly onKeyDown?: (event: KeyboardEvent & { readonly currentTarget: HTMLInputElement }) => void;
  readonly onClick?: (event: MouseEvent & { readonly currentTarget: HTMLInputElement }) => void;
}

/** A native field that nothing changes while somebody types into it: each part of a date is an event of its own. */
export function DateInput({ value, onChange, type, label, ...others }: DateInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    const { current } = input;
    if (current && current !== document.activeElement) current.value = value;
  }, [value]);
  return (
    <input
      ref={input}
      type={type as "date"}
      {...(type === "date" && { max: LATEST_DAY })}
      {...(label && { "aria-label": label })}
      {...others}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export function openPicker(input: HTMLInputElement): void {
  try {
    input.showPicker();
  } catch {
    // Without a picker, people type the date.
  }
}
