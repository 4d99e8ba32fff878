import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { t } from "../text";
import { now } from "../ui/clock";
import { addDays, dayOf, toLocal, weekday, weekdayName, weekStart } from "./due";
import { DateInput } from "./due-field";
import {
  CHOICES,
  describeRecurrence,
  describeRepetition,
  dueWith,
  LIMIT_OF_COUNT,
  LIMIT_OF_EVERY,
  PLAIN,
  type Recurrence,
  type Repetition,
  recurrenceOf,
  repetitionOf,
  ruleOf,
  UNITS,
  weeksOf,
} from "./recurrence";
import type { TaskContent } from "./task";

interface RepeatFieldProps {
  readonly task: Pick<TaskContent, "due" | "recurrence">;
  readonly onChange: (content: Partial<TaskContent>) => void;
}

/** How often a task recurs. A task that recurs needs a date: by default, the first one of its rule. */
export function RepeatField({ task, onChange }: RepeatFieldProps) {
  const id = useId();
  const { repeat, repeats } = t();
  const { recurrence = null } = task;
  const repetition = recurrence && repetitionOf(recurrence.rule);
  const choice = CHOICES.findIndex((choice) => recurrence?.from === "due" && ruleOf(choice) === recurrence.rule);
  // It stays open if what is chosen in it happens to be a choice outside of it.
  const isOpened = useSignal(repetition !== null && choice < 0);
  const isCustom = repetition !== null && (isOpened.value || choice < 0);
  const change = (repetition: Repetition, from: Recurrence["from"]) =>
    onChange({ recurrence: recurrenceOf(repetition, from), due: dueWith(repetition, task.due, now.value) });
  const choose = (name: string) => {
    isOpened.value = name === "custom";
    const [, , weekly] = CHOICES;
    const chosen = isOpened.value ? (repetition ?? (weekly && { ...weekly, every: 2 })) : CHOICES[Number(name)];
    if (name === "never") onChange({ recurrence: null });
    else if (chosen) change(chosen, isOpened.value ? (recurrence?.from ?? "due") : "due");
  };
  return (
    <div class="repeat-field">
      <label class="visually-hidden" for={id}>
        {repeat}
      </label>
      <select
        id={id}
        class="filter"
        value={isCustom ? "custom" : recurrence === null ? "never" : choice < 0 ? "other" : String(choice)}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="never">{repeats.never}</option>
        {CHOICES.map((choice, index) => (
          <option key={ruleOf(choice)} value={index}>
            {describeRepetition(choice)}
          </option>
        ))}
        <option value="custom">{repeats.custom}</option>
        {recurrence !== null && repetition === null && <option value="other">{repeats.other}</option>}
      </select>
      {isCustom && recurrence && (
        <RepeatForm repetition={repetition} recurrence={recurrence} due={task.due} onChange={change} />
      )}
    </div>
  );
}

interface RepeatFormProps {
  readonly repetition: Repetition;
  readonly recurrence: Recurrence;
  readonly due: string | null;
  readonly onChange: (repetition: Repetition, from: Recurrence["from"]) => void;
}

const ENDS = ["never", "until", "count"] as const;
const FROMS = ["due", "completion"] as const;

function RepeatForm({ repetition, recurrence, due, onChange }: RepeatFormProps) {
  const { repeat, repeatForm: words } = t();
  const { every, unit, weekdays, until, count } = repetition;
  const { from = "due" } = recurrence;
  const set = (changes: Partial<Repetition>) => onChange({ ...repetition, ...changes }, from);
  const day = toLocal(due).day || dayOf(now.value);
  const end = until !== null ? "until" : count !== null ? "count" : "never";
  const toggle = (weekday: number) => {
    const others = weekdays.filter((other) => other !== weekday);
    const chosen = others.length < weekdays.length ? others : [...weekdays, weekday];
    set({ weekdays: chosen.sort((a, b) => ((a + 6) % 7) - ((b + 6) % 7)) });
  };
  return (
    <fieldset class="repeat-form">
      <legend class="visually-hidden">{repeat}</legend>
      <div class="repeat-line">
        <Labeled name={words.every}>
          <NumberInput name={words.every} value={every} max={LIMIT_OF_EVERY} onChange={(every) => set({ every })} />
        </Labeled>
        <Choice
          name={words.unit}
          choices={UNITS}
          texts={words.units}
          value={unit}
          onChange={(unit) => set({ unit, weekdays: [], monthWeek: null, monthDay: null })}
        />
        {unit === "month" && <MonthDay repetition={repetition} day={day} onChange={set} />}
      </div>
      {unit === "week" && (
        <fieldset class="repeat-line repeat-days" aria-label={words.weekdays}>
          {Array.from({ length: 7 }, (_, index) => (weekStart() + index) % 7).map((weekday) => (
            <button
              key={weekday}
              type="button"
              class="chip"
              aria-pressed={weekdays.includes(weekday)}
              onClick={() => toggle(weekday)}
            >
              <span aria-hidden="true">{weekdayName(weekday, "short")}</span>
              <span class="visually-hidden">{weekdayName(weekday, "long")}</span>
            </button>
          ))}
        </fieldset>
      )}
      <div class="repeat-line">
        <Choice
          name={words.ends}
          isShown
          choices={ENDS}
          texts={words.end}
          value={end}
          onChange={(end) =>
            set({ until: end === "until" ? addDays(day, 30) : null, count: end === "count" ? 10 : null })
          }
        />
        {until !== null && (
          <DateInput type="date" label={words.lastDate} value={until} onChange={(until) => until && set({ until })} />
        )}
        {count !== null && (
          <Labeled name={words.times}>
            <NumberInput name={words.times} value={count} max={LIMIT_OF_COUNT} onChange={(count) => set({ count })} />
          </Labeled>
        )}
      </div>
      <div class="repeat-line">
        <Choice
          name={words.from}
          isShown
          choices={FROMS}
          texts={words.froms}
          value={from}
          onChange={(from) => onChange(repetition, from)}
        />
      </div>
      <p class="hint" role="status">
        {describeRecurrence(recurrence)}
      </p>
    </fieldset>
  );
}

