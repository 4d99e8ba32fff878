import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../text";

interface LazyProps<T> {
  readonly load: () => Promise<T>;
  readonly children: (loaded: T) => JSX.Element;
}

/** Loads a part of the page when it is first shown. */
export function Lazy<T>({ load, children }: LazyProps<T>) {
  const state = useSignal<{ readonly loaded: T } | "loading" | "failed">("loading");
  useEffect(() => {
    load().then(
      (loaded) => {
        state.value = { loaded };
      },
      () => {
        state.value = "failed";
      },
    );
  }, [load]);
  const { value } = state;
  if (typeof value === "object") return children(value.loaded);
  return value === "failed" ? <p role="alert">{t().notLoaded}</p> : null;
}
