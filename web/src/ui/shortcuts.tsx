/** Single-key shortcuts. They can be turned off, because speech input can trigger them by accident. */
import { signal } from "@preact/signals";
import { singleKeys } from "../preferences";
import { t } from "../text";
import { Dialog } from "./dialog";

export { singleKeys } from "../preferences";

export const shortcutsShown = signal(false);

type Actions = Readonly<Record<string, () => void>>;

/** Calls the action of a key, unless the user is typing or a dialog is open. Names of actions with Ctrl begin with `Ctrl+`. */
export function listenForKeys(actions: Actions): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    const isControl = event.ctrlKey || event.metaKey;
    const action = actions[isControl ? `Ctrl+${event.key.toLowerCase()}` : event.key];
    if (!action || event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
    if (!isControl && (singleKeys.value === "off" || isTyping(event.target))) return;
    event.preventDefault();
    action();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

/** Calls the action on Ctrl+Z or ⌘Z, unless the browser undoes what was typed. */
export function listenForUndo(undo: () => void): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    const isUndo =
      event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    const { target } = event;
    const isTyped = isTyping(target) && (target as HTMLInputElement).value !== "";
    if (!isUndo || isTyped || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    undo();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

/** Leaves keys to an input method while it composes text, as for Japanese: its Enter adds no subtask, and its Escape leaves no form. */
export function leaveKeysToInputMethods(): void {
  const stop = (event: KeyboardEvent) => event.isComposing && event.stopImmediatePropagation();
  addEventListener("keydown", stop, { capture: true });
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return target.isContentEditable || target.matches("textarea, select");
}

const KEYS = [
  ["N", "write"],
  ["/", "search"],
  ["Ctrl K", "palette"],
  ["J K ↑ ↓", "move"],
  ["Alt ↑ ↓", "reorder"],
  ["← →", "fold"],
  ["Enter E", "edit"],
  ["X", "complete"],
  ["T ⇧T", "schedule"],
  ["1 2 3 4", "prioritize"],
  ["V", "select"],
  ["Delete", "delete"],
  ["Z Ctrl Z", "undo"],
  ["Esc", "leave"],
  ["?", "help"],
] as const;

export function Shortcuts() {
  const words = t();
  const close = () => {
    shortcutsShown.value = false;
  };
  return (
    <Dialog title={words.shortcuts} onClose={close}>
      <dl class="keys">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              {key.split(/(?<!Ctrl|Alt) /u).map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{words.keys[meaning]}</dd>
          </div>
        ))}
      </dl>
      <SingleKeysSwitch />
      <div class="dialog-actions">
        <button type="button" class="button button-primary" onClick={close}>
          {words.close}
        </button>
      </div>
    </Dialog>
  );
}

/** Whether keys without Ctrl or Alt work. */
export function SingleKeysSwitch() {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={singleKeys.value === "on"}
        onChange={(event) => {
          singleKeys.value = event.currentTarget.checked ? "on" : "off";
        }}
      />
      {t().useSingleKeys}
    </label>
  );
}
