import { signal } from "@preact/signals";

export const isOnline = signal(true);

export function watchConnection(): () => void {
  const read = () => {
    isOnline.value = navigator.onLine;
  };
  read();
  addEventListener("online", read);
  addEventListener("offline", read);
  return () => {
    removeEventListener("online", read);
    removeEventListener("offline", read);
  };
}
