/** Settings that `cargo xtask dev` provides. A missing or invalid one stops the start with a one-line message. */

const MODES = ["key-set", "shared-secret"];

export function readSettings(environment) {
  const required = (name) => {
    const value = environment[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
  };
  const port = Number(required("ISSUER_PORT"));
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error("ISSUER_PORT is not a port");
  const mode = required("ISSUER_MODE");
  if (!MODES.includes(mode)) throw new Error(`ISSUER_MODE must be one of ${MODES.join(", ")}`);
  const tokenLifetime = environment.ISSUER_TOKEN_LIFETIME || "15m";
  if (!/^[1-9]\d{0,6}[smhd]$/.test(tokenLifetime)) {
    throw new Error("ISSUER_TOKEN_LIFETIME must be a number followed by s, m, h, or d, such as 20s");
  }
  const mailUrl = environment.NODE_ENV === "production" ? required("ISSUER_MAIL_URL") : environment.ISSUER_MAIL_URL;
  if (mailUrl && !URL.canParse(mailUrl)) throw new Error("ISSUER_MAIL_URL is not a URL");
  return {
    port,
    mode,
    tokenLifetime,
    mailUrl,
    // A laptop has no mail service, and tests sign up many users. Without ISSUER_MAIL_URL, new users can therefore sign in
    // at once, without limits. Production always verifies addresses and limits attempts; ISSUER_MAIL_URL enables both anywhere.
    isProduction: Boolean(mailUrl),
    // A page on localhost and an issuer on 127.0.0.1 would be two sites: the browser would not send the session cookie.
    origin: `http://127.0.0.1:${port}`,
    apiUrl: required("ISSUER_API_URL"),
    audience: required("ISSUER_AUDIENCE"),
    secret: required("ISSUER_SECRET"),
    tokenSecret: required("ISSUER_TOKEN_SECRET"),
    database: required("ISSUER_DATABASE"),
    pages: required("ISSUER_PAGES"),
    contract: required("ISSUER_CONTRACT"),
  };
}
