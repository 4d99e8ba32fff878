import { defineConfig } from "@playwright/test";

const { CHROMIUM = "/usr/bin/chromium", PAGE_URL = "http://127.0.0.1:9001" } = process.env;

const OWN_RUN = ["crashes.spec.ts", "figures.spec.ts"];

export default defineConfig({
  testDir: "e2e",
  outputDir: "artifacts/results",
  fullyParallel: true,
  forbidOnly: true,
  workers: 3,
  projects: [
    { name: "waits", testIgnore: OWN_RUN, grep: /@waits/ },
    { name: "page", testIgnore: OWN_RUN, grepInvert: /@waits/ },
    { name: "crashes", testMatch: "crashes.spec.ts" },
    { name: "figures", testMatch: "figures.spec.ts" },
  ],
  reporter: [["list"]],
  timeout: 90_000,
  expect: { timeout: 10_000 },
  use: {
    baseURL: PAGE_URL,
    // It would answer before the routes of a test. Tests of the service worker allow it.
    serviceWorkers: "block",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: CHROMIUM,
      chromiumSandbox: false,
      args: [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
