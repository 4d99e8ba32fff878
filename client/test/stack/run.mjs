// Runs the suites that need a real API, on a stack of their own; or on one that runs, which API_URL and DATA name.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, withStack } from "./stack.mjs";

const client = fileURLToPath(new URL("../..", import.meta.url));
const log = join(client, "artifacts/stack.log");

function tests({ apiUrl, data }) {
  const vitest = join(client, "node_modules/.bin/vitest");
  const args = ["run", "--config", "vitest.stack.config.ts", ...process.argv.slice(2)];
  return run(vitest, args, { cwd: client, env: { API_URL: apiUrl, DATA: data } });
}

const { API_URL: apiUrl, DATA: data } = process.env;
process.exitCode = apiUrl ? await tests({ apiUrl, data }) : await withStack({ log, options: ["--no-issuer"] }, tests);
