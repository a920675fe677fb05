/**
 * The processes and files that are really on a host: found in the kernel's process table and in the state
 * directory, without asking the actors, the driver or any QEMU. Changes nothing.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Disks } from "../../../actors/ports/disks.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";
import { isTemporaryName } from "../durable-file.ts";
import { exists, guestFiles, type StateDirectories } from "../guest-directory.ts";
import type { AuditFindings } from "../kinds.ts";
import { type FoundProcess, findGuests } from "./guest-process.ts";

export async function auditFiles(directories: StateDirectories, disks: Disks): Promise<AuditFindings> {
  const before = await findGuests(directories);
  const directoriesFound = await disks.list();
  const strayFiles = await findStrayFiles(directories, directoriesFound, before);
  // A second look: processes that started or ended in between are no findings.
  const after = await findGuests(directories);
  const living = new Set(after.map((one) => one.tag.instanceId));
  return {
    processes: after.map((one) => ({
      instanceId: one.tag.instanceId,
      pid: one.pid,
      status: one.state === "T" || one.state === "t" ? "stopped" : "running",
    })),
    directories: directoriesFound,
    strays: [
      ...after.filter((one) => !one.hasDirectory).map(withoutDirectory),
      ...doubles(after),
      ...strayFiles.filter(({ instanceId }) => !living.has(instanceId)).map(({ what }) => what),
      ...(await findForeignNames(directories)),
    ],
  };
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

const liveFiles = [guestFiles.pid, guestFiles.qmp, guestFiles.qmpDebug, guestFiles.consoleSocket];

/** Sockets and pid files whose process is gone. */
async function findStrayFiles(
  directories: StateDirectories,
  listed: AuditFindings["directories"],
  living: readonly FoundProcess[],
): Promise<readonly Stray[]> {
  const alive = new Set(living.map((one) => one.tag.instanceId));
  const strays: Stray[] = [];
  for (const { instanceId } of listed) {
    if (alive.has(instanceId)) continue;
    for (const name of liveFiles) {
      if (!(await exists(join(directories.guests, instanceId, name)))) continue;
      strays.push({ instanceId, what: `The file ${name} of instance ${instanceId} belongs to no process.` });
    }
  }
  return strays;
}

/**
 * Names in the state directory that this driver never gives. Temporary names belong to work that is under
 * way.
 */
async function findForeignNames(directories: StateDirectories): Promise<readonly string[]> {
  const guests = await readdir(directories.guests);
  const images = await readdir(directories.images);
  return [
    ...guests.filter((name) => !isToken(name)).map((name) => `guests/${name} belongs to no instance.`),
    ...images
      .filter((name) => !/^[0-9a-f]{64}$/.test(name) && !isTemporaryName(name))
      .map((name) => `images/${name} is no image.`),
  ];
}
