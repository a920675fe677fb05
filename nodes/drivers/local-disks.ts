/**
 * A guest's ephemeral disk and swap disk: raw files beside its root disk, made and formatted once. This file
 * must never touch one that is there, which holds a guest's data.
 */
import { existsSync } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { isMissing, syncDirectory, temporaryName } from "./durable-file.ts";
import { exists, guestFiles } from "./guest-directory.ts";
import { guestUser } from "./guest-user.ts";
import { driverLimits } from "./limits.ts";
import { giveToGuest } from "./overlay.ts";
import { runTool, toolEnvironment } from "./tool.ts";

const [mib, gib] = [1024 ** 2, 1024 ** 3];

type Sized = Pick<MachineSpec, "ephemeralGib" | "swapMib">;

interface LocalDisk {
  readonly file: string;
  readonly sizeBytes: number;
  /** What formats it, but for the file's name, which comes last. */
  readonly tool: readonly [string, ...string[]];
}

/**
 * Discards nothing and clears no journal, since the file has nothing in it, and leaves the tables of inodes
 * to the guest's kernel: else 100 GiB of disk would take 1.6 GiB of the host at once.
 */
const ext4 = [
  "mkfs.ext4",
  "-q",
  "-F",
  "-L",
  "ephemeral0",
  "-E",
  "nodiscard,lazy_itable_init=1,lazy_journal_init=1",
] as const;

const swap = ["mkswap", "--quiet", "--label", "swap0"] as const;

/** False: a program that formats disks is not installed. */
export const canMakeLocalDisks = (): boolean =>
  [ext4[0], swap[0]].every((name) =>
    toolEnvironment.PATH.split(":").some((directory) => existsSync(join(directory, name))),
  );

/** The disks of such a size. */
export function localDisksOf({ ephemeralGib = 0, swapMib = 0 }: Sized): readonly LocalDisk[] {
  const ephemeral = { file: guestFiles.ephemeral, sizeBytes: ephemeralGib * gib, tool: ext4 };
  const other = { file: guestFiles.swap, sizeBytes: swapMib * mib, tool: swap };
  return [ephemeral, other].filter(({ sizeBytes }) => sizeBytes > 0);
}

/**
 * Makes those that are missing in an existing directory. One machine actor at a time works on a guest's
 * disks. @throws StatusError diskFull, guestFailed; AbortError
 */
export async function ensureLocalDisks(
  spec: MachineSpec,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  for (const one of localDisksOf(spec)) await ensureOne(one, { spec, directory, signal });
}

interface Way {
  readonly spec: MachineSpec;
  readonly directory: string;
  readonly signal: AbortSignal;
}

async function ensureOne(disk: LocalDisk, { spec, directory, signal }: Way): Promise<void> {
  const path = join(directory, disk.file);
  if (await exists(path)) return;
  // An agent that died while it formatted the disk has left a file.
  for (const name of await readdir(directory))
    if (name.startsWith(`${disk.file}.`)) await rm(join(directory, name), { force: true });
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, "wx", 0o600);
    await file.truncate(disk.sizeBytes).finally(() => file.close());
    await format(disk, { spec, directory, signal }, temporary);
    await giveToGuest(temporary, guestUser(spec.instanceId));
    await rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function format({ tool, file }: LocalDisk, { spec, signal }: Way, path: string): Promise<void> {
  const [command, ...argv] = tool;
  const bounds = { signal, timeoutMs: driverLimits.diskToolTimeoutMs };
  const { exitCode, errors } = await runTool(command, [...argv, path], bounds).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    return { exitCode: null, errors: `${command} is not installed.` };
  });
  if (exitCode === 0) return;
  const full = /No space left on device|Disk quota exceeded/.test(errors);
  const why = full ? "no space is left on the host" : `${command} failed`;
  const message = `The file ${file} of instance ${spec.instanceId} could not be made: ${why}.`;
  throw new StatusError(full ? "diskFull" : "guestFailed", message, { detail: errors });
}
