import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { LANGUAGES, language, THEMES, theme, timeZone, WEEK_BEGINS, weekBegins } from "../preferences";
import { dayOf, weekdayName, weekStart } from "../tasks/due";
import { chunks, download, exportFile, readExport } from "../tasks/transfer";
import type { Workbench } from "../tasks/workbench";
import { t } from "../text";
import { announce } from "../ui/announcer";
import { Dialog } from "../ui/dialog";
import { SingleKeysSwitch } from "../ui/shortcuts";
import { PASSWORD_LENGTH, Refusal, type User } from "./issuer";
import type { Session } from "./session";

interface SettingsDialogProps {
  readonly session: Session;
  readonly bench: Workbench;
  readonly user: User;
  readonly onClose: () => void;
}

const TABS = ["appearance", "account", "yourTasks"] as const;

/** The user's account, and how the page looks in this browser. */
export function SettingsDialog({ session, bench, user, onClose }: SettingsDialogProps) {
  const words = t();
  const id = useId();
  const tab = useSignal<(typeof TABS)[number]>("appearance");
  const move = (event: KeyboardEvent) => {
    const by = event.key === "ArrowLeft" ? -1 : 1;
    const next = TABS[TABS.indexOf(tab.value) + by];
    if (!next || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    tab.value = next;
    document.getElementById(`${id}-${next}`)?.focus();
  };
  return (
    <Dialog title={words.settings} class="dialog-wide settings" onClose={onClose}>
      <div class="tabs" role="tablist" aria-label={words.settings} onKeyDown={move}>
        {TABS.map((name) => (
          <button
            key={name}
            id={`${id}-${name}`}
            type="button"
            class="tab"
            role="tab"
            aria-selected={tab.value === name}
            aria-controls={`${id}-panel`}
            tabIndex={tab.value === name ? 0 : -1}
            onClick={() => {
              tab.value = name;
            }}
          >
            {words[name]}
          </button>
        ))}
      </div>
      <div id={`${id}-panel`} class="settings-panel" role="tabpanel" aria-labelledby={`${id}-${tab.value}`}>
        {tab.value === "appearance" && <Appearance />}
        {tab.value === "account" && <Password session={session} user={user} />}
        {tab.value === "account" && <DeleteAccount session={session} />}
        {tab.value === "yourTasks" && <Data bench={bench} />}
      </div>
      <div class="dialog-actions">
        <button type="button" class="button button-primary" onClick={onClose}>
          {words.close}
        </button>
      </div>
    </Dialog>
  );
}

function Appearance() {
  const words = t();
  const zones = Intl.supportedValuesOf("timeZone");
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
  return (
    <div class="settings-part">
      <Choice name={words.theme} chosen={theme} choices={THEMES} textOf={(choice) => words.themes[choice]} />
      <Choice
        name={words.language}
        chosen={language}
        choices={LANGUAGES}
        textOf={(choice) => words.languages[choice]}
        langOf={(choice) => choice}
      />
      <Choice
        name={words.timeZone}
        chosen={timeZone}
        choices={["", ...zones]}
        textOf={(choice) => choice.replaceAll("_", " ") || words.deviceTimeZone(zone)}
      />
      <Choice
        name={words.firstWeekday}
        chosen={weekBegins}
        choices={WEEK_BEGINS}
        textOf={(choice) => (choice === "region" ? words.usualWeekday(nameOf(choice)) : nameOf(choice))}
      />
      <SingleKeysSwitch />
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly chosen: Signal<T>;
  readonly choices: readonly T[];
  readonly textOf: (choice: T) => string;
  /** The language of a choice, if it is not that of the page. */
  readonly langOf?: (choice: T) => string;
}

function Choice<T extends string>({ name, chosen, choices, textOf, langOf }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div class="settings-row">
      <label for={id}>{name}</label>
      <select
        id={id}
        class="filter"
        value={chosen.value}
        onChange={(event) => {
          const choice = choices[event.currentTarget.selectedIndex];
          if (choice !== undefined) chosen.value = choice;
        }}
      >
        {choices.map((choice) => (
          <option key={choice} value={choice} lang={langOf?.(choice)}>
            {textOf(choice)}
          </option>
        ))}
      </select>
    </div>
  );
}

function nameOf(choice: (typeof WEEK_BEGINS)[number]): string {
  return weekdayName(weekStart(choice), "long");
}

interface PartProps {
  readonly title: string;
  readonly problem: Signal<string>;
  readonly done?: Signal<string>;
  readonly onSubmit: (fields: FormData) => Promise<void>;
  readonly children: ComponentChildren;
}

/** A form of its own, with its problem below. */
function Part({ title, problem, done, onSubmit, children }: PartProps) {
  const id = useId();
  const busy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value || !form.current) return;
    busy.value = true;
    problem.value = "";
    if (done) done.value = "";
    try {
      await onSubmit(new FormData(form.current));
      form.current?.reset();
    } catch (error) {
      problem.value = error instanceof Refusal ? error.message : t().signInUnreachable;
    } finally {
      busy.value = false;
    }
  };
  return (
    <form ref={form} class="settings-part" aria-labelledby={`${id}-heading`} aria-busy={busy.value} onSubmit={submit}>
      <h3 id={`${id}-heading`}>{title}</h3>
      {children}
      <p class="form-problem" role="alert">
        {problem.value}
      </p>
      {done?.value && <p class="hint">{done.value}</p>}
    </form>
  );
}

