/** A program in Node without the types of the DOM. */
import { Problem, type Task, TaskApi } from "daylist-client";
import { memoryStore, TaskSync } from "daylist-client/sync";

export async function titles(token: string): Promise<string[]> {
  const api = new TaskApi({ apiUrl: "https://api.example.com", userId: "ada", getToken: async () => token });
  const sync = new TaskSync({ api, store: memoryStore(), triggers: null });
  await sync.refresh();
  const tasks: Task[] = [...sync.tasks.values()];
  for await (const task of api.eachTask({ status: "open" }, { signal: AbortSignal.timeout(1_000) })) tasks.push(task);
  await api.updateTask({ id: "…", version: 3 }, { due: null }).catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === "version_mismatch")) throw error;
  });
  return tasks.map(({ title }) => title);
}
