import { t } from "../text";
import { Dialog } from "../ui/dialog";

interface UnsentDialogProps {
  readonly count: number;
  readonly onStay: () => void;
  readonly onLeave: () => void;
}

/** A warning: signing out deletes the local copy, including changes that are not sent. */
export function UnsentDialog({ count, onStay, onLeave }: UnsentDialogProps) {
  const words = t();
  return (
    <Dialog title={words.notEverythingSaved} onClose={onStay}>
      <p class="dialog-text">{words.onlyHere(count)}</p>
      <div class="dialog-actions">
        <button type="button" class="button button-primary" onClick={onStay}>
          {words.staySignedIn}
        </button>
        <button type="button" class="button" onClick={onLeave}>
          {words.signOutAndDrop(count)}
        </button>
      </div>
    </Dialog>
  );
}
