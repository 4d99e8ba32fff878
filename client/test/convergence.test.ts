import { describe } from "vitest";
import { inMemory } from "./device.js";
import { Server } from "./server.js";
import { convergenceSuite } from "./suites/convergence.js";

describe("a random schedule, with the API in memory", () => {
  convergenceSuite(() => inMemory(new Server()), 200, 20_000);
});

describe("a random schedule, with tiny pages", () => {
  const tiny = () => {
    const server = new Server();
    server.pageLimit = 2;
    return inMemory(server);
  };
  convergenceSuite(tiny, 100, 20_000);
});
