/** Serves the page's static files as a content delivery network would. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
  ".yaml": "application/yaml; charset=utf-8",
};

const COMPRESSED = new Set([".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".webmanifest", ".yaml"]);

/** Returns the function that responds to a request for a file. */
export function pages({ pages: folder, contract }, fixed) {
  return async function serve(request, response, pathname) {
    const content = fixed[pathname] ?? (await read(pathname === "/openapi.yaml" ? contract : fileIn(folder, pathname)));
    if (content !== undefined) return send(request, response, pathname, content);
    if (!acceptsPage(request, pathname)) return send(request, response, "/404.txt", "Not found\n", 404);
    // The page itself decides what an address without a file means.
    const page = await read(join(folder, "index.html"));
    if (page !== undefined) return send(request, response, "/index.html", page);
    return send(request, response, "/404.txt", "The page is missing: web/ is not built.\n", 404);
  };
}

/** The path of a file, or nothing if the path could leave the folder or names a hidden file. */
function fileIn(folder, pathname) {
  const segments = pathname.split("/").slice(1);
  const isPlain = segments.every((name) => !name.startsWith(".") && !/[\\\0]/.test(name));
  if (!isPlain) return undefined;
  return join(folder, ...segments, pathname.endsWith("/") ? "index.html" : "");
}

async function read(path) {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG"].includes(error.code)) return undefined;
    throw error;
  }
}

function acceptsPage(request, pathname) {
  return extname(pathname) === "" && (request.headers.accept ?? "").includes("text/html");
}

async function send(request, response, pathname, content, status = 200) {
  // Weak, because the same tag stands for the compressed content.
  const etag = `W/"${createHash("sha256").update(content).digest("base64url")}"`;
  response.setHeader("etag", etag);
  // The build puts a content hash into the names of assets.
  const isHashed = status === 200 && pathname.startsWith("/assets/");
  response.setHeader("cache-control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (status === 200 && request.headers["if-none-match"]?.includes(etag)) {
    response.writeHead(304).end();
    return;
  }
  const extension = pathname.endsWith("/") ? ".html" : extname(pathname);
  const type = TYPES[extension] ?? "application/octet-stream";
  if (COMPRESSED.has(extension)) response.setHeader("vary", "accept-encoding");
  const accepted = COMPRESSED.has(extension) ? (request.headers["accept-encoding"] ?? "") : "";
  const encoding = Object.keys(ENCODINGS).find((name) => accepted.split(/[\s,;]+/).includes(name));
  if (encoding) response.setHeader("content-encoding", encoding);
  const body = encoding ? await compressed(etag, encoding, content) : content;
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** The first one that a browser accepts is used. */
const ENCODINGS = {
  br: (content) => promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: promisify(gzip),
};
const kept = new Map();
const KEPT = 50;

/** Compresses each version of a file once. */
async function compressed(etag, encoding, content) {
  const key = `${encoding} ${etag}`;
  const known = kept.get(key);
  if (known) return known;
  const body = await ENCODINGS[encoding](content);
  if (kept.size === KEPT) kept.clear();
  kept.set(key, body);
  return body;
}
