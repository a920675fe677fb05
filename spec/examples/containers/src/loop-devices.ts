/**
 * Which files are in use as loop devices: the end of a mount is seen here last. The kernel names files
 * without the links that lead to them, and marks those whose names were removed while they are in use.
 */
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isMissing } from "./guest-files.ts";

export function isAttached(file: string): boolean {
  const wanted = withoutLinks(file);
  const devices = readdirSync("/sys/block").filter((name) => name.startsWith("loop"));
  return devices.some((name) => [wanted, `${wanted} (deleted)`].includes(backing(name) ?? ""));
}

function withoutLinks(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
    // The file, or its directory as well, is gone; a device may have it still.
    return dirname(file) === file ? file : join(withoutLinks(dirname(file)), basename(file));
  }
}

function backing(name: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").trimEnd();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // ENXIO: it was let go of meanwhile.
    if (isMissing(error) || code === "ENXIO" || code === "ENODEV") return undefined;
    throw error;
  }
}
