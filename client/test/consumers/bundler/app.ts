/** A page that a bundler makes, with every entry point. */
import { createCollection } from "@tanstack/db";
import { TaskApi } from "daylist-client";
import { indexedDbStore } from "daylist-client/indexeddb";
import { TaskSync } from "daylist-client/sync";
import { newTask, taskCollectionOptions } from "daylist-client/tanstack-db";

const api = new TaskApi({ apiUrl: "https://api.example.com", authUrl: "https://auth.example.com", userId: "ada" });
const sync = new TaskSync({ api, store: indexedDbStore("ada"), onRefused: () => ({ do: "drop" }) });
export const tasks = createCollection(taskCollectionOptions({ sync }));
tasks.insert(newTask({ title: "Buy milk" }));
