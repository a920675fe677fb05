/**
 * What is left of guests on a host, or should not be there: second processes, processes without a directory,
 * sockets and pid files of none. Found in the kernel's process table and in the state directory, without
 * asking the actors, the driver or any QEMU. Changes nothing.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isToken } from "../../../protocol/wire/subjects.ts";
import { exists, guestFiles, type StateDirectories } from "../guest-directory.ts";
import { type FoundProcess, findGuests } from "./guest-process.ts";

export async function findStrays(directories: StateDirectories): Promise<readonly string[]> {
  const before = await findGuests(directories);
  const strayFiles = await findStrayFiles(directories, before);
  // A second look: processes that started or ended in between are no findings.
  const after = await findGuests(directories);
  const living = new Set(after.map((one) => one.tag.instanceId));
  return [
    ...after.filter((one) => !one.hasDirectory).map(withoutDirectory),
    ...doubles(after),
    ...strayFiles.filter(({ instanceId }) => !living.has(instanceId)).map(({ what }) => what),
  ];
}

const withoutDirectory = (one: FoundProcess): string =>
  `The process ${one.pid} of instance ${one.tag.instanceId} has no directory.`;

function doubles(found: readonly FoundProcess[]): readonly string[] {
  const seen = new Set<string>();
  return found.flatMap((one) => {
    if (!seen.has(one.tag.instanceId)) {
      seen.add(one.tag.instanceId);
      return [];
    }
    return [`The process ${one.pid} is a second one of instance ${one.tag.instanceId}.`];
  });
}

interface Stray {
  readonly instanceId: string;
  readonly what: string;
}

const liveFiles = [
  ...[guestFiles.pid, guestFiles.qmp, guestFiles.qmpDebug, guestFiles.consoleSocket, guestFiles.agent],
];

/** Sockets and pid files whose process is gone. */
async function findStrayFiles(
  directories: StateDirectories,
  living: readonly FoundProcess[],
): Promise<readonly Stray[]> {
  const alive = new Set(living.map((one) => one.tag.instanceId));
  const strays: Stray[] = [];
  for (const instanceId of (await readdir(directories.guests)).filter(isToken)) {
    if (alive.has(instanceId)) continue;
    for (const name of liveFiles) {
      if (!(await exists(join(directories.guests, instanceId, name)))) continue;
      strays.push({ instanceId, what: `The file ${name} of instance ${instanceId} belongs to no process.` });
    }
  }
  return strays;
}
