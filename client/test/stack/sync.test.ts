import { describe } from "vitest";
import { convergenceSuite } from "../suites/convergence.js";
import { rxdbSuite } from "../suites/rxdb.js";
import { syncSuite } from "../suites/sync.js";
import { tanstackSuite } from "../suites/tanstack-db.js";
import { stack } from "./backend.js";

describe("sync, with the real stack", () => syncSuite(stack));
describe("a collection of TanStack DB, with the real stack", () => tanstackSuite(stack));
describe("a collection of RxDB, with the real stack", () => rxdbSuite(stack));
describe("a random schedule, with the real stack", () => convergenceSuite(stack, 50, 60_000));
