/** Shows the page and the browser's bar in a theme, which may be any text that was stored. */
export function showTheme(theme: string): void {
  document.documentElement.dataset.theme = theme;
  for (const color of document.querySelectorAll<HTMLMetaElement>("meta[data-scheme]")) {
    const { scheme = "" } = color.dataset;
    const isChosen = theme === "light" || theme === "dark";
    color.media = !isChosen ? `(prefers-color-scheme: ${scheme})` : scheme === theme ? "all" : "not all";
  }
}
