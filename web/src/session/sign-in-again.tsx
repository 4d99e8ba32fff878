import { useSignal } from "@preact/signals";
import { t } from "../text";
import { Dialog } from "../ui/dialog";
import { AccountForm } from "./account-form";
import type { User } from "./issuer";
import type { Session } from "./session";

/** A dialog for an ended session. The page stays behind it, and work continues afterwards. */
export function SignInAgain({ session, user }: { readonly session: Session; readonly user: User }) {
  const words = t();
  const email = useSignal(user.email);
  return (
    <Dialog title={words.signInAgain}>
      <p class="dialog-text">{words.sessionEnded}</p>
      <AccountForm purpose="sign-in" email={email} isFixed onSubmit={(account) => session.signIn(account)} />
      <p class="welcome-switch">
        {words.notYou(user.name)}{" "}
        <button type="button" class="text-button" onClick={() => session.leaveEnded()}>
          {words.leaveAndDrop}
        </button>
      </p>
    </Dialog>
  );
}
