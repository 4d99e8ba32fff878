import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { show } from "../route";
import { OPEN } from "../tasks/query";
import { findsIn } from "../tasks/search";
import type { Workbench } from "../tasks/workbench";
import { t } from "../text";
import { Dialog } from "./dialog";
import { paletteShown } from "./palette-state";

export interface Command {
  readonly name: string;
  readonly keys?: string;
  run(): void;
}

interface PaletteProps {
  readonly bench: Workbench;
  readonly commands: readonly Command[];
}

/** So many tasks are offered beside the commands. */
const TASKS_SHOWN = 8;

/** Finds every command and task by a few letters. Lists and tags are commands, too. */
export function Palette({ bench, commands }: PaletteProps) {
  const id = useId();
  const words = t();
  const text = useSignal("");
  const chosen = useSignal(0);
  const found = search(text.value, bench, commands);
  const current = Math.min(chosen.value, found.length - 1);
  const close = () => {
    paletteShown.value = false;
  };
  const run = (command: Command | undefined) => {
    if (!command) return;
    close();
    // The dialog gives the focus back first.
    setTimeout(() => command.run());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") chosen.value = (current + 1) % Math.max(1, found.length);
    else if (event.key === "ArrowUp") chosen.value = (current - 1 + found.length) % Math.max(1, found.length);
    else if (event.key === "Enter") run(found[current]);
    else return;
    event.preventDefault();
    document.getElementById(`${id}-${chosen.value}`)?.scrollIntoView({ block: "nearest" });
  };
  return (
    <Dialog title={words.palette} class="palette" onClose={close}>
      <input
        class="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={current >= 0 ? `${id}-${current}` : undefined}
        aria-label={words.palette}
        autocomplete="off"
        autofocus
        placeholder={words.paletteHint}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          chosen.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <div id={`${id}-list`} class="palette-list" role="listbox" aria-label={words.palette}>
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the box above has the focus and its keys
          <div
            key={`${index} ${command.name}`}
            id={`${id}-${index}`}
            class="palette-option"
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            onClick={() => run(command)}
          >
            <span dir="auto">{command.name}</span>
            {command.keys && <kbd>{command.keys}</kbd>}
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="hint">{words.nothingFound}</p>}
    </Dialog>
  );
}

function search(text: string, bench: Workbench, commands: readonly Command[]): Command[] {
  const words = t();
  if (text.trim() === "") return [...commands];
  const named = commands.filter(({ name }) => contains(name, text));
  const tasks = [];
  for (const task of bench.tasks.snapshot.value.tasks.values()) {
    if (tasks.length === TASKS_SHOWN) break;
    if (!task.completed && findsIn(task, text)) tasks.push(task);
  }
  const shown = tasks.map((task) => ({
    name: task.title,
    run: () => {
      show({ ...OPEN, list: "search", text });
      bench.rows.reveal(task);
      setTimeout(() => bench.focus.enter(task.id));
    },
  }));
  return [...named, ...shown, { name: words.searchFor(text), run: () => show({ ...OPEN, list: "search", text }) }];
}

function contains(name: string, text: string): boolean {
  return name.toLocaleLowerCase().includes(text.trim().toLocaleLowerCase());
}
