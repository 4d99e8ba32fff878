import "./styles/theme.css";
import "./styles/controls.css";
import "./styles/welcome.css";
import "./styles/page.css";
import "./styles/tasks.css";
import "./styles/overlays.css";
import "./styles/print.css";
import { effect, signal } from "@preact/signals";
import { render } from "preact";
import { App, Trouble } from "./app";
import { settings as loading, sent } from "./boot";
import { followTheme, language } from "./preferences";
import { followAddress } from "./route";
import { Issuer } from "./session/issuer";
import { takeLink } from "./session/reset-link";
import { Session } from "./session/session";
import { speak, t } from "./text";
import { leaveKeysToInputMethods } from "./ui/shortcuts";
import { keepFiles } from "./ui/versions";
import { wait } from "./wait";

/** How long the first picture waits for answers that are about to arrive, in milliseconds. */
const SOON = 100;

const root = document.getElementById("app");

async function start(): Promise<void> {
  if (!root) return;
  try {
    followTheme();
    leaveKeysToInputMethods();
    const [settings] = await Promise.all([loading, speak(language.value)]);
    effect(() => void speak(language.value));
    const session = new Session(new Issuer(settings.authUrl));
    followAddress();
    const started = session.start();
    // Otherwise, it would be drawn twice.
    if (session.state.peek().is === "unknown") await Promise.race([Promise.all([started, sent]), wait(SOON)]);
    render(<App session={session} settings={settings} link={signal(takeLink())} />, root);
    await started;
  } catch {
    const text = navigator.onLine ? t().settingsMissing : t().offline;
    render(<Trouble title={t().cannotStart} text={text} onRetry={() => location.reload()} />, root);
  }
}

void start();
keepFiles();
