import type { ComponentChildren } from "preact";
import { t } from "../text";
import { announcement } from "./announcer";
import { Close } from "./icons";
import type { Toasts } from "./toasts";
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
    <div class="notes" role="status">
      <div class="note note-info">
        <p>{t().newVersion}</p>
        <button type="button" class="note-action" onClick={start}>
          {t().reload}
        </button>
      </div>
    </div>
  );
}

interface NotesProps {
  readonly toasts: Toasts;
  /** Shown before the notes. */
  readonly children: ComponentChildren;
}

const AT_ONCE = 3;

export function Notes({ toasts, children }: NotesProps) {
  const all = toasts.shown.value;
  const expiring = toasts.expiring.length;
  return (
    <section class="notes" aria-label={t().notifications}>
      {children}
      {expiring > 1 && (
        <div class="note note-info">
          <p>{t().deletions(expiring)}</p>
          <button type="button" class="note-action" onClick={() => toasts.undoExpiring()}>
            {t().undoAll}
          </button>
        </div>
      )}
      {all.slice(-AT_ONCE).map(({ id, text, tone, action }) => (
        <div
          key={id}
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
      ))}
    </section>
  );
}
