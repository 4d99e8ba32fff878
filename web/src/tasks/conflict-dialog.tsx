import type { Refused, TaskContent } from "daylist-client/sync";
import { now } from "../ui/clock";
import { Dialog } from "../ui/dialog";
import { describeDue } from "./due";
import { theirsOf } from "./refusals";
import { PRIORITY_NAMES } from "./task";

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
  return (
    <Dialog title="Changed somewhere else" class="dialog-wide">
      <p class="dialog-text">
        {deleting
          ? "You deleted this task, but it has been changed on another device. What should happen to it?"
          : "You changed this task, and so did another device. Which version do you want to keep?"}
      </p>
      <div class="versions">
        {!deleting && <Version name="Your version" task={mine} other={theirs} />}
        <Version
          name={deleting ? "The task now" : "The other version"}
          task={theirs}
          other={deleting ? theirs : mine}
        />
      </div>
      <div class="dialog-actions">
        <button type="button" class="button button-primary" onClick={() => onChoice("mine")}>
          {deleting ? "Delete it anyway" : "Keep mine"}
        </button>
        <button type="button" class="button" onClick={() => onChoice("theirs")}>
          {deleting ? "Keep the task" : "Keep the other"}
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
                {differs && <span class="visually-hidden"> (different)</span>}
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
  return [
    ["Title", task.title],
    ["Status", task.completed ? "Completed" : "Open"],
    ["Due", task.due === null ? "No date" : describeDue(task.due, now.value)],
    ["Priority", PRIORITY_NAMES[task.priority]],
    ["Tags", task.tags.length === 0 ? "None" : task.tags.join(", ")],
    ["Notes", task.description ?? "None"],
  ];
}
