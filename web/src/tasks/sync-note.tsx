/** A note that changes wait on the device, and why. */

import type { Status } from "daylist-client/sync";
import { useEffect } from "preact/hooks";
import { t } from "../text";
import { isOnline, watchConnection } from "../ui/connection";
import { Cloud } from "../ui/icons";
import type { LocalTasks } from "./local-tasks";

export function SyncNote({ tasks }: { readonly tasks: LocalTasks }) {
  useEffect(watchConnection, []);
  const { phase, trouble } = tasks.status.value;
  const why = phase === "signed-out" ? t().signInNotAccepted : troubleText(trouble);
  if (why === "") return null;
  return (
    <div class="note note-offline">
      <Cloud />
      <p>
        {why} {t().changesWait}
      </p>
      {isOnline.value && (
        <button type="button" class="note-action" onClick={() => tasks.sync.resume()}>
          {t().tryAgain}
        </button>
      )}
    </div>
  );
}

/** The problem as a sentence, or an empty string. */
export function troubleText(trouble: Status["trouble"]): string {
  if (!isOnline.value) return t().offline;
  return trouble === null ? "" : t().troubles[trouble];
}
