/**
 * How QEMU is started: by small programs that each give something up, and each become the next one. The last
 * of them is QEMU, as the same process. Pure: a command and a list of arguments.
 *
 *   nsenter    into the network namespace of the node's guests
 *   prlimit    with limits on what one process may use
 *   setpriv    as the guest's user, without capabilities, and without a way to new ones
 */
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import type { LocalDisks } from "../../../protocol/local-disks.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { type GuestUser, isShared } from "../guest-user.ts";
import { qemuLimits } from "./limits.ts";

export interface Launch {
  readonly command: string;
  readonly argv: readonly string[];
}

type Sized = "vcpus" | "memoryMib" | "diskGib" | "image" | "volumes" | keyof LocalDisks;

export interface LaunchOptions {
  /** Undefined: the agent's own. */
  readonly user: GuestUser | undefined;
  /** Groups that QEMU needs beside the user's own: of /dev/kvm, and of the images that it reads. */
  readonly groups: readonly number[];
  /** Path of the network namespace. Undefined: the agent's own. */
  readonly network: string | undefined;
  readonly spec: Pick<MachineSpec, Sized>;
  /**
   * The agent can raise limits of a living process. Absent: it can, where the guest has a user of its own.
   */
  readonly raisesLimits?: boolean;
  /** True: the kernel kills it when the agent ends. Absent: it outlives the agent. */
  readonly endsWithAgent?: boolean;
}

/**
 * By setpriv and not by QEMU's own -runas, because that ends in SIGSYS together with QEMU's sandbox (7.2,
 * tried).
 */
export function launchOf(options: LaunchOptions, qemu: Launch): Launch {
  const { user, network } = options;
  const argv = [
    ...(network === undefined ? [] : ["nsenter", `--net=${network}`]),
    ...["prlimit", ...resourceLimits(options)],
    ...["setpriv", ...(user === undefined ? ["--no-new-privs"] : identity(user, options.groups))],
    ...(options.endsWithAgent === true ? ["--pdeathsig=KILL"] : []),
    ...[qemu.command, ...qemu.argv],
  ];
  const [command = "", ...rest] = argv;
  return { command, argv: rest };
}

const identity = (user: GuestUser, groups: readonly number[]): readonly string[] => [
  `--reuid=${user.uid}`,
  `--regid=${user.gid}`,
  groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
  ...["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"],
];

/**
 * Hard limits: no core dump, which would hold the guest's memory; few open files; no file larger than a disk
 * of the guest can become, and one that comes later raises that (file-limit.ts). Where the agent cannot raise
 * it, the process may write the largest volume from the start. Threads are counted by user, so that only a
 * user of the guest's own can be limited.
 */
function resourceLimits({ spec, user, raisesLimits = user !== undefined }: LaunchOptions): readonly string[] {
  const { qemuOpenFilesMax, qemuUserThreadsMax } = qemuLimits;
  const threads = qemuUserThreadsMax + spec.vcpus;
  const limits = { core: 0, nofile: qemuOpenFilesMax, fsize: fileBytesMax(spec, !raisesLimits) };
  const all = user === undefined || isShared(user) ? limits : { ...limits, nproc: threads };
  return Object.entries(all).map(([name, value]) => `--${name}=${value}:${value}`);
}

const [mib, gib] = [1024 ** 2, 1024 ** 3];

/**
 * The largest file that QEMU may write: a disk, the root disk with the tables of qcow2, below 1 % of it; or
 * the file of huge pages in memory; never less than the console's log may grow to until it is cut.
 */
function fileBytesMax(spec: LaunchOptions["spec"], isForEver: boolean): number {
  const { diskGib, image, memoryMib, volumes = [], ...local } = spec;
  const diskBytes = Math.max(diskGib * gib, image.disk?.virtualSizeBytes ?? 0);
  const qcow2Bytes = Math.ceil(diskBytes * 1.01) + 64 * mib;
  const localBytes = Math.max((local.ephemeralGib ?? 0) * gib, (local.swapMib ?? 0) * mib);
  const sizes = volumes.map(({ sizeBytes }) => sizeBytes);
  const volumeBytes = isForEver ? fieldLimits.diskGibMax * gib : Math.max(0, ...sizes);
  return Math.max(qemuLimits.consoleFileBytesMax, qcow2Bytes, localBytes, volumeBytes, memoryMib * mib);
}
