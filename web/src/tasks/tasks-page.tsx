import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { formatRoute, route, show } from "../route";
import type { User } from "../session/issuer";
import type { Session } from "../session/session";
import { SignInAgain } from "../session/sign-in-again";
import type { Settings } from "../settings";
import { AccountMenu } from "../ui/account-menu";
import { announce } from "../ui/announcer";
import { Brand } from "../ui/brand";
import { now } from "../ui/clock";
import { Check, Circle, Keyboard, Stack } from "../ui/icons";
import { Notes } from "../ui/notes";
import { listenForKeys, listenForUndo, Shortcuts, shortcutsShown } from "../ui/shortcuts";
import { Toasts } from "../ui/toasts";
import { COMPOSER_ID, Composer } from "./composer";
import { ConflictDialog } from "./conflict-dialog";
import { longDate } from "./due";
import { Filters, TAG_FILTER_ID } from "./filters";
import type { Status } from "./query";
import { SyncNote } from "./sync-note";
import { focusFirstRow, TaskRows } from "./task-rows";
import { UnsentDialog } from "./unsent-dialog";
import { Workbench } from "./workbench";

interface TasksPageProps {
  readonly session: Session;
  readonly user: User;
  readonly settings: Settings;
}

const LISTS = [
  { status: "open", name: "Open", Icon: Circle },
  { status: "completed", name: "Completed", Icon: Check },
  { status: "all", name: "All", Icon: Stack },
] as const;

const TITLES: Readonly<Record<Status, string>> = { open: "Open tasks", completed: "Completed", all: "All tasks" };

export function TasksPage({ session, user, settings }: TasksPageProps) {
  const toasts = useMemo(() => new Toasts(), []);
  // Signing in again brings a new object for the same user.
  const bench = useMemo(() => new Workbench(settings, user, session, toasts), [settings, user.id, session, toasts]);
  const unsent = useSignal(0);
  const query = route.value;
  const title = TITLES[query.status];

  useEffect(() => {
    bench.rows.open(query);
    document.title = `${title} · Daylist`;
  }, [bench, query, title]);
  useEffect(() => bench.start(), [bench]);
  useEffect(() => sendOnLeave(bench), [bench]);
  const isReady = bench.tasks.phase.value === "ready";
  useEffect(() => {
    if (!isReady) return;
    const count = bench.rows.all.peek().length;
    announce(count === 0 ? "No tasks" : `${count} ${count === 1 ? "task" : "tasks"}`);
  }, [bench, query, isReady]);
  useEffect(
    () =>
      listenForKeys({
        n: () => focus(COMPOSER_ID),
        "/": () => focus(TAG_FILTER_ID),
        "1": () => show({ ...route.value, status: "open" }),
        "2": () => show({ ...route.value, status: "completed" }),
        "3": () => show({ ...route.value, status: "all" }),
        z: () => toasts.undoLatest(),
        "?": () => {
          shortcutsShown.value = true;
        },
      }),
    [toasts],
  );

  useEffect(() => listenForUndo(() => toasts.undoLatest()), [toasts]);
  // After signing in or up, so that typing can begin. At the start of a visit, the focus is at the beginning of the page.
  useEffect(() => {
    if (session.isNew) focus(COMPOSER_ID);
  }, [session]);

  const signOut = async () => {
    unsent.value = await bench.settle();
    if (unsent.value === 0) await leave();
  };
  const leave = async () => {
    unsent.value = 0;
    await session.signOut().catch(() => {
      toasts.show({
        text: "You are still signed in: the sign-in service can’t be reached.",
        tone: "problem",
        action: { label: "Try again", run: () => void signOut() },
      });
    });
  };
  const conflict = bench.refusals.conflict.value;

  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => focus("main")}>
        Skip to the tasks
      </button>
      <header class="rail">
        <Brand />
        <nav class="lists" aria-label="Lists">
          {LISTS.map(({ status, name, Icon }) => (
            <a
              key={status}
              href={formatRoute({ ...query, status })}
              aria-current={status === query.status ? "page" : undefined}
            >
              <Icon />
              {name}
            </a>
          ))}
        </nav>
        <button
          type="button"
          class="rail-keys"
          onClick={() => {
            shortcutsShown.value = true;
          }}
        >
          <Keyboard />
          Keyboard shortcuts
        </button>
        <AccountMenu user={user} onSignOut={signOut} />
      </header>
      <main id="main" tabIndex={-1}>
        <header class="heading">
          <p class="date">{longDate(now.value)}</p>
          <h1>{title}</h1>
        </header>
        <Composer bench={bench} query={query} onDown={focusFirstRow} />
        <Filters query={query} knownTags={bench.knownTags.value} onChange={show} />
        <TaskRows bench={bench} onQuery={show} />
      </main>
      <Notes toasts={toasts}>
        <SyncNote tasks={bench.tasks} />
      </Notes>
      {conflict && (
        <ConflictDialog
          key={`${conflict.item.seq} ${conflict.current?.version}`}
          conflict={conflict}
          onChoice={(choice) => bench.refusals.choose(conflict, choice)}
        />
      )}
      {unsent.value > 0 && (
        <UnsentDialog count={unsent.value} onStay={() => (unsent.value = 0)} onLeave={() => void leave()} />
      )}
      {shortcutsShown.value && <Shortcuts />}
      {session.interrupted.value && <SignInAgain session={session} user={user} />}
    </div>
  );
}

function focus(id: string): void {
  document.getElementById(id)?.focus();
}

/** Changes and drafts are kept as they are made, but a deletion that can be undone is not sent. */
function sendOnLeave(bench: Workbench): () => void {
  const onGone = ({ persisted }: PageTransitionEvent) => {
    // A page that is kept may come back, with its chance to undo.
    if (!persisted) bench.sendDeletions();
  };
  addEventListener("pagehide", onGone);
  return () => removeEventListener("pagehide", onGone);
}
