import { useId } from "preact/hooks";
import { timeZone } from "../preferences";
import { t } from "../text";
import { now } from "../ui/clock";
import { dayOf } from "./due";
import { CHOICES, REPEATS, repeatOf } from "./recurrence";
import type { TaskContent } from "./task";

interface RepeatFieldProps {
  readonly task: Pick<TaskContent, "due" | "recurrence">;
  readonly onChange: (content: Partial<TaskContent>) => void;
}

/** How often a task recurs. A task that recurs needs a date: by default, today. */
export function RepeatField({ task, onChange }: RepeatFieldProps) {
  const id = useId();
  const words = t();
  const current = repeatOf(task);
  const zone = timeZone.value || Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <div>
      <label class="visually-hidden" for={id}>
        {words.repeat}
      </label>
      <select
        id={id}
        class="filter"
        value={current}
        onChange={(event) => {
          const choice = CHOICES.find((choice) => choice === event.currentTarget.value);
          if (!choice) onChange({ recurrence: null });
          else {
            const recurrence = { rule: REPEATS[choice], time_zone: zone, from: "due" as const };
            onChange({ recurrence, due: task.due ?? dayOf(now.value) });
          }
        }}
      >
        <option value="never">{words.repeats.never}</option>
        {CHOICES.map((choice) => (
          <option key={choice} value={choice}>
            {words.repeats[choice]}
          </option>
        ))}
        {current === "other" && <option value="other">{words.repeats.other}</option>}
      </select>
    </div>
  );
}
