import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { t } from "../text";
import { PASSWORD_LENGTH, Refusal } from "./issuer";
import type { ResetLink } from "./reset-link";
import type { Session } from "./session";

interface PasswordResetProps {
  readonly session: Session;
  /** Null for a user who has not asked for one yet. */
  readonly link: ResetLink | null;
  /** What leads away from here. */
  readonly leave: string;
  readonly onLeave: () => void;
}

/** Sends a link to a user who has forgotten the password, or takes the new password from one who has followed the link. */
export function PasswordReset({ session, link, leave, onLeave }: PasswordResetProps) {
  const words = t();
  const token = link?.token ?? null;
  const id = useId();
  const problem = useSignal(link && token === null ? words.refusals.INVALID_TOKEN : "");
  const done = useSignal("");
  const busy = useSignal(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value || !(event.currentTarget instanceof HTMLFormElement)) return;
    const fields = new FormData(event.currentTarget);
    busy.value = true;
    problem.value = "";
    try {
      if (token === null) await session.issuer.forgotPassword(String(fields.get("email")).trim());
      else await session.issuer.resetPassword(token, String(fields.get("password")));
      done.value = token === null ? words.resetSent : words.passwordChanged;
    } catch (error) {
      problem.value = error instanceof Refusal ? error.message : words.signInUnreachable;
    } finally {
      busy.value = false;
    }
  };
  return (
    <form class="account-form" onSubmit={submit}>
      {done.value !== "" ? null : token === null ? (
        <div class="field">
          <label for={`${id}-email`}>{words.email}</label>
          <input id={`${id}-email`} name="email" type="email" autocomplete="username" required autofocus />
        </div>
      ) : (
        <div class="field">
          <label for={`${id}-password`}>{words.newPassword}</label>
          <input
            id={`${id}-password`}
            name="password"
            type="password"
            autocomplete="new-password"
            minLength={PASSWORD_LENGTH.min}
            maxLength={PASSWORD_LENGTH.max}
            required
            autofocus
          />
        </div>
      )}
      <p class="form-problem" role="alert">
        {problem.value}
      </p>
      <p class="lead-done" role="status">
        {done.value}
      </p>
      {done.value === "" && (
        <button type="submit" class="button button-primary button-wide" aria-disabled={busy.value}>
          {token === null ? words.sendLink : words.changePassword}
        </button>
      )}
      <p class="welcome-switch">
        <button type="button" class="text-button" onClick={onLeave}>
          {leave}
        </button>
      </p>
    </form>
  );
}
