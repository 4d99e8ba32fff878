/** Sends the first requests as soon as possible: this small file runs while the rest of the page's code is still on its way. */
import { FIRST_TASKS, keepFirst, sendEarly } from "./early";
import { rememberedUser } from "./session/remembered";
import { loadSettings } from "./settings";
import { showTheme } from "./theme";

export const settings = loadSettings();

// As `followTheme` does, but before the page is painted in the colors of the device.
showTheme(localStorage.getItem("theme") ?? "system");

async function send(): Promise<void> {
  const { apiUrl, authUrl } = await settings;
  const session = fetch(`${authUrl}/api/auth/get-session`, { credentials: "include", cache: "no-store" });
  sendEarly(`${authUrl}/api/auth/get-session`, session);
  // Better Auth sends a token along with the session.
  const tokens = session.then(({ headers }) => headers.get("set-auth-jwt"));
  sendEarly(
    `${authUrl}/api/auth/token`,
    tokens.then((token) => (token === null ? null : Response.json({ token }))),
  );
  const token = await tokens;
  if (token === null || rememberedUser() !== null) return;
  const { sub } = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
  const { status, limit } = FIRST_TASKS;
  const url = `${apiUrl}/api/${encodeURIComponent(sub)}/tasks?status=${status}&limit=${limit}`;
  const response = fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const copy = response.then((response) => response.clone());
  sendEarly(url, response);
  const { tasks } = await (await copy).json();
  if (Array.isArray(tasks)) keepFirst(sub, tasks);
}

/** Ends when all of them have been answered. The next caller handles a failure. */
export const sent = send().catch(() => {});
