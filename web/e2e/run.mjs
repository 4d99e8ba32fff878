// Starts the whole product on free ports, runs the browser tests against it, and stops it.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("..", import.meta.url));
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const START_MINUTES = 10;

process.exitCode = await main();

async function main() {
  if (!existsSync(chromium)) {
    console.error(
      `error: ${chromium} is missing: install Chromium (Debian: apt install chromium), or set CHROMIUM to its path`,
    );
    return 1;
  }
  if (process.env.PAGE_URL) return runTests(process.env.PAGE_URL, process.env.API_URL);

  const data = mkdtempSync(join(tmpdir(), "task-web-"));
  const port = await freePorts();
  const stack = startStack(port, data);
  const stop = () => stack.kill("SIGINT");
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await isReady(stack, join(data, "ready"));
    return await runTests(`http://127.0.0.1:${port + 1}`, `http://127.0.0.1:${port}`);
  } catch (error) {
    console.error(`error: ${error.message}`);
    return 1;
  } finally {
    if (stack.exitCode === null) {
      stop();
      await new Promise((resolve) => stack.once("exit", resolve));
    }
    rmSync(data, { recursive: true, force: true });
  }
}

function startStack(port, data) {
  const [program, ...first] = process.env.XTASK ? [process.env.XTASK] : ["cargo", "xtask"];
  const ready = join(data, "ready");
  const stack = spawn(program, [...first, "dev", "--port", String(port), "--data", data, "--ready-file", ready], {
    cwd: join(web, ".."),
    // Short enough that tokens expire during a test.
    env: { ...process.env, ISSUER_TOKEN_LIFETIME: "20s" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  mkdirSync(join(web, "artifacts"), { recursive: true });
  const log = createWriteStream(join(web, "artifacts/stack.log"));
  stack.stdout.pipe(log);
  stack.stderr.pipe(log);
  stack.on("error", (error) => console.error(`error: ${program}: ${error.message}`));
  return stack;
}

async function isReady(stack, file) {
  for (const deadline = Date.now() + START_MINUTES * 60_000; Date.now() < deadline; await sleep(200)) {
    if (existsSync(file)) return;
    if (stack.exitCode !== null || stack.pid === undefined) break;
  }
  throw new Error("the stack did not start: see web/artifacts/stack.log");
}

/** Finds two consecutive free ports: the first is for the API, the next for the page. */
async function freePorts() {
  for (let port = 20_000 + Math.floor(Math.random() * 10_000); ; port += 2) {
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function runTests(pageUrl, apiUrl) {
  const tests = spawn(join(web, "node_modules/.bin/playwright"), ["test", ...process.argv.slice(2)], {
    cwd: web,
    env: { ...process.env, CHROMIUM: chromium, PAGE_URL: pageUrl, API_URL: apiUrl },
    stdio: "inherit",
  });
  return new Promise((resolve) => tests.once("exit", (code) => resolve(code ?? 1)));
}
