import type { Signal } from "@preact/signals";
import type { ResetLink } from "./session/reset-link";
import type { Session } from "./session/session";
import { Welcome } from "./session/welcome";
import type { Settings } from "./settings";
import { TasksPage } from "./tasks/tasks-page";
import { t } from "./text";
import { Brand } from "./ui/brand";
import { Announcer, NewVersion } from "./ui/notes";

interface AppProps {
  readonly session: Session;
  readonly settings: Settings;
  /** That the user has followed, until they go on. */
  readonly link: Signal<ResetLink | null>;
}

export function App(props: AppProps) {
  const isAtWork = props.session.state.value.is === "signed-in" && props.link.value === null;
  return (
    <>
      <Screen {...props} />
      {/* The page of the tasks has it among its other notes. */}
      {!isAtWork && (
        <div class="notes">
          <NewVersion />
        </div>
      )}
      <Announcer />
    </>
  );
}

function Screen({ session, settings, link }: AppProps) {
  const state = session.state.value;
  // Also for a user who is signed in.
  if (link.value !== null) return <Welcome session={session} link={link} />;
  switch (state.is) {
    case "unknown":
      return <Splash />;
    case "unreachable":
      return (
        <Trouble
          title={navigator.onLine ? t().signInDown : t().youAreOffline}
          text={t().tasksAreSafe}
          onRetry={() => void session.start()}
        />
      );
    case "signed-out":
      return <Welcome session={session} link={link} />;
    case "signed-in":
      // Another user gets a page of their own, with nothing in it of the one before.
      return <TasksPage key={state.user.id} session={session} user={state.user} settings={settings} />;
  }
}

function Splash() {
  return (
    <div class="splash" aria-busy="true">
      <Brand />
    </div>
  );
}

interface TroubleProps {
  readonly title: string;
  readonly text: string;
  readonly onRetry: () => void;
}

export function Trouble({ title, text, onRetry }: TroubleProps) {
  return (
    <main class="trouble">
      <Brand />
      <div role="alert">
        <h1>{title}</h1>
        <p class="lead">{text}</p>
      </div>
      <button type="button" class="button button-primary" onClick={onRetry}>
        {t().tryAgain}
      </button>
    </main>
  );
}
