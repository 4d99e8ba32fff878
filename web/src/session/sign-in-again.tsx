import { useSignal } from "@preact/signals";
import { Dialog } from "../ui/dialog";
import { AccountForm } from "./account-form";
import type { User } from "./issuer";
import type { Session } from "./session";

/** A dialog for an ended session. The page stays behind it, and work continues afterwards. */
export function SignInAgain({ session, user }: { readonly session: Session; readonly user: User }) {
  const email = useSignal(user.email);
  return (
    <Dialog title="Please sign in again">
      <p class="dialog-text">Your session has ended. Nothing is lost: your work continues after you sign in.</p>
      <AccountForm purpose="sign-in" email={email} isFixed onSubmit={(account) => session.signIn(account)} />
      <p class="welcome-switch">
        Not {user.name}?{" "}
        <button type="button" class="text-button" onClick={() => session.leaveEnded()}>
          Leave and drop unsaved changes
        </button>
      </p>
    </Dialog>
  );
}
