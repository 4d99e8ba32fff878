/** A note that changes wait on the device, and why. */

import type { Status } from "daylist-client/sync";
import { useEffect } from "preact/hooks";
import { isOnline, watchConnection } from "../ui/connection";
import { Cloud } from "../ui/icons";
import type { LocalTasks } from "./local-tasks";

export function SyncNote({ tasks }: { readonly tasks: LocalTasks }) {
  useEffect(watchConnection, []);
  const { phase, trouble } = tasks.status.value;
  const why = phase === "signed-out" ? "The server does not accept your sign-in." : troubleText(trouble);
  if (why === "") return null;
  return (
    <div class="note note-offline">
      <Cloud />
      <p>{why} Changes wait on this device.</p>
      {isOnline.value && (
        <button type="button" class="note-action" onClick={() => tasks.sync.resume()}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The problem as a sentence, or an empty string. */
export function troubleText(trouble: Status["trouble"]): string {
  if (!isOnline.value) return "You are offline.";
  return trouble === null ? "" : TROUBLES[trouble];
}

const TROUBLES = {
  api: "The server can’t be reached.",
  issuer: "The sign-in service can’t be reached.",
  busy: "The server is busy right now.",
} as const;
