import { useId } from "preact/hooks";
import { t } from "../text";
import { PRIORITIES, type Priority } from "./task";

interface PriorityFieldProps {
  readonly priority: Priority;
  readonly onChange: (priority: Priority) => void;
}

export function PriorityField({ priority, onChange }: PriorityFieldProps) {
  const name = useId();
  return (
    <fieldset class="segments">
      <legend class="visually-hidden">{t().priority}</legend>
      {PRIORITIES.map((choice) => (
        <label key={choice} class={`segment priority-${choice}`}>
          <input type="radio" name={name} checked={choice === priority} onChange={() => onChange(choice)} />
          <span>{t().priorities[choice]}</span>
        </label>
      ))}
    </fieldset>
  );
}
