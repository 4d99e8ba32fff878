import { type Signal, useSignal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import { t } from "../text";
import { PASSWORD_LENGTH, Refusal } from "./issuer";

interface AccountFormProps {
  readonly purpose: "sign-in" | "sign-up";
  /** What is typed. It outlives the form, so that it is there in the other one. */
  readonly email: Signal<string>;
  /** Only the user with this address may sign in. */
  readonly isFixed?: boolean;
  readonly onSubmit: (account: { name: string; email: string; password: string }) => Promise<void>;
}

/** A form for email and password, and the name of a new account. */
export function AccountForm({ purpose, email, isFixed = false, onSubmit }: AccountFormProps) {
  const busy = useSignal(false);
  const problem = useSignal("");
  const revealed = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const id = useId();
  const isNew = purpose === "sign-up";

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value || !form.current) return;
    const fields = new FormData(form.current);
    const text = (name: string) => String(fields.get(name) ?? "");
    const name = text("name").trim();
    if (isNew && name === "") {
      problem.value = t().enterYourName;
      form.current.querySelector<HTMLInputElement>("[name=name]")?.focus();
      return;
    }
    busy.value = true;
    problem.value = "";
    try {
      await onSubmit({ name, email: email.value.trim(), password: text("password") });
    } catch (error) {
      const trouble = navigator.onLine ? t().signInUnreachable : t().offlineTryAgain;
      problem.value = error instanceof Refusal ? error.message : trouble;
    } finally {
      busy.value = false;
    }
  };

  const words = t();
  return (
    <form ref={form} class="account-form" onSubmit={submit}>
      {isNew && (
        <div class="field">
          <label for={`${id}-name`}>{words.yourName}</label>
          <input id={`${id}-name`} name="name" dir="auto" autocomplete="name" maxLength={100} required />
        </div>
      )}
      <div class="field">
        <label for={`${id}-email`}>{words.email}</label>
        <input
          id={`${id}-email`}
          name="email"
          type="email"
          autocomplete="username"
          required
          value={email.value}
          readOnly={isFixed}
          onInput={(event) => {
            email.value = event.currentTarget.value;
          }}
        />
      </div>
      <div class="field">
        <label for={`${id}-password`}>{words.password}</label>
        <div class="with-button">
          <input
            id={`${id}-password`}
            name="password"
            // The element's types accept only one literal input type.
            type={(revealed.value ? "text" : "password") as "password"}
            autocomplete={isNew ? "new-password" : "current-password"}
            required
            // The minimum length applies only to new passwords.
            {...(isNew && { minLength: PASSWORD_LENGTH.min, "aria-describedby": `${id}-rule` })}
            maxLength={PASSWORD_LENGTH.max}
            // In the dialog, it is the only field.
            autofocus={isFixed}
          />
          <button
            type="button"
            class="reveal"
            aria-pressed={revealed.value}
            onClick={() => {
              revealed.value = !revealed.value;
            }}
          >
            {revealed.value ? words.hide : words.show}
            <span class="visually-hidden"> {words.thePassword}</span>
          </button>
        </div>
        {isNew && (
          <p id={`${id}-rule`} class="hint">
            {words.atLeast(PASSWORD_LENGTH.min)}
          </p>
        )}
      </div>
      <p class="form-problem" role="alert">
        {problem.value}
      </p>
      <button type="submit" class="button button-primary button-wide" aria-disabled={busy.value}>
        {busy.value ? words.oneMoment : isNew ? words.createThisAccount : words.signIn}
      </button>
    </form>
  );
}
