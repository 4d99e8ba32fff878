import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import type { User } from "../session/issuer";
import { t } from "../text";
import { Leave, Settings } from "./icons";

interface AccountMenuProps {
  readonly user: User;
  readonly onSettings: () => void;
  readonly onSignOut: () => Promise<void>;
}

/** The current user, and the button to sign out. */
export function AccountMenu({ user, onSettings, onSignOut }: AccountMenuProps) {
  const id = useId();
  const open = useSignal(false);
  const leaving = useSignal(false);
  const menu = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    const close = ({ target }: Event) => {
      if (target instanceof Node && !menu.current?.contains(target)) open.value = false;
    };
    addEventListener("pointerdown", close);
    addEventListener("focusin", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("focusin", close);
    };
  }, [open]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the menu from wherever in it the focus is
    <div
      ref={menu}
      class="account"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open.value) return;
        open.value = false;
        button.current?.focus();
      }}
    >
      <button
        ref={button}
        type="button"
        class="account-button"
        aria-expanded={open.value}
        aria-controls={id}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <span class="avatar" aria-hidden="true">
          {[...user.name][0]?.toUpperCase() ?? "?"}
        </span>
        <span class="account-name">{user.name}</span>
        <span class="visually-hidden">{t().account}</span>
      </button>
      <div id={id} class="account-panel" hidden={!open.value}>
        <p>
          <strong>{user.name}</strong>
          <span>{user.email}</span>
        </p>
        <a class="account-link" href="reference/">
          {t().apiReference}
        </a>
        <button
          type="button"
          class="button button-wide"
          onClick={() => {
            open.value = false;
            // The dialog gives the focus back to the button that is still there.
            button.current?.focus();
            onSettings();
          }}
        >
          <Settings /> {t().settings}
        </button>
        <button
          type="button"
          class="button button-wide"
          aria-disabled={leaving.value}
          onClick={async () => {
            if (leaving.value) return;
            leaving.value = true;
            await onSignOut();
            leaving.value = false;
          }}
        >
          <Leave /> {leaving.value ? t().signingOut : t().signOut}
        </button>
      </div>
    </div>
  );
}
