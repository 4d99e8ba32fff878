/** The last user and the service URLs, stored so that the page can start offline. Contains no secret. */
import type { Settings } from "../settings";
import type { User } from "./issuer";

const USER = "user";
const SETTINGS = "settings";

export function rememberUser({ id, name, email }: User): void {
  localStorage.setItem(USER, JSON.stringify({ id, name, email }));
}

export function rememberedUser(): User | null {
  return JSON.parse(localStorage.getItem(USER) ?? "null");
}

export function forgetUser(): void {
  localStorage.removeItem(USER);
}

export function rememberSettings(settings: Settings): void {
  localStorage.setItem(SETTINGS, JSON.stringify(settings));
}

export function rememberedSettings(): Settings | null {
  return JSON.parse(localStorage.getItem(SETTINGS) ?? "null");
}
