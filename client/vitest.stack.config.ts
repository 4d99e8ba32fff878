import { defineConfig } from "vitest/config";

// One stack: what runs beside the rest would only wait for it.
export default defineConfig({
  test: { include: ["test/stack/*.test.ts"], fileParallelism: false, testTimeout: 30_000 },
});
