import { describe } from "vitest";
import { inMemory } from "./device.js";
import { Server } from "./server.js";
import { syncSuite } from "./suites/sync.js";

describe("sync, with the API in memory", () => syncSuite(() => inMemory(new Server())));
