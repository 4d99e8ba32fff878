import "./styles/theme.css";
import "./styles/controls.css";
import "./styles/welcome.css";
import "./styles/page.css";
import "./styles/tasks.css";
import "./styles/overlays.css";
import { render } from "preact";
import { App, Trouble } from "./app";
import { followAddress } from "./route";
import { Issuer } from "./session/issuer";
import { Session } from "./session/session";
import { loadSettings } from "./settings";
import { keepFiles } from "./ui/versions";

const root = document.getElementById("app");

async function start(): Promise<void> {
  if (!root) return;
  try {
    const settings = await loadSettings();
    const session = new Session(new Issuer(settings.authUrl));
    followAddress();
    render(<App session={session} settings={settings} />, root);
    await session.start();
  } catch {
    const text = navigator.onLine ? "Its settings could not be loaded." : "You are offline.";
    render(<Trouble title="The page can’t start" text={text} onRetry={() => location.reload()} />, root);
  }
}

void start();
keepFiles();
