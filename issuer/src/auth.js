/** Better Auth as a team would set it up for this API, in either of the two ways that the API verifies tokens. */
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { bearer } from "better-auth/plugins/bearer";
import { jwt } from "better-auth/plugins/jwt";
import { SignJWT } from "jose";
import { openDatabase } from "./database.js";

export async function startAuth(settings) {
  const options = {
    appName: "Tasks",
    baseURL: settings.origin,
    secret: settings.secret,
    database: openDatabase(settings.database),
    emailAndPassword: { enabled: true },
    plugins: [jwt(settings.mode === "shared-secret" ? signedWithSecret(settings) : signedWithKeyPair(settings)), bearer()],
    // Browsers send a cookie to every port of a host: with the port in its name, two stacks do not sign each other out.
    advanced: { cookiePrefix: `tasks-${settings.port}` },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { log: logWithoutDetails },
  };
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  const auth = betterAuth(options);
  // The first request for a key makes it, and several first requests at once would make several.
  if (settings.mode === "key-set") await auth.api.getJwks();
  return auth;
}

/** The plugin's default: an Ed25519 key pair, whose public half the API fetches from `/api/auth/jwks`. */
function signedWithKeyPair({ audience, tokenLifetime }) {
  return { jwt: { audience, expirationTime: tokenLifetime } };
}

/**
 * HS256 with the secret that the API has as well. The plugin then has no keys and publishes none.
 *
 * It is not the secret of Better Auth itself, which also signs links and encrypts what is stored: who can read the settings
 * of a function must not be able to do that. The plugin's own header goes into the token, because its type tells
 * kinds of tokens from each other.
 */
function signedWithSecret({ origin, audience, tokenLifetime, tokenSecret }) {
  const key = new TextEncoder().encode(tokenSecret);
  return {
    jwks: { remoteUrl: origin, keyPairConfig: { alg: "EdDSA" } },
    jwt: {
      audience,
      expirationTime: tokenLifetime,
      sign: (payload, header) => new SignJWT(payload).setProtectedHeader({ typ: "JWT", ...header, alg: "HS256" }).sign(key),
    },
  };
}

/**
 * Better Auth passes e-mail addresses and whole errors along: the log gets neither, only what happened. A wrong password is
 * a warning to Better Auth; nobody who runs this needs to hear of it.
 */
function logWithoutDetails(level, message) {
  console.log(JSON.stringify({ level: level === "error" ? "ERROR" : "INFO", message: String(message) }));
}
