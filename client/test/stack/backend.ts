/** The real stack, whose tokens are signed here, so that each test has a user of its own. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "../device.js";

const { API_URL: apiUrl = "", DATA: data = "" } = process.env;

let people = 0;

export function stack(): Backend {
  const secret = readFileSync(join(data, "secret"), "utf8");
  return {
    apiUrl,
    fetch: (input, init) => fetch(input, init),
    async newPerson() {
      people += 1;
      const id = `person-${process.pid}-${people}`;
      return { id, getToken: async () => token(secret, id) };
    },
  };
}

/** As the stack's own tokens for development: HS256, with the issuer and the audience that `cargo xtask dev` sets. */
function token(secret: string, sub: string): string {
  const iat = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub, iat, exp: iat + 900, iss: "cargo-xtask-dev", aud: "task-api" };
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}