type DayOfMonth = Pick<Repetition, "weekdays" | "monthWeek" | "monthDay">;

interface MonthDayProps {
  readonly repetition: Repetition;
  /** The one that the task is due on. */
  readonly day: string;
  readonly onChange: (changes: DayOfMonth) => void;
}

/** On which day of each month: on what the due date is in its month, on the last one, or on what was chosen before. */
function MonthDay({ repetition: { weekdays, monthWeek, monthDay }, day, onChange }: MonthDayProps) {
  const { repeatForm: words } = t();
  const none = { weekdays: [], monthWeek: null, monthDay: null };
  const choices = new Map<string, DayOfMonth>();
  const keyOf = (choice: DayOfMonth) => ruleOf({ ...PLAIN, unit: "month", ...choice });
  const offer = (choice: DayOfMonth) => choices.set(keyOf(choice), choice);
  offer(none);
  offer({ ...none, monthDay: -1 });
  for (const monthWeek of weeksOf(day)) offer({ ...none, weekdays: [weekday(day)], monthWeek });
  const chosen = { weekdays, monthWeek, monthDay };
  offer(chosen);
  const nameOf = ({ weekdays: [weekday = 0], monthWeek, monthDay }: DayOfMonth) => {
    if (monthWeek !== null) return words.onWeekday(monthWeek, weekdayName(weekday, "long"));
    if (monthDay === null) return words.sameDay;
    return monthDay < 0 ? words.lastDay : words.onDay(monthDay);
  };
  return (
    <Choice
      name={words.monthDay}
      choices={[...choices.keys()]}
      texts={Object.fromEntries([...choices].map(([key, choice]) => [key, nameOf(choice)]))}
      value={keyOf(chosen)}
      onChange={(key) => onChange(choices.get(key) ?? none)}
    />
  );
}

/** Shows the name of a control, which has it as a label. */
function Labeled({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <span class="repeat-label">
      <span aria-hidden="true">{name}</span> {children}
    </span>
  );
}

interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly isShown?: boolean;
  readonly choices: readonly T[];
  readonly texts: Readonly<Record<T, string>>;
  readonly value: T;
  readonly onChange: (choice: T) => void;
}

function Choice<T extends string>({ name, isShown = false, choices, texts, value, onChange }: ChoiceProps<T>) {
  const select = (
    <select
      class="filter"
      value={value}
      aria-label={name}
      onChange={(event) => {
        const choice = choices[event.currentTarget.selectedIndex];
        if (choice) onChange(choice);
      }}
    >
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {texts[choice]}
        </option>
      ))}
    </select>
  );
  return isShown ? <Labeled name={name}>{select}</Labeled> : select;
}

interface NumberInputProps {
  readonly name: string;
  readonly value: number;
  readonly max: number;
  readonly onChange: (value: number) => void;
}

function NumberInput({ name, value, max, onChange }: NumberInputProps) {
  return (
    <input
      type="number"
      class="filter"
      aria-label={name}
      min={1}
      max={max}
      value={value}
      onInput={({ currentTarget: { valueAsNumber: typed } }) => {
        if (Number.isInteger(typed) && typed >= 1 && typed <= max) onChange(typed);
      }}
    />
  );
}
