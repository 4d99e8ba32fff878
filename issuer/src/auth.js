/**
 * Better Auth as a team would set it up for this API, in either of the two ways that the API verifies tokens.
 *
 * There is no `bearer()` among the plugins: with it, a script on the page could read the session token out of
 * `/get-session` and use it from anywhere for seven days. Without it a session is its `HttpOnly` cookie and nothing else.
 */
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { jwt } from "better-auth/plugins/jwt";
import { SignJWT } from "jose";
import { openDatabase } from "./database.js";
import { sendMail } from "./mail.js";

export async function startAuth(settings) {
  const options = {
    appName: "Tasks",
    baseURL: settings.origin,
    secret: settings.secret,
    database: openDatabase(settings.database),
    emailAndPassword: { enabled: true, requireEmailVerification: settings.isProduction },
    ...(settings.isProduction && { emailVerification: verificationBy(settings.mailUrl) }),
    plugins: [jwt(settings.mode === "shared-secret" ? signedWithSecret(settings) : signedWithKeyPair(settings))],
    // Browsers send a cookie to every port of a host: with the port in its name, two stacks do not sign each other out.
    advanced: { cookiePrefix: `tasks-${settings.port}` },
    // Better Auth's own limits, by client address: 3 attempts to sign in in 10 seconds, and 100 of most other requests.
    // Every cold start of a function reads the keys, and all of them may come from one address.
    rateLimit: { enabled: settings.isProduction, customRules: { "/jwks": { window: 10, max: 1000 } } },
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

/**
 * Nothing but what the plugin adds, which is all that the API reads: `sub`, `iss`, `aud`, `iat` and `exp`. By default the
 * whole user would be in the token, and a picture as a data URL makes it longer than API Gateway lets through.
 */
const definePayload = () => ({});

/** Nobody signs in with an address that has not been shown to be theirs. A lost mail is sent again at the next sign-in. */
function verificationBy(mailUrl) {
  return {
    sendOnSignUp: true,
    sendOnSignIn: true,
    // Not awaited: the time of the answer would tell whether there is such a user.
    sendVerificationEmail: async ({ user, url }) => {
      const text = `Open this link to confirm your e-mail address:\n\n${url}\n`;
      sendMail(mailUrl, { to: user.email, subject: "Confirm your e-mail address", text });
    },
  };
}

/** The plugin's default: an Ed25519 key pair, whose public half the API fetches from `/api/auth/jwks`. */
function signedWithKeyPair({ audience, tokenLifetime }) {
  return { jwt: { audience, expirationTime: tokenLifetime, definePayload } };
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
      definePayload,
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
