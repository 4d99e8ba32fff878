import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

const pages = ["index.html", "reference/index.html"].filter((page) => existsSync(page));

export default defineConfig({
  // Relative addresses: the files work at the root of a site and in any folder of it.
  base: "./",
  build: {
    target: "es2022",
    rolldownOptions: { input: pages },
  },
  test: { include: ["src/**/*.test.ts"] },
});
