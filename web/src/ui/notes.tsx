import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../text";
import { announcement } from "./announcer";
import { Close } from "./icons";
import type { Toast, Toasts } from "./toasts";
import { startNewVersion } from "./versions";

/** A live region for screen readers. It must exist before its first text. */
export function Announcer() {
  return (
    <p class="visually-hidden" role="status" aria-live="polite">
      {announcement.value}
    </p>
  );
}

/** Offers to start a new version of the page. What is typed is kept. */
export function NewVersion() {
  const { value: start } = startNewVersion;
  if (!start) return null;
  return (
    <div class="note note-info" role="status">
      <p>{t().newVersion}</p>
      <button type="button" class="note-action" onClick={start}>
        {t().reload}
      </button>
    </div>
  );
}

interface NotesProps {
  readonly toasts: Toasts;
  /** Shown before the notes. */
  readonly children: ComponentChildren;
}

export function Notes({ toasts, children }: NotesProps) {
  return (
    <section class="notes" aria-label={t().notifications}>
      {children}
      {toasts.hasSummary && (
        <div class="note note-info">
          <p>{t().deletions(toasts.expiring.length)}</p>
          <button type="button" class="note-action" onClick={() => toasts.undoExpiring()}>
            {t().undoAll}
          </button>
        </div>
      )}
      {toasts.inSight.map((toast) => (
        <Note key={toast.id} toasts={toasts} toast={toast} />
      ))}
    </section>
  );
}

function Note({ toasts, toast: { id, text, tone, action } }: { readonly toasts: Toasts; readonly toast: Toast }) {
  // A note that a newer one has pushed out of sight under the pointer is not left by it.
  useEffect(() => () => toasts.release(id), [toasts, id]);
  return (
    <div
      class={`note note-${tone}`}
      onPointerEnter={() => toasts.hold(id)}
      onPointerLeave={() => toasts.release(id)}
      onFocusIn={() => toasts.hold(id)}
      onFocusOut={() => toasts.release(id)}
    >
      <p dir="auto">{text}</p>
      {action && (
        <button type="button" class="note-action" onClick={() => toasts.act(id)}>
          {action.label}
        </button>
      )}
      <button type="button" class="icon-button" aria-label={t().dismiss} onClick={() => toasts.dismiss(id)}>
        <Close />
      </button>
    </div>
  );
}
