// Runs the browser tests against a stack of their own; or against one that runs, which PAGE_URL and API_URL name.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, withStack } from "../../client/test/stack/stack.mjs";

const web = fileURLToPath(new URL("..", import.meta.url));
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";

process.exitCode = await main();

async function main() {
  if (!existsSync(chromium)) {
    console.error(
      `error: ${chromium} is missing: install Chromium (Debian: apt install chromium), or set CHROMIUM to its path`,
    );
    return 1;
  }
  const { PAGE_URL: pageUrl, API_URL: apiUrl } = process.env;
  if (pageUrl) return tests({ pageUrl, apiUrl });
  // Tokens that expire while a test looks on.
  const env = { ISSUER_TOKEN_LIFETIME: "20s" };
  return withStack({ log: join(web, "artifacts/stack.log"), env }, tests);
}

async function tests({ pageUrl, apiUrl, data }) {
  const playwright = join(web, "node_modules/.bin/playwright");
  const env = { CHROMIUM: chromium, PAGE_URL: pageUrl, API_URL: apiUrl, ...(data && { STACK: data }) };
  const args = process.argv.slice(2);
  // What kills the stack needs one of its own, after the others.
  const page = ["waits", "page"];
  const isChosen = args.some((argument) => argument.startsWith("--project"));
  const all = data ? [page, ["crashes"]] : [page];
  const runs = args.includes("figures") ? [["figures"]] : isChosen ? [[]] : all;
  for (const projects of runs) {
    const command = ["test", "--pass-with-no-tests", ...projects.map((name) => `--project=${name}`), ...args];
    const status = await run(playwright, command, { cwd: web, env });
    if (status !== 0) return status;
  }
  return 0;
}
