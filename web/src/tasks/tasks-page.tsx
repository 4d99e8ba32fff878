import { effect, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo } from "preact/hooks";
import { THEMES, theme } from "../preferences";
import { route, routeFrame, show } from "../route";
import type { User } from "../session/issuer";
import type { Session } from "../session/session";
import { SignInAgain } from "../session/sign-in-again";
import type { Settings } from "../settings";
import { t } from "../text";
import { AccountMenu } from "../ui/account-menu";
import { announce } from "../ui/announcer";
import { Brand } from "../ui/brand";
import { now } from "../ui/clock";
import { Keyboard } from "../ui/icons";
import { Lazy } from "../ui/lazy";
import { NewVersion, Notes } from "../ui/notes";
import { type Command, Palette } from "../ui/palette";
import { paletteShown } from "../ui/palette-state";
import { listenForKeys, listenForUndo, Shortcuts, shortcutsShown } from "../ui/shortcuts";
import { Lists, SEARCH_ID, SearchBox } from "../ui/sidebar";
import { Toasts } from "../ui/toasts";
import { Composer } from "./composer";
import { ConflictDialog } from "./conflict-dialog";
import { dayOf, longDate } from "./due";
import { COMPOSER_ID, HEADING_ID } from "./element-ids";
import { OPEN, type TaskQuery } from "./query";
import { RowMenu } from "./row-menu";
import { SelectionBar } from "./selection-bar";
import { SyncNote } from "./sync-note";
import { TaskRows } from "./task-rows";
import { Toolbar } from "./toolbar";
import { UnsentDialog } from "./unsent-dialog";
import { Workbench } from "./workbench";

interface TasksPageProps {
  readonly session: Session;
  readonly user: User;
  readonly settings: Settings;
}

export function TasksPage({ session, user, settings }: TasksPageProps) {
  const toasts = useMemo(() => new Toasts(), []);
  // Signing in again brings a new object for the same user.
  const bench = useMemo(() => new Workbench(settings, user, session, toasts), [settings, user.id, session, toasts]);
  const unsent = useSignal(0);
  const query = routeFrame.value;
  const words = t();
  const title = titleOf(query);
  const settingsShown = useSignal(false);

  // Another letter in search draws the list, and not the page around it.
  useLayoutEffect(() => effect(() => bench.rows.open(route.value)), [bench]);
  useEffect(() => {
    document.title = `${title} · Daylist`;
  }, [title]);
  useEffect(() => bench.start(), [bench]);
  useEffect(() => sendOnLeave(bench), [bench]);
  const isReady = bench.tasks.phase.value === "ready";
  useEffect(() => {
    if (!isReady) return;
    return bench.rows.query.subscribe(() => {
      const count = bench.rows.matching.peek().length;
      announce(count === 0 ? t().noTasks : `${count} ${t().tasksCounted(count)}`);
    });
  }, [bench, isReady]);
  useEffect(
    () =>
      listenForKeys({
        n: () => focus(COMPOSER_ID),
        "/": () => focus(SEARCH_ID),
        j: () => (bench.focus.row.peek() === null ? bench.focus.move("first") : bench.focus.move("down")),
        k: () => bench.focus.move("up"),
        "Ctrl+k": () => {
          paletteShown.value = true;
        },
        Escape: () => (bench.selection.isActive.peek() ? bench.selection.clear() : bench.form.close()),
        z: () => toasts.undoLatest(),
        "?": () => {
          shortcutsShown.value = true;
        },
      }),
    [toasts, bench],
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
        text: t().stillSignedIn,
        tone: "problem",
        action: { label: t().tryAgain, run: () => void signOut() },
      });
    });
  };
  const conflict = bench.refusals.conflict.value;

  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => focus("main")}>
        {words.skip}
      </button>
      <header class="rail">
        <Brand />
        <SearchBox onDown={() => bench.focus.move("first")} />
        <Lists query={query} counts={bench.counts.value} />
        <button
          type="button"
          class="rail-keys"
          onClick={() => {
            shortcutsShown.value = true;
          }}
        >
          <Keyboard />
          {words.shortcuts}
        </button>
        <AccountMenu user={user} onSettings={() => (settingsShown.value = true)} onSignOut={signOut} />
      </header>
      <main id="main" tabIndex={-1}>
        <header class="heading">
          {/* Gets the focus when no row is left: single keys work there. */}
          <h1 id={HEADING_ID} dir="auto" tabIndex={-1}>
            {title}
          </h1>
          <p class="date">{longDate(dayOf(now.value))}</p>
        </header>
        <Composer bench={bench} query={query} onDown={() => bench.focus.move("first")} />
        <Toolbar bench={bench} query={query} onChange={(to) => show({ ...to, text: route.peek().text })} />
        <TaskRows bench={bench} onQuery={show} />
        <SelectionBar bench={bench} />
        <RowMenu bench={bench} />
      </main>
      <Notes toasts={toasts}>
        <NewVersion />
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
      {paletteShown.value && (
        <Palette bench={bench} commands={commandsOf(bench, () => (settingsShown.value = true), signOut)} />
      )}
      {settingsShown.value && (
        <Lazy load={loadSettings}>
          {({ SettingsDialog }) => (
            <SettingsDialog session={session} bench={bench} user={user} onClose={() => (settingsShown.value = false)} />
          )}
        </Lazy>
      )}
      {session.interrupted.value && <SignInAgain session={session} user={user} />}
    </div>
  );
}

const loadSettings = () => import("../session/settings-dialog");

function titleOf({ list, tag }: TaskQuery): string {
  return tag !== null && (list === "open" || list === "all") ? `#${tag}` : t().titles[list];
}

/** What the palette offers beside tasks. On a phone, it is where the tags are, so they are with the lists. */
function commandsOf(bench: Workbench, onSettings: () => void, onSignOut: () => Promise<void>): Command[] {
  const words = t();
  const lists = (["today", "upcoming", "open", "completed"] as const).map((list) => ({
    name: words.goTo(words.listNames[list]),
    run: () => show({ ...OPEN, list }),
  }));
  const tags = bench.counts.value.tags.map(({ tag }) => ({ name: `#${tag}`, run: () => show({ ...OPEN, tag }) }));
  return [
    { name: words.newTask, keys: "N", run: () => focus(COMPOSER_ID) },
    { name: words.search, keys: "/", run: () => focus(SEARCH_ID) },
    ...lists,
    { name: words.goTo(words.weekView), run: () => show({ ...OPEN, list: "upcoming", layout: "week" }) },
    ...tags,
    ...THEMES.map((choice) => ({
      name: `${words.theme}: ${words.themes[choice]}`,
      run: () => {
        theme.value = choice;
      },
    })),
    { name: words.settings, run: onSettings },
    {
      name: words.shortcuts,
      keys: "?",
      run: () => {
        shortcutsShown.value = true;
      },
    },
    { name: words.signOut, run: () => void onSignOut() },
  ];
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
