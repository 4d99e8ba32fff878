import { signal } from "@preact/signals";

export const online = signal(true);

export function watchConnection(): () => void {
  const read = () => {
    online.value = navigator.onLine;
  };
  read();
  addEventListener("online", read);
  addEventListener("offline", read);
  return () => {
    removeEventListener("online", read);
    removeEventListener("offline", read);
  };
}
