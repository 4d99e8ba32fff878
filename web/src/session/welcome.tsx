import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../text";
import { announce } from "../ui/announcer";
import { Brand } from "../ui/brand";
import { AccountForm } from "./account-form";
import { PasswordReset } from "./password-reset";
import type { ResetLink } from "./reset-link";
import type { Session } from "./session";

type Purpose = "sign-in" | "sign-up" | "reset";

interface WelcomeProps {
  readonly session: Session;
  readonly link: Signal<ResetLink | null>;
}

/** The first screen: sign in or create an account. A link for a new password leads here as well, also a user who is signed in. */
export function Welcome({ session, link }: WelcomeProps) {
  const purpose = useSignal<Purpose>(link.value === null ? "sign-in" : "reset");
  const words = t();
  const { value: state } = session.state;
  const isSignedIn = state.is === "signed-in";
  const isFarewell = purpose.value === "sign-in" && state.is === "signed-out" && state.why === "deleted";
  const { document: name, ...usual } = words.welcome[purpose.value];
  const { title, lead } = isFarewell ? words.accountDeleted : usual;
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
  useEffect(() => {
    if (isFarewell) announce(lead);
  }, [isFarewell, lead]);
  return (
    <div class="welcome">
      <main ref={form} class="welcome-form">
        <Brand />
        <h1>{title}</h1>
        {/* Who has followed the link needs no other. */}
        <p class="lead">{purpose.value === "reset" && link.value?.token ? null : lead}</p>
        {purpose.value === "reset" ? (
          <PasswordReset
            session={session}
            link={link.value}
            leave={isSignedIn ? words.backToTasks : words.backToSignIn}
            onLeave={() => {
              link.value = null;
              purpose.value = "sign-in";
              // A new password ends all sessions of its user, who need not be this one.
              if (isSignedIn) void session.check();
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
        <Day />
      </div>
    </div>
  );
}

const ROWS = [
  { y: 520, width: 250, isDone: true },
  { y: 624, width: 310, isDone: true },
  { y: 728, width: 200, isDone: false },
] as const;

/** A picture of a day: a sun, and a list below it of which something is done. */
function Day() {
  return (
    <svg viewBox="0 0 800 1000" aria-hidden="true" preserveAspectRatio="xMidYMax slice" focusable="false">
      <circle class="scene-sun" cx="400" cy="400" r="170" />
      <path class="scene-ground" d="M0 640q400-130 800 0v360H0z" />
      {ROWS.map(({ y, width, isDone }) => (
        <g key={y} transform={`translate(170 ${y})`}>
          <rect class="scene-row" width="460" height="84" rx="20" />
          <circle class={isDone ? "scene-done" : "scene-open"} cx="48" cy="42" r="18" />
          {isDone && <path class="scene-check" d="M40 42l6 6 11-13" />}
          <rect class="scene-line" x="88" y="34" width={width} height="16" rx="8" />
        </g>
      ))}
    </svg>
  );
}
