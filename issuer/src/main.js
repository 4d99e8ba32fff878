import { startAuth } from "./auth.js";
import { createIssuer } from "./server.js";
import { readSettings } from "./settings.js";

try {
  const settings = readSettings(process.env);
  const auth = await startAuth(settings);
  const server = createIssuer(auth, settings);
  server.on("error", fail);
  server.listen(settings.port, "127.0.0.1");
} catch (error) {
  fail(error);
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}
