/**
 * Better Auth as a team would set it up for this API, for either way in which the API verifies tokens.
 *
 * The plugin `bearer()` is left out on purpose: with it, a script on the page could read the session token from
 * `/get-session` and use it from anywhere for seven days. Without it, only the `HttpOnly` cookie carries the session.
 */
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { jwt } from "better-auth/plugins/jwt";
import { SignJWT } from "jose";
import { openDatabase } from "./database.js";
import { eraseTasks } from "./erase.js";
import { sendMail } from "./mail.js";

export async function startAuth(settings) {
  const options = {
    appName: "Daylist",
    baseURL: settings.origin,
    secret: settings.secret,
    database: openDatabase(settings.database),
    emailAndPassword: {
      enabled: true,
      requireEmailVerification: settings.isProduction,
      revokeSessionsOnPasswordReset: true,
      // Not awaited, for the reason given below.
      sendResetPassword: async ({ user, url }) => {
        const text = `Open this link to choose a new password:\n\n${url}\n\nIf you did not ask for it, ignore this message.\n`;
        sendMail(settings.mailUrl, { to: user.email, subject: "Choose a new password", text });
      },
    },
    ...(settings.isProduction && { emailVerification: verificationBy(settings.mailUrl) }),
    user: {
      deleteUser: {
        enabled: true,
        beforeDelete: async ({ id }) => {
          const { token } = await auth.api.signJWT({ body: { payload: { sub: id } } });
          await eraseTasks(settings.apiUrl, id, token);
        },
      },
    },
    plugins: [jwt(settings.mode === "shared-secret" ? signedWithSecret(settings) : signedWithKeyPair(settings))],
    // Browsers send cookies to every port of a host. With the port in its name, two stacks do not sign each other out.
    advanced: { cookiePrefix: `tasks-${settings.port}` },
    // Better Auth's own limits per client address in 10 seconds: 3 attempts to sign in, 100 of most other requests.
    // Every cold start of a function fetches the keys, and all of them may come from one address.
    rateLimit: { enabled: settings.isProduction, customRules: { "/jwks": { window: 10, max: 1000 } } },
    telemetry: { enabled: false },
    logger: { log: logWithoutDetails },
  };
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  const auth = betterAuth(options);
  // The first request for the keys creates one. Several first requests at once would create several.
  if (settings.mode === "key-set") await auth.api.getJwks();
  return auth;
}

/**
 * No claims beyond those that the plugin adds, which are all that the API reads: `sub`, `iss`, `aud`, `iat`, and `exp`. By
 * default the token contains the whole user, and a picture as a data URL makes it longer than API Gateway allows.
 */
const definePayload = () => ({});

/** Users verify their address before they can sign in. If the mail is lost, the next sign-in sends another one. */
function verificationBy(mailUrl) {
  return {
    sendOnSignUp: true,
    sendOnSignIn: true,
    // Not awaited: the response time would reveal whether the user exists.
    sendVerificationEmail: async ({ user, url }) => {
      const text = `Open this link to confirm your email address:\n\n${url}\n`;
      sendMail(mailUrl, { to: user.email, subject: "Confirm your email address", text });
    },
  };
}

/** The plugin's default: an Ed25519 key pair. The API fetches its public key from `/api/auth/jwks`. */
function signedWithKeyPair({ audience, tokenLifetime }) {
  return { jwt: { audience, expirationTime: tokenLifetime, definePayload } };
}

/**
 * HS256 with a secret that the API shares. The plugin then has no keys and publishes none.
 *
 * Use a separate secret. Better Auth's own secret also signs links and encrypts stored data, which nobody should be able
 * to do with a function's settings. Keep the header that the plugin passes: its `typ` distinguishes kinds of tokens.
 */
function signedWithSecret({ origin, audience, tokenLifetime, tokenSecret }) {
  const key = new TextEncoder().encode(tokenSecret);
  return {
    jwks: { remoteUrl: origin, keyPairConfig: { alg: "EdDSA" } },
    jwt: {
      audience,
      expirationTime: tokenLifetime,
      definePayload,
      sign: (payload, header) =>
        new SignJWT(payload).setProtectedHeader({ typ: "JWT", ...header, alg: "HS256" }).sign(key),
    },
  };
}

/**
 * Better Auth passes email addresses and whole errors. The log gets neither, only the message. A wrong password is a
 * warning to Better Auth, but no reason to alert an operator.
 */
function logWithoutDetails(level, message) {
  console.log(JSON.stringify({ level: level === "error" ? "ERROR" : "INFO", message: String(message) }));
}
