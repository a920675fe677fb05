/** Where a cluster keeps everything when its configuration does not say. It only looks, and makes nothing. */
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** The path, or the nearest directory above it that is there. */
export const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(path)));

/**
 * `.novact` beside the configuration. But PostgreSQL and the guests run as other users than root and must be
 * able to reach the directory: when root's checkout lies in a closed directory (such as /root), the state
 * directory is one in /var/lib instead.
 */
export function defaultStateDirectory(beside: string): string {
  const near = join(beside, ".novact");
  if (process.getuid?.() !== 0 || isOpen(beside)) return near;
  const digest = createHash("sha256").update(beside).digest("hex").slice(0, 8);
  return join("/var/lib/novact", `${basename(beside)}-${digest}`);
}

/** True when every user may pass through the directory and all directories above it. */
function isOpen(directory: string): boolean {
  const open = ((statSync(existing(directory)).mode ?? 0) & 0o001) !== 0;
  return open && (directory === "/" || isOpen(dirname(directory)));
}
