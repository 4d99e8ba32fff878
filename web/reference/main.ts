/** The API reference: shows openapi.yaml, and tries requests with tokens of the session or a pasted one. No token is stored. */
import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./reference.css";

/** The parts of the contract that are changed for display. */
interface Contract {
  readonly info: { description: string };
  servers: readonly { readonly url: string }[];
  readonly components: { readonly parameters: Record<string, { readonly required?: boolean; example?: unknown }> };
}

const root = new URL("../", document.baseURI);

/** The page's settings. Without them, people can enter the server. */
interface Configuration {
  readonly api_url?: string;
  readonly auth_url?: string;
}

async function start(): Promise<void> {
  const { api_url: apiUrl, auth_url: authUrl } = await configuration();
  // What the session gave last. A new one is fetched for each request, because tokens expire.
  let used = authUrl ? await tokenOf(authUrl) : null;
  const ui = SwaggerUIBundle<Contract>({
    domNode: document.querySelector("#reference"),
    url: new URL("openapi.yaml", root).href,
    deepLinking: true,
    displayRequestDuration: true,
    // Disables Swagger UI's online validator.
    validatorUrl: null,
    requestInterceptor: async (request) => {
      if (!authUrl || used === null || request.headers.Authorization !== `Bearer ${used}`) return request;
      const token = (await tokenOf(authUrl)) ?? used;
      ui.preauthorizeApiKey("token", token);
      used = token;
      return { ...request, headers: { ...request.headers, Authorization: `Bearer ${token}` } };
    },
    onComplete: () => {
      if (used) ui.preauthorizeApiKey("token", used);
      show(used !== null);
    },
    plugins: [
      ({ React }) => ({
        // A link within the button that opens an operation would be a control in a control.
        wrapComponents: { DeepLink: () => (props) => React.createElement("span", null, props.text) },
        statePlugins: {
          spec: { wrapActions: { updateJsonSpec: (original) => (contract) => original(forTrying(contract, apiUrl)) } },
        },
      }),
    ],
  });
}

async function configuration(): Promise<Configuration> {
  const response = await fetch(new URL("config.json", root)).catch(() => null);
  return response?.ok ? response.json() : {};
}

/** A token of the session, or null if nobody is signed in. */
async function tokenOf(authUrl: string): Promise<string | null> {
  const url = new URL("api/auth/token", `${new URL(authUrl, root).href.replace(/\/*$/u, "")}/`);
  const response = await fetch(url, { credentials: "include", cache: "no-store" }).catch(() => null);
  return response?.ok ? ((await response.json()) as { token: string }).token : null;
}

function show(hasSession: boolean): void {
  const note = document.querySelector("#session");
  if (!note) return;
  note.textContent = hasSession
    ? "Requests from this page use your session."
    : "Sign in to Daylist to try requests with your session, or paste a token under Authorize.";
}

function forTrying(contract: Contract, apiUrl: string | undefined): Contract {
  // Operations come first; how they work opens on request.
  contract.info.description = `<details><summary>How the API works</summary>\n\n${contract.info.description}\n\n</details>`;
  if (apiUrl) contract.servers = [{ url: apiUrl }];
  for (const parameter of Object.values(contract.components.parameters)) {
    // Swagger UI fills forms with examples and would send optional parameters, such as the cursor of another list.
    if (!parameter.required) delete parameter.example;
  }
  return contract;
}

function followColorScheme(dark: MediaQueryList): void {
  const apply = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", apply);
  apply();
}

/** Swagger UI leaves some controls without a name, and skips a level of headings. */
function nameControls(): void {
  for (const [selector, attributes] of NAMES) {
    for (const element of document.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) {
        if (element.getAttribute(name) !== value) element.setAttribute(name, value);
      }
    }
  }
}

const NAMES = [
  [".information-container", { role: "region", "aria-label": "About the API" }],
  [".schemes-server-container", { role: "region", "aria-label": "Server" }],
  [".curl, .highlight-code > pre", { tabindex: "0" }],
  [".examples-select-element", { "aria-label": "Example" }],
  ["#servers", { "aria-label": "Server" }],
  ["input[data-variable=origin]", { "aria-label": "Origin of the server" }],
  [".servers-title, .scheme-container h4", { role: "heading", "aria-level": "2" }],
  [
    ".opblock-section-header h4, .responses-wrapper h4, .response h5, .responses-inner h4",
    { role: "heading", "aria-level": "4" },
  ],
  [".opblock select.content-type, .response select", { "aria-label": "Media type" }],
  [".body-param__text", { "aria-label": "Request body" }],
] as const;

new MutationObserver(nameControls).observe(document.body, { childList: true, subtree: true });
followColorScheme(matchMedia("(prefers-color-scheme: dark)"));
void start();
