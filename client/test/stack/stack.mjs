// Brings up the whole product on free ports, for tests, and takes it down again.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("../../..", import.meta.url));
const START_MINUTES = 10;

/**
 * Runs the tests against a stack of their own, with empty tables. They get the URLs of the API and of the page, and the folder
 * with the stack's data. The file `pid` there has the stack's process id: if a test kills it with SIGKILL, it is started again.
 * Gives the status to exit with.
 */
export async function withStack({ log, options = [], env = {} }, tests) {
  const data = mkdtempSync(join(tmpdir(), "task-stack-"));
  const port = await freePorts();
  mkdirSync(dirname(log), { recursive: true });
  const file = createWriteStream(log);
  let stack;
  const launch = () => {
    stack = start(port, data, file, options, env);
    stack.once("exit", (_, signal) => signal === "SIGKILL" && launch());
    writeFileSync(join(data, "pid"), String(stack.pid));
  };
  launch();
  const stop = () => stack.kill("SIGINT");
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await isReady(stack, join(data, "ready"), log);
    return await tests({ apiUrl: `http://127.0.0.1:${port}`, pageUrl: `http://127.0.0.1:${port + 1}`, data });
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

/** Runs a program to its end. Gives its status. */
export function run(program, args, { cwd, env }) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" });
  return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}

function start(port, data, file, options, env) {
  const [program, ...first] = process.env.XTASK ? [process.env.XTASK] : ["cargo", "xtask"];
  const common = ["--port", String(port), "--data", data, "--ready-file", join(data, "ready")];
  const stack = spawn(program, [...first, "dev", ...common, ...options], {
    cwd: project,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  stack.stdout.pipe(file, { end: false });
  stack.stderr.pipe(file, { end: false });
  stack.on("error", (error) => console.error(`error: ${program}: ${error.message}`));
  return stack;
}

async function isReady(stack, file, log) {
  for (const deadline = Date.now() + START_MINUTES * 60_000; Date.now() < deadline; await sleep(200)) {
    if (existsSync(file)) return;
    if (stack.exitCode !== null || stack.pid === undefined) break;
  }
  throw new Error(`the stack did not start: see ${log}`);
}

/** The API has a port, and the page the next one. */
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
