import type { ComponentChildren } from "preact";
import { t } from "../text";
import { announcement } from "./announcer";
import { Close } from "./icons";
import type { Toasts } from "./toasts";

/** A live region for screen readers. It must exist before its first text. */
export function Announcer() {
  return (
    <p class="visually-hidden" role="status" aria-live="polite">
      {announcement.value}
    </p>
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
      {toasts.shown.value.map(({ id, text, tone, action }) => (
        <div
          key={id}
          class={`note note-${tone}`}
          onPointerEnter={() => toasts.hold(id)}
          onPointerLeave={() => toasts.release(id)}
          onFocusIn={() => toasts.hold(id)}
          onFocusOut={() => toasts.release(id)}
        >
          <p>{text}</p>
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
