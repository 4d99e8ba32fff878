import type { Refused, TaskContent } from "daylist-client/sync";
import { t } from "../text";
import { now } from "../ui/clock";
import { Dialog } from "../ui/dialog";
import { describeDue } from "./due";
import { describeRecurrence } from "./recurrence";
import { theirsOf } from "./refusals";

interface ConflictDialogProps {
  readonly conflict: Refused;
  readonly onChoice: (choice: "mine" | "theirs") => void;
}

/**
 * Shows the two tasks that the user can choose from, as each will be stored. Fields that only one side has changed are merged and
 * are the same in both. It cannot be closed without a choice.
 */
export function ConflictDialog({ conflict, onChoice }: ConflictDialogProps) {
  const { wanted: mine, current } = conflict;
  const deleting = mine === null;
  if (!current) return null;
  const theirs = theirsOf(conflict, current);
  const words = t();
  return (
    <Dialog title={words.changedElsewhere} class="dialog-wide">
      <p class="dialog-text">{deleting ? words.deletedHere : words.changedHere}</p>
      <div class="versions">
        {!deleting && <Version name={words.yourVersion} task={mine} other={theirs} />}
        <Version
          name={deleting ? words.theTaskNow : words.theOtherVersion}
          task={theirs}
          other={deleting ? theirs : mine}
        />
      </div>
      <div class="dialog-actions">
        <button type="button" class="button button-primary" onClick={() => onChoice("mine")}>
          {deleting ? words.deleteAnyway : words.keepMine}
        </button>
        <button type="button" class="button" onClick={() => onChoice("theirs")}>
          {deleting ? words.keepTheTask : words.keepTheOther}
        </button>
      </div>
    </Dialog>
  );
}

interface VersionProps {
  readonly name: string;
  readonly task: TaskContent;
  readonly other: TaskContent;
}

function Version({ name, task, other }: VersionProps) {
  const others = new Map(factsOf(other));
  return (
    <section class="version" aria-label={name}>
      <h3>{name}</h3>
      <dl>
        {factsOf(task).map(([label, value]) => {
          const differs = others.get(label) !== value;
          return (
            <div key={label} class={differs ? "differs" : ""}>
              <dt>
                {label}
                {differs && <span class="visually-hidden"> {t().different}</span>}
              </dt>
              <dd dir="auto">{value}</dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}

function factsOf(task: TaskContent): [string, string][] {
  const words = t();
  return [
    [words.title, task.title],
    [words.status, task.completed ? words.statusCompleted : words.statusOpen],
    [words.due, task.due === null ? words.noDate : describeDue(task.due, now.value)],
    [words.repeat, task.recurrence ? describeRecurrence(task.recurrence) : words.repeats.never],
    [words.priority, words.priorities[task.priority]],
    [words.tags, task.tags.length === 0 ? words.none : task.tags.join(", ")],
    [words.notes, task.description ?? words.none],
  ];
}
