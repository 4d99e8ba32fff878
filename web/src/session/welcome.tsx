import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../text";
import { Brand } from "../ui/brand";
import { AccountForm } from "./account-form";
import { PasswordReset } from "./password-reset";
import type { Session } from "./session";

type Purpose = "sign-in" | "sign-up" | "reset";

/** The first screen: sign in or create an account. */
export function Welcome({ session }: { readonly session: Session }) {
  const token = useSignal(new URLSearchParams(location.search).get("token"));
  const purpose = useSignal<Purpose>(token.value === null ? "sign-in" : "reset");
  const words = t();
  const { title, lead, document: name } = words.welcome[purpose.value];
  const email = useSignal("");
  const isNew = purpose.value === "sign-up";
  const form = useRef<HTMLElement>(null);
  // The first empty field, so that typing can begin: also after signing out, and in another form.
  useEffect(() => {
    const fields = [...(form.current?.querySelectorAll<HTMLInputElement>("input") ?? [])];
    fields.find(({ value }) => value === "")?.focus();
  }, [purpose.value]);
  useEffect(() => {
    document.title = `${name} · Daylist`;
  }, [name]);
  // Neither the history nor a screenshot needs the token of the link.
  useEffect(() => {
    if (token.peek() !== null) history.replaceState(null, "", location.pathname);
  }, [token]);
  return (
    <div class="welcome">
      <main ref={form} class="welcome-form">
        <Brand />
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        {purpose.value === "reset" ? (
          <PasswordReset
            session={session}
            token={token.value}
            onDone={() => {
              token.value = null;
              purpose.value = "sign-in";
            }}
          />
        ) : (
          <AccountForm
            key={purpose.value}
            purpose={purpose.value}
            email={email}
            onSubmit={(account) => (isNew ? session.signUp(account) : session.signIn(account))}
          />
        )}
        {purpose.value === "sign-in" && (
          <p class="welcome-switch">
            <button
              type="button"
              class="text-button"
              onClick={() => {
                purpose.value = "reset";
              }}
            >
              {words.forgotPassword}
            </button>
          </p>
        )}
        <p class="welcome-switch" hidden={purpose.value === "reset"}>
          {isNew ? words.haveAccount : words.newHere}{" "}
          <button
            type="button"
            class="text-button"
            onClick={() => {
              purpose.value = isNew ? "sign-in" : "sign-up";
            }}
          >
            {isNew ? words.signInInstead : words.createAccount}
          </button>
        </p>
      </main>
      <div class="welcome-scene" aria-hidden="true">
        <Landscape />
      </div>
    </div>
  );
}

/** A picture of hills in the morning: a sun and three layers. */
function Landscape() {
  return (
    <svg viewBox="0 0 800 1000" aria-hidden="true" preserveAspectRatio="xMidYMax slice" focusable="false">
      <circle class="scene-sun" cx="540" cy="430" r="120" />
      <path class="scene-far" d="M0 560C130 470 260 520 380 560s260-90 420-40v480H0z" />
      <path class="scene-middle" d="M0 690c120-70 250-60 400 0s270 30 400-50v360H0z" />
      <path class="scene-near" d="M0 820c160-80 300-30 430 10s250 20 370-40v210H0z" />
    </svg>
  );
}
