/** Erases what the API stores of a user. Runs before the account is deleted: nobody could ask for it afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { APIError } from "better-auth/api";

/** One request erases about two thousand tasks. */
const MAX_REQUESTS = 200;
const MAX_FAILURES = 3;

/** `token` is one of the user's. Fails with 503 unless everything is erased, which stops the deletion; it can be repeated. */
export async function eraseTasks(apiUrl, userId, token) {
  const url = `${apiUrl}/api/${encodeURIComponent(userId)}/tasks`;
  const headers = { authorization: `Bearer ${token}`, "confirm-erase": userId };
  let failures = 0;
  for (let requests = 0; requests < MAX_REQUESTS && failures < MAX_FAILURES; requests++) {
    const { status, body } = await erase(url, headers);
    if (status === 200 && !body.has_more) return;
    if (status === 200) continue;
    failures += 1;
    console.error(`cannot erase tasks: status ${status}`);
    await sleep(1000);
  }
  throw new APIError("SERVICE_UNAVAILABLE", {
    code: "TASKS_NOT_ERASED",
    message: "The tasks could not be erased. Try again.",
  });
}

async function erase(url, headers) {
  try {
    const response = await fetch(url, {
      method: "DELETE",
      headers,
      redirect: "error",
      signal: AbortSignal.timeout(15_000),
    });
    return { status: response.status, body: await response.json() };
  } catch (error) {
    return { status: error.cause?.code ?? error.name };
  }
}
