import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defaultClientConditions, defaultServerConditions } from "vite";
import { VitePWA } from "vite-plugin-pwa";
import { defineConfig } from "vitest/config";

const pages = { page: "index.html", reference: "reference/index.html" };

/** The contract, beside the pages that are built and that are worked on. */
const contract: Plugin = {
  name: "contract",
  configureServer(server) {
    server.middlewares.use("/openapi.yaml", (_, response) => {
      response.setHeader("content-type", "application/yaml; charset=utf-8");
      response.end(readFileSync("../openapi.yaml"));
    });
  },
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "openapi.yaml", source: readFileSync("../openapi.yaml") });
  },
};

/**
 * The document runs `src/boot.ts`, a file of its own, as soon as that is here, and preloads the settings for it. Everything else of
 * the page is preloaded and runs later.
 */
const boot: Plugin = {
  name: "boot",
  transformIndexHtml: {
    order: "post",
    handler(html, { bundle = {} }) {
      const file = Object.values(bundle).find((chunk) => chunk.type === "chunk" && chunk.name === "boot")?.fileName;
      if (!file || !html.includes(file)) return html;
      const preload = '<link rel="preload" as="fetch" crossorigin href="./config.json">';
      const script = `<script type="module" async crossorigin src="./${file}"></script>`;
      return html
        .replace(/ *<link rel="modulepreload"[^>]*boot-[^>]*>\n/u, "")
        .replace("<title>", `${preload}\n    ${script}\n    <title>`);
    },
  },
};

/**
 * Lets Chromium compile the page's functions beside the download, instead of one by one when they are called. It takes 4 % of the time to
 * the first picture. https://explainers-by-googlers.github.io/explicit-javascript-compile-hints-file-based/
 */
const compileAhead: Plugin = {
  name: "compile-ahead",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === "chunk" && chunk.name === "page") chunk.code = `//# allFunctionsCalledOnLoad\n${chunk.code}`;
      }
    },
  },
};

/** The service worker: it keeps the files of the page, and nothing else. Requests to the API and the issuer never pass it. */
const offline = VitePWA({
  registerType: "prompt",
  injectRegister: false,
  manifest: false,
  workbox: {
    globPatterns: ["index.html", "manifest.webmanifest", "*.{svg,png}", "assets/*.{js,css,woff2}"],
    globIgnores: ["assets/reference-*"],
    navigateFallback: null,
    inlineWorkboxRuntime: true,
  },
});

export default defineConfig({
  plugins: [contract, boot, compileAhead, offline],
  // The client as it is in the project, without a build of its own.
  resolve: { conditions: ["daylist-client-source", ...defaultClientConditions] },
  ssr: { resolve: { conditions: ["daylist-client-source", ...defaultServerConditions] } },
  // Relative addresses: the files work at the root of a site and in any folder of it.
  base: "./",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: pages,
      output: {
        codeSplitting: {
          groups: [{ name: "boot", test: /src\/(boot|early|settings|theme|session\/remembered)\.ts$/u }],
        },
      },
    },
    // The reference page is large, but only its readers load it. `scripts/bundle-budget.mjs` limits the main page.
    chunkSizeWarningLimit: 2_000,
  },
  test: { include: ["src/**/*.test.ts"] },
});
