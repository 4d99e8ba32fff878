/** TypeScript does not know it yet, and not every browser has it: https://html.spec.whatwg.org/#the-closewatcher-interface. */
declare class CloseWatcher extends EventTarget {
  destroy(): void;
}

/** Calls the listener when the user asks the browser to close what was opened last. Returns a function that ends that. */
export function onCloseRequest(listener: () => void): () => void {
  if (!("CloseWatcher" in globalThis)) return () => {};
  const watcher = new CloseWatcher();
  watcher.addEventListener("close", listener);
  return () => watcher.destroy();
}
