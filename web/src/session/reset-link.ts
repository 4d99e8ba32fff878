/** The link for a new password, from a mail. */
export interface ResetLink {
  /** Null for a link that does not work any more: the issuer leads to the page from one that was used, or is too old, as well. */
  readonly token: string | null;
}

/** The link that the user has followed to the page. Neither the history nor a screenshot needs its token. */
export function takeLink(): ResetLink | null {
  const parameters = new URLSearchParams(location.search);
  const token = parameters.get("token");
  if (token === null && parameters.get("error") !== "INVALID_TOKEN") return null;
  history.replaceState(null, "", location.pathname + location.hash);
  return { token };
}