function Password({ session, user }: Pick<SettingsDialogProps, "session" | "user">) {
  const words = t();
  const id = useId();
  const problem = useSignal("");
  const done = useSignal("");
  const change = async (fields: FormData) => {
    await session.changePassword(String(fields.get("current")), String(fields.get("new")));
    done.value = words.passwordChanged;
    announce(words.passwordChanged);
  };
  return (
    <Part title={words.changePassword} problem={problem} done={done} onSubmit={change}>
      {/* For password managers. */}
      <input
        class="visually-hidden"
        name="email"
        autocomplete="username"
        value={user.email}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      <div class="settings-fields">
        <div class="field">
          <label for={`${id}-current`}>{words.currentPassword}</label>
          <input id={`${id}-current`} name="current" type="password" autocomplete="current-password" required />
        </div>
        <div class="field">
          <label for={`${id}-new`}>{words.newPassword}</label>
          <input
            id={`${id}-new`}
            name="new"
            type="password"
            autocomplete="new-password"
            minLength={PASSWORD_LENGTH.min}
            maxLength={PASSWORD_LENGTH.max}
            required
          />
        </div>
      </div>
      <div>
        <button type="submit" class="button">
          {words.changePassword}
        </button>
      </div>
    </Part>
  );
}

function Data({ bench }: Pick<SettingsDialogProps, "bench">) {
  const words = t();
  const id = useId();
  const problem = useSignal("");
  const done = useSignal("");
  const save = async () => {
    try {
      download(await exportFile(bench.api), `daylist-${dayOf(new Date())}.json`);
    } catch {
      throw new Refusal(words.exportFailed);
    }
  };
  const read = async (file: File | undefined) => {
    if (!file) return;
    problem.value = "";
    done.value = "";
    const imported = readExport(await file.text(), bench.tasks.sync.tasks);
    if (!imported) {
      problem.value = words.notAnExport;
      return;
    }
    if (!(await bench.actions.import(chunks(imported.changes)))) return;
    done.value = words.imported(imported.added, imported.known, imported.invalid);
    announce(done.value);
  };
  return (
    <Part title={words.yourTasks} problem={problem} done={done} onSubmit={save}>
      <p class="hint">{words.exportHint}</p>
      <div class="settings-buttons">
        <button type="submit" class="button">
          {words.exportTasks}
        </button>
        <label class="button" for={`${id}-file`}>
          {words.importTasks}
        </label>
        <input
          id={`${id}-file`}
          class="visually-hidden"
          type="file"
          accept="application/json,.json"
          onChange={({ currentTarget: input }) => {
            void read(input.files?.[0]);
            // The same file can be chosen again, after a change to it.
            input.value = "";
          }}
        />
      </div>
    </Part>
  );
}

function DeleteAccount({ session }: Pick<SettingsDialogProps, "session">) {
  const words = t();
  const id = useId();
  const problem = useSignal("");
  return (
    <Part
      title={words.deleteAccount}
      problem={problem}
      onSubmit={async (fields) => session.deleteAccount(String(fields.get("password")))}
    >
      <p class="hint">{words.deleteAccountHint}</p>
      <div class="settings-fields">
        <div class="field">
          <label for={`${id}-password`}>{words.password}</label>
          <input id={`${id}-password`} name="password" type="password" autocomplete="current-password" required />
        </div>
      </div>
      <div>
        <button type="submit" class="button button-danger">
          {words.deleteAccountForGood}
        </button>
      </div>
    </Part>
  );
}
