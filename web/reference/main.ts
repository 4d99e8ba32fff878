/** The API reference: shows openapi.yaml and tries requests with a pasted token, which is not stored. */
import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./reference.css";

/** The parts of the contract that are changed for display. */
interface Contract {
  readonly servers: { readonly variables: { readonly origin: { default: string } } }[];
  readonly components: { readonly parameters: Record<string, { readonly required?: boolean; example?: unknown }> };
}

const root = new URL("../", document.baseURI);

async function start(): Promise<void> {
  const apiUrl = await configuredApi();
  SwaggerUIBundle<Contract>({
    domNode: document.querySelector("#reference"),
    url: new URL("openapi.yaml", root).href,
    deepLinking: true,
    displayRequestDuration: true,
    // Disables Swagger UI's online validator.
    validatorUrl: null,
    plugins: [
      () => ({
        statePlugins: {
          spec: { wrapActions: { updateJsonSpec: (original) => (contract) => original(forTrying(contract, apiUrl)) } },
        },
      }),
    ],
  });
}

/** The page's API. Without the page's settings, people can enter the server. */
async function configuredApi(): Promise<string | undefined> {
  const response = await fetch(new URL("config.json", root)).catch(() => null);
  const { api_url: apiUrl } = response?.ok ? await response.json() : {};
  return apiUrl;
}

function forTrying(contract: Contract, apiUrl: string | undefined): Contract {
  for (const { variables } of contract.servers) variables.origin.default = apiUrl ?? variables.origin.default;
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

followColorScheme(matchMedia("(prefers-color-scheme: dark)"));
void start();
