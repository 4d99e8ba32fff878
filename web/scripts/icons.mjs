// Draws the icons of the manifest from icon.svg.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const folder = new URL("../public/", import.meta.url);
const icon = readFileSync(new URL("icon.svg", folder), "utf8");
// Platforms cut a maskable icon, and iOS rounds its own: the ground fills them, and the rest keeps clear of the edges.
const full = icon.replace('rx="8" ', "");
const browser = await chromium.launch({
  args: ["--no-sandbox"],
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
});
for (const [name, size, source] of [
  ["icon-192", 192, icon],
  ["icon-512", 512, icon],
  ["icon-maskable", 512, full],
  ["apple-touch-icon", 180, full],
]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${source}`);
  await page.screenshot({ path: fileURLToPath(new URL(`${name}.png`, folder)), omitBackground: true });
  await page.close();
}
await browser.close();
