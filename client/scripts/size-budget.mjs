// Fails when an entry point, minified with what it needs and compressed as a CDN would, outgrows its budget.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const BUDGETS = {
  ".": 7_000,
  "./sync": 9_000,
  "./order": 2_000,
  "./indexeddb": 3_000,
  "./tanstack-db": 2_500,
  "./rxdb": 4_700,
};

const root = fileURLToPath(new URL("..", import.meta.url));
const { exports: entries, peerDependencies } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
let isOver = false;
for (const [name, { default: entry }] of Object.entries(entries)) {
  const budget = BUDGETS[name];
  if (budget === undefined) throw new Error(`${name} has no budget`);
  // Alone, but without the library that an adapter is for: an application that installs the adapter has it already.
  const [{ output }] = await build({
    root,
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: true,
      target: "es2022",
      lib: { entry, formats: ["es"] },
      rolldownOptions: { external: Object.keys(peerDependencies).flatMap((peer) => [peer, new RegExp(`^${peer}/`)]) },
    },
  });
  const size = output.reduce((sum, { code }) => sum + gzipSync(code ?? "").length, 0);
  console.log(`${name.padEnd(14)} ${(size / 1000).toFixed(1)} kB gzipped, of ${budget / 1000} kB`);
  isOver ||= size > budget;
}
if (isOver) {
  console.error("error: that is more than the budget");
  process.exit(1);
}
