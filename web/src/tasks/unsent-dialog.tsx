import { Dialog } from "../ui/dialog";

interface UnsentDialogProps {
  readonly count: number;
  readonly onStay: () => void;
  readonly onLeave: () => void;
}

/** A warning: signing out deletes the local copy, including changes that are not sent. */
export function UnsentDialog({ count, onStay, onLeave }: UnsentDialogProps) {
  const changes = count === 1 ? "One change is" : `${count} changes are`;
  return (
    <Dialog title="Not everything is saved" onClose={onStay}>
      <p class="dialog-text">
        {changes} only on this device so far. Signing out removes your tasks from this device, and what is not saved
        with them.
      </p>
      <div class="dialog-actions">
        <button type="button" class="button button-primary" onClick={onStay}>
          Stay signed in
        </button>
        <button type="button" class="button" onClick={onLeave}>
          Sign out and drop {count === 1 ? "it" : "them"}
        </button>
      </div>
    </Dialog>
  );
}
