/** Whose tasks are on this device and where the services are: enough to begin without a network. No secret is among it. */
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
