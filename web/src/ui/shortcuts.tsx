/** Single-key shortcuts. They can be turned off, because speech input can trigger them by accident. */
import { signal } from "@preact/signals";
import { Dialog } from "./dialog";

const STORED = "single-key-shortcuts";

export const singleKeys = signal(localStorage.getItem(STORED) !== "off");
export const shortcutsShown = signal(false);

type Actions = Readonly<Record<string, () => void>>;

/** Calls the action of a key, unless the user is typing or a dialog is open. */
export function listenForKeys(actions: Actions): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    const action = actions[event.key];
    if (!action || !singleKeys.value || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    action();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

/** Calls the action on Ctrl+Z or ⌘Z, unless the browser undoes what was typed. */
export function listenForUndo(undo: () => void): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    const isUndo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    const { target } = event;
    const isTyped = isTyping(target) && (target as HTMLInputElement).value !== "";
    if (!isUndo || isTyped || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    undo();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return target.isContentEditable || target.matches("textarea, select");
}

const KEYS = [
  ["N", "Write a new task"],
  ["/", "Filter by tag"],
  ["1 2 3", "Open, completed, all"],
  ["↑ ↓", "Move through the list"],
  ["Enter or E", "Edit the task"],
  ["X", "Complete it, or reopen it"],
  ["Delete", "Delete it"],
  ["Z or Ctrl+Z", "Undo, or try again"],
  ["Esc", "Leave a form or a filter"],
  ["?", "Show these shortcuts"],
] as const;

export function Shortcuts() {
  const close = () => {
    shortcutsShown.value = false;
  };
  return (
    <Dialog title="Keyboard shortcuts" onClose={close}>
      <dl class="keys">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <label class="switch">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => {
            singleKeys.value = event.currentTarget.checked;
            localStorage.setItem(STORED, singleKeys.value ? "on" : "off");
          }}
        />
        Use single-key shortcuts
      </label>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
