// Fails the build if the JavaScript of the first view, compressed as by a CDN, exceeds its budget. Modules that are loaded on demand
// do not count.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET = 120_000;

const dist = join(dirname(fileURLToPath(import.meta.url)), "../dist");
const page = readFileSync(join(dist, "index.html"), "utf8");
const scripts = new Set([...page.matchAll(/(?:src|href)="\.\/([^"]+\.js)"/g)].map((match) => match[1]));
for (const script of scripts) {
  const source = readFileSync(join(dist, script), "utf8");
  for (const [, imported] of source.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) {
    scripts.add(join(dirname(script), imported));
  }
}
if (scripts.size === 0) throw new Error("dist/index.html names no script");
const size = [...scripts].reduce((sum, script) => sum + gzipSync(readFileSync(join(dist, script))).length, 0);
console.log(`The page's JavaScript: ${(size / 1000).toFixed(1)} kB gzipped, of ${BUDGET / 1000} kB.`);
if (size > BUDGET) {
  console.error("error: that is more than the budget");
  process.exit(1);
}
