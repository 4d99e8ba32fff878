import { t } from "../text";
import { Dialog } from "../ui/dialog";

interface PasteDialogProps {
  readonly lines: readonly string[];
  readonly onAll: () => void;
  readonly onOne: () => void;
  readonly onClose: () => void;
}

const SHOWN = 5;

/** Asks whether pasted lines are one task each. */
export function PasteDialog({ lines, onAll, onOne, onClose }: PasteDialogProps) {
  const more = lines.length - SHOWN;
  const words = t();
  return (
    <Dialog title={words.addTasksAsked(lines.length)} onClose={onClose}>
      <ul class="pasted">
        {lines.slice(0, SHOWN).map((line, index) => (
          <li key={index} dir="auto">
            {line}
          </li>
        ))}
        {more > 0 && <li>{words.andMore(more)}</li>}
      </ul>
      <div class="dialog-actions">
        <button type="button" class="button button-primary" autofocus onClick={onAll}>
          {words.addTasks(lines.length)}
        </button>
        <button type="button" class="button" onClick={onOne}>
          {words.makeItOne}
        </button>
        <button type="button" class="button" onClick={onClose}>
          {words.cancel}
        </button>
      </div>
    </Dialog>
  );
}
