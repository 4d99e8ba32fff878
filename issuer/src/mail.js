/** Mail through whatever takes a message as JSON by HTTP, as the services for mail do. */

/** Sends a message in the background. A failure is only logged, and without the address. */
export function sendMail(url, message) {
  const body = JSON.stringify(message);
  const request = { method: "POST", headers: { "content-type": "application/json" }, body, redirect: "error" };
  fetch(url, { ...request, signal: AbortSignal.timeout(10_000) }).then(
    (response) => response.ok || console.error(`mail cannot be sent: status ${response.status}`),
    (error) => console.error(`mail cannot be sent: ${error.cause?.code ?? error.name}`),
  );
}
