import { useEffect, useMemo } from "preact/hooks";
import { formatRoute, route, show } from "../route";
import type { User } from "../session/issuer";
import type { Session } from "../session/session";
import { SignInAgain } from "../session/sign-in-again";
import { AccountMenu } from "../ui/account-menu";
import { Brand } from "../ui/brand";
import { now } from "../ui/clock";
import { Check, Circle, Keyboard, Stack } from "../ui/icons";
import { Notes } from "../ui/notes";
import { listenForKeys, Shortcuts, shortcutsShown } from "../ui/shortcuts";
import { Toasts } from "../ui/toasts";
import type { TaskBackend } from "./backend";
import { COMPOSER_ID, Composer } from "./composer";
import { ConflictDialog } from "./conflict-dialog";
import { longDate } from "./due";
import { Filters, TAG_FILTER_ID } from "./filters";
import type { Status } from "./query";
import { TaskList } from "./task-list";
import { focusFirstRow, TaskRows } from "./task-rows";

interface TasksPageProps {
  readonly session: Session;
  readonly user: User;
  readonly backend: TaskBackend;
}

const LISTS = [
  { status: "open", name: "Open", Icon: Circle },
  { status: "completed", name: "Completed", Icon: Check },
  { status: "all", name: "All", Icon: Stack },
] as const;

const TITLES: Readonly<Record<Status, string>> = { open: "Open tasks", completed: "Completed", all: "All tasks" };

export function TasksPage({ session, user, backend }: TasksPageProps) {
  const toasts = useMemo(() => new Toasts(), []);
  const list = useMemo(() => new TaskList(backend, session, toasts), [backend, session, toasts]);
  const query = route.value;
  const title = TITLES[query.status];

  useEffect(() => {
    void list.open(query);
    document.title = `${title} · Daylist`;
  }, [list, query, title]);
  useEffect(() => keepUpToDate(list), [list]);
  useEffect(
    () =>
      listenForKeys({
        n: () => focus(COMPOSER_ID),
        "/": () => focus(TAG_FILTER_ID),
        "1": () => show({ ...route.value, status: "open" }),
        "2": () => show({ ...route.value, status: "completed" }),
        "3": () => show({ ...route.value, status: "all" }),
        z: () => toasts.takeLatest(),
        "?": () => {
          shortcutsShown.value = true;
        },
      }),
    [toasts],
  );

  const signOut = async () => {
    await list.settle();
    await session.signOut().catch(() => {
      toasts.show({
        text: "You are still signed in: the sign-in service can’t be reached.",
        tone: "problem",
        action: { label: "Try again", run: () => void signOut() },
      });
    });
  };
  const conflict = list.conflicts.value[0];

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
        <Composer onAdd={(content) => list.add(content)} onDown={focusFirstRow} />
        <Filters query={query} knownTags={list.knownTags.value} onChange={show} />
        <TaskRows list={list} onQuery={show} />
      </main>
      <Notes toasts={toasts} />
      {conflict && (
        <ConflictDialog
          key={conflict.key + conflict.theirs.version}
          conflict={conflict}
          onChoice={(choice) => list.resolve(conflict, choice)}
        />
      )}
      {shortcutsShown.value && <Shortcuts />}
      {session.interrupted.value && <SignInAgain session={session} user={user} />}
    </div>
  );
}

function focus(id: string): void {
  document.getElementById(id)?.focus();
}

/** Refreshes the list when the page becomes visible again, and protects pending changes when it is closed. */
function keepUpToDate(list: TaskList): () => void {
  const onVisible = () => {
    if (document.visibilityState === "visible") void list.refresh();
  };
  const onLeave = (event: BeforeUnloadEvent) => {
    if (list.unsaved.value) event.preventDefault();
  };
  const onGone = () => list.sendDeletionsNow();
  document.addEventListener("visibilitychange", onVisible);
  addEventListener("online", onVisible);
  addEventListener("beforeunload", onLeave);
  addEventListener("pagehide", onGone);
  return () => {
    document.removeEventListener("visibilitychange", onVisible);
    removeEventListener("online", onVisible);
    removeEventListener("beforeunload", onLeave);
    removeEventListener("pagehide", onGone);
  };
}
