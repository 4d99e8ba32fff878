/** Page and issuer share an origin: cookies need no exception, and the issuer needs no CORS. */
import { createServer } from "node:http";
import { toNodeHandler } from "better-auth/node";
import { pages } from "./pages.js";

export function createIssuer(auth, settings) {
  const handleAuth = toNodeHandler(auth);
  const config = JSON.stringify({ api_url: settings.apiUrl, auth_url: settings.origin });
  const servePage = pages(settings, { "/config.json": config });

  async function answer(request, response) {
    for (const [name, value] of Object.entries(securityHeaders(settings, request.url))) response.setHeader(name, value);
    const pathname = decodedPath(request.url);
    if (pathname === undefined) return response.writeHead(400).end();
    if (pathname === "/api/auth" || pathname.startsWith("/api/auth/")) {
      // Rate limits count by this address, so clients must not choose it. Behind a proxy, use the address from the proxy.
      request.headers["x-forwarded-for"] = request.socket.remoteAddress;
      return handleAuth(request, response);
    }
    if (!["GET", "HEAD"].includes(request.method)) return response.writeHead(405, { allow: "GET, HEAD" }).end();
    // Opened as `localhost`, the page would be on a different site from the issuer.
    if (`http://${request.headers.host}` !== settings.origin) return redirect(response, settings.origin + request.url);
    if (pathname === "/reference") return redirect(response, `${settings.origin}/reference/`);
    return servePage(request, response, pathname);
  }

  return createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(`${request.method} request failed: ${error.code ?? error.name}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });
}

function redirect(response, location) {
  response.writeHead(307, { location }).end();
}

function decodedPath(url) {
  const [path] = url.split("?", 1);
  if (!path.startsWith("/") || path.startsWith("//")) return undefined;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** The reference page uses Swagger UI, which writes its styles into the document. */
function securityHeaders({ apiUrl }, url) {
  const styles = url.startsWith("/reference") ? "'self' 'unsafe-inline'" : "'self'";
  const policy = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": styles,
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "manifest-src": "'self'",
    "connect-src": `'self' ${apiUrl}`,
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
  };
  return {
    "content-security-policy": Object.entries(policy)
      .map((directive) => directive.join(" "))
      .join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
  };
}
