import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface DialogProps {
  readonly title: string;
  readonly class?: string;
  /** Without it, Escape does not close the dialog, because a decision is required. */
  readonly onClose?: () => void;
  /** The place that it opens beside, on a wide screen. A click elsewhere closes it. */
  readonly near?: DOMRect;
  readonly children: ComponentChildren;
}

/** A modal dialog. The browser keeps the focus inside and restores it afterwards. */
export function Dialog({ title, onClose, near, children, ...props }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  // At once: what is typed next belongs to the dialog.
  useLayoutEffect(() => {
    const { current } = dialog;
    if (!current) return;
    const before = document.activeElement;
    if (!current.open) current.showModal();
    if (near && WIDE.matches) place(current, near);
    // Screen readers start at the beginning, unless the dialog has a single field.
    if (!current.querySelector("[autofocus]")) current.querySelector("h2")?.focus();
    return () => {
      current.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  // Back and forward lead to another list, which it has nothing to do with.
  useLayoutEffect(() => {
    const close = () => onClose?.();
    addEventListener("popstate", close);
    return () => removeEventListener("popstate", close);
  }, [onClose]);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${props.class ?? ""}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => {
        if (near && event.target === dialog.current) onClose?.();
      }}
    >
      <h2 id={heading} class="dialog-title" dir="auto" tabIndex={-1}>
        {title}
      </h2>
      {children}
    </dialog>
  );
}

const WIDE = matchMedia("(width >= 40rem)");
/** Between the dialog, the place that it opens beside, and the edges of the window, in pixels. */
const GAP = 6;

/** Below the place if there is room, and above it otherwise. */
function place(dialog: HTMLElement, near: DOMRect): void {
  const { width, height } = dialog.getBoundingClientRect();
  const left = Math.max(GAP, Math.min(near.right - width, innerWidth - width - GAP));
  const below = near.bottom + GAP;
  const top = below + height + GAP <= innerHeight ? below : Math.max(GAP, near.top - height - GAP);
  Object.assign(dialog.style, { margin: "0", left: `${left}px`, top: `${top}px` });
}
