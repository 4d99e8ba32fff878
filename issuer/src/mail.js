/** Sends mail through any service that accepts a message as JSON over HTTP. */

/**
 * Sends a message in the background. A failure is only logged, without the address. Without a service, as on a laptop, the message
 * is printed: production requires one.
 */
export function sendMail(url, message) {
  if (!url) {
    console.log(`Mail: ${message.subject}\n${message.text}`);
    return;
  }
  const body = JSON.stringify(message);
  const request = { method: "POST", headers: { "content-type": "application/json" }, body, redirect: "error" };
  fetch(url, { ...request, signal: AbortSignal.timeout(10_000) }).then(
    (response) => response.ok || console.error(`cannot send mail: status ${response.status}`),
    (error) => console.error(`cannot send mail: ${error.cause?.code ?? error.name}`),
  );
}
