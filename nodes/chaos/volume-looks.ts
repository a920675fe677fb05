/**
 * Which volumes the processes of guests have open, as the kernel says: by the names of their open files, seen
 * beside their agents. It changes nothing, and opens no volume itself.
 */
import { readdir, readlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { VolumesLook } from "../../actors/promises/host-look.ts";
import { volumeIn } from "../drivers/volumes/names.ts";
import type { GuestParty } from "./parties.ts";

/** Name of the file of a volume in its directory (drivers/volumes/directory.ts). */
export const dataFile = "data.raw";

/** `parties`: the guests as they were seen a moment ago. */
export async function lookAtVolumes(
  parties: readonly GuestParty[],
  openOf: (pid: number) => Promise<readonly string[]> = openFiles,
): Promise<VolumesLook> {
  const atMs = Date.now();
  const guests = parties.filter(({ process }) => process.state !== "T");
  const open: VolumesLook["open"][number][] = [];
  for (const { hostId, instanceId, process } of guests)
    for (const volumeId of volumesIn(await openOf(process.pid)))
      open.push({ hostId, instanceId, pid: process.pid, volumeId });
  return { kind: "volumesLook", atMs, untilMs: Date.now(), open };
}

/** A volume whose directory has another name by now is open all the same. */
function volumesIn(paths: readonly string[]): ReadonlySet<string> {
  const names = paths
    .filter((path) => basename(path) === dataFile)
    .map((path) => dirname(path))
    .map((directory) => volumeIn(basename(dirname(directory)), basename(directory)));
  return new Set(names.flatMap((found) => found?.volumeId ?? []));
}

/** Nothing of a process that has just ended. */
async function openFiles(pid: number): Promise<readonly string[]> {
  const directory = join("/proc", String(pid), "fd");
  const names = await readdir(directory).catch(() => []);
  const paths = await Promise.all(names.map((name) => readlink(join(directory, name)).catch(() => "")));
  return paths.map((path) => path.replace(/ \(deleted\)$/, ""));
}
