import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../text";
import { now } from "../ui/clock";
import { ArrowDown, ArrowUp, PriorityBars } from "../ui/icons";
import { loadDates } from "./dates";
import { drag, droppable } from "./dragging";
import { describeDue } from "./due";
import { PasteDialog } from "./paste-dialog";
import { linesOf } from "./quick-add";
import { LIMITS, type Task } from "./task";
import type { Workbench } from "./workbench";

/** The subtasks of a task, and a box for the next one. They are stored at once, whatever becomes of the form around them. */
export function Subtasks({ bench, task }: { readonly bench: Workbench; readonly task: Task }) {
  const id = useId();
  const words = t();
  const subtasks = bench.subtasks.value.get(task.id) ?? [];
  const typed = bench.drafts.subtasks.value[task.id] ?? "";
  const pasted = useSignal<readonly string[]>([]);
  // The API adds none to a completed task. What is typed stays in sight.
  const isClosed = bench.tasks.snapshot.value.tasks.get(task.id)?.completed && typed === "";
  useEffect(() => {
    if (typed.includes("@")) void loadDates();
  }, [typed]);
  const box = useRef<HTMLInputElement>(null);
  // Each subtask that is added moves the end of the form down.
  useLayoutEffect(() => {
    if (box.current === document.activeElement) box.current?.form?.scrollIntoView({ block: "nearest" });
  }, [subtasks.length]);
  /** Moves a subtask to the place that `find` gives among the others. */
  const move = (id: string | undefined, find: (others: readonly Task[], from: number) => number) =>
    bench.actions.moveNext(() => {
      const all = bench.subtasks.peek().get(task.id) ?? [];
      const from = all.findIndex((subtask) => subtask.id === id);
      const subtask = all[from];
      const others = all.filter((other) => other !== subtask);
      const to = find(others, from);
      if (subtask && to >= 0 && to <= others.length) return bench.actions.place(others, subtask, to);
    });
  const moveBy = (id: string, by: number) => move(id, (_, from) => from + by);
  const drop = (dragged: string | undefined, target: string, isAfter: boolean) => {
    move(dragged, (others) => {
      const index = others.findIndex(({ id }) => id === target);
      return index < 0 ? index : index + (isAfter ? 1 : 0);
    });
  };
  return (
    <div class="subtasks">
      <ul aria-label={words.subtasks}>
        {subtasks.map((subtask, index) => (
          <li
            key={subtask.id}
            class={subtask.completed ? "task-done" : ""}
            draggable
            onDragStart={(event) => drag(event, subtask.id)}
            {...droppable(subtask.id, drop)}
            onKeyDown={(event) => {
              const by = ({ ArrowUp: -1, ArrowDown: 1 } as const)[event.key as "ArrowUp"];
              if (!event.altKey || !by) return;
              event.preventDefault();
              moveBy(subtask.id, by);
            }}
          >
            <span class="check-area">
              <input
                type="checkbox"
                class="check"
                aria-label={words.completeTask(subtask.title)}
                checked={subtask.completed}
                onChange={(event) => bench.actions.complete(subtask, event.currentTarget.checked)}
              />
            </span>
            <button
              type="button"
              class="task-title"
              dir="auto"
              aria-label={words.editTask(subtask.title)}
              onClick={() => {
                bench.rows.reveal(subtask);
                bench.form.open(subtask);
              }}
            >
              {subtask.title}
            </button>
            {subtask.due !== null && (
              <span class="fact">
                <span class="visually-hidden">{words.due} </span>
                {describeDue(subtask.due, now.value)}
              </span>
            )}
            {subtask.priority !== "none" && (
              <span class={`fact fact-priority priority-${subtask.priority}`}>
                <PriorityBars priority={subtask.priority} />
                <span class="visually-hidden">{words.priorityOf[subtask.priority]}</span>
              </span>
            )}
            <Mover name={words.moveUpOf(subtask.title)} isEnd={index === 0} onClick={() => moveBy(subtask.id, -1)}>
              <ArrowUp />
            </Mover>
            <Mover
              name={words.moveDownOf(subtask.title)}
              isEnd={index === subtasks.length - 1}
              onClick={() => moveBy(subtask.id, 1)}
            >
              <ArrowDown />
            </Mover>
          </li>
        ))}
      </ul>
      {!isClosed && (
        <>
          <label class="visually-hidden" for={`${id}-new`}>
            {words.addASubtask}
          </label>
          <input
            ref={box}
            id={`${id}-new`}
            class="bare"
            dir="auto"
            autocomplete="off"
            maxLength={LIMITS.title}
            placeholder={words.addASubtask}
            value={typed}
            onFocus={() => void loadDates()}
            onInput={(event) => bench.drafts.keepSubtask(task.id, event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || typed.trim() === "") return;
              event.preventDefault();
              event.stopPropagation();
              bench.actions.addSubtask(task.id);
            }}
            onPaste={(event) => {
              const lines = linesOf(event.clipboardData?.getData("text/plain") ?? "");
              if (lines.length < 2) return;
              event.preventDefault();
              pasted.value = lines;
            }}
            // What is typed waits for the answer.
            onBlur={() => pasted.value.length === 0 && bench.actions.addSubtask(task.id)}
          />
        </>
      )}
      {pasted.value.length > 0 && (
        <PasteDialog
          lines={pasted.value}
          onAll={() => {
            void bench.drafts.track(bench.actions.addSubtasks(task.id, pasted.value));
            pasted.value = [];
          }}
          onOne={() => {
            bench.drafts.keepSubtask(task.id, [typed, ...pasted.value].filter((text) => text !== "").join(" "));
            pasted.value = [];
          }}
          onClose={() => {
            pasted.value = [];
          }}
        />
      )}
    </div>
  );
}

interface MoverProps {
  readonly name: string;
  /** It is there already. The button keeps the focus. */
  readonly isEnd: boolean;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

function Mover({ name, isEnd, onClick, children }: MoverProps) {
  const button = useRef<HTMLButtonElement>(null);
  const hadFocus = useRef(false);
  // A row that moves in the document loses the focus.
  useLayoutEffect(() => {
    if (hadFocus.current && document.activeElement === document.body) button.current?.focus();
  });
  return (
    <button
      ref={button}
      type="button"
      class="icon-button"
      aria-label={name}
      aria-disabled={isEnd}
      onFocus={() => {
        hadFocus.current = true;
      }}
      onBlur={(event) => {
        if (event.relatedTarget) hadFocus.current = false;
      }}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
