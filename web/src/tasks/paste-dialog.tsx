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
  return (
    <Dialog title={`Add ${lines.length} tasks?`} onClose={onClose}>
      <ul class="pasted">
        {lines.slice(0, SHOWN).map((line, index) => (
          <li key={index} dir="auto">
            {line}
          </li>
        ))}
        {more > 0 && <li>… and {more} more</li>}
      </ul>
      <div class="dialog-actions">
        <button type="button" class="button button-primary" onClick={onAll}>
          Add {lines.length} tasks
        </button>
        <button type="button" class="button" onClick={onOne}>
          Make it one task
        </button>
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}
