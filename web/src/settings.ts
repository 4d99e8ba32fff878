/** The two URLs that depend on the deployment. They are in a file beside the page, so one build serves every stage. */
import { rememberedSettings, rememberSettings } from "./session/remembered";

export interface Settings {
  /** The API's URL without a path. */
  readonly apiUrl: string;
  /** Better Auth's URL without `/api/auth`. */
  readonly authUrl: string;
}

/** Loads the settings. Returns those of the last visit at once, and starts the page again if they have changed since. */
export async function loadSettings(): Promise<Settings> {
  const remembered = rememberedSettings();
  if (!remembered) return remember(await fetchSettings());
  void fetchSettings().then(
    (settings) => {
      const isSame = settings.apiUrl === remembered.apiUrl && settings.authUrl === remembered.authUrl;
      remember(settings);
      if (!isSame) location.reload();
    },
    // Offline, those of the last visit do.
    () => {},
  );
  return remembered;
}

function remember(settings: Settings): Settings {
  rememberSettings(settings);
  return settings;
}

async function fetchSettings(): Promise<Settings> {
  // As the document preloads it.
  const response = await fetch(new URL("config.json", document.baseURI));
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  const { api_url: apiUrl, auth_url: authUrl }: Record<string, unknown> = await response.json();
  if (typeof apiUrl !== "string" || typeof authUrl !== "string") {
    throw new Error("config.json must name api_url and auth_url");
  }
  return { apiUrl: withoutSlash(apiUrl), authUrl: withoutSlash(authUrl) };
}

function withoutSlash(url: string): string {
  return new URL(url, document.baseURI).href.replace(/\/+$/u, "");
}
