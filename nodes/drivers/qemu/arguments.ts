/**
 * The command line of one QEMU process, made from typed values: pure, a list, never a shell string. Every
 * path is relative to the guest's directory (guest-directory.ts says why), so no value of a user ever becomes
 * part of an option's syntax: foreign values go into JSON, or into an argument of their own. What the guest
 * sees of it is made in line/, by the guest's shape.
 *
 * The network of a guest that is told of no interfaces is slirp with `restrict=on`: the guest gets an address
 * by DHCP and can reach nothing else, because slirp's gateway address would lead it to the loopback services
 * of its host (NATS and PostgreSQL among them), and QEMU 7.2 has no switch for only that. Interfaces are
 * sockets at which QEMU listens, for the host's network driver, or taps that this one has made, or what QEMU
 * gets open. Where guests
 * have users of their own, their processes are also in a network namespace in which nothing listens
 * (guest-network.ts, or the taps' own), so that not even a QEMU that was broken out of reaches them.
 */

import type { GuestVolume } from "../../../actors/ports/hypervisor.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { guestFiles } from "../guest-directory.ts";
import { hostName } from "../guest-name.ts";
import { configDrive } from "./config-drive.ts";
import { guestName } from "./guest-tag.ts";
import { guestLine } from "./line/line.ts";
import { backends, type LocalDiskKind, localDiskKinds } from "./line/seen.ts";
import { numaMemory, type Pins } from "./pins.ts";
import { seenVolume, volumeArguments } from "./volumes.ts";

export type Accelerator = "kvm" | "tcg";

/**
 * A socket's path, relative to the guest's directory; the name of a tap in QEMU's namespace; or what QEMU is
 * started with open.
 */
export type NetworkPlug =
  | { readonly kind: "stream"; readonly path: string }
  | { readonly kind: "tap"; readonly name: string }
  | { readonly kind: "macvtap"; readonly descriptor: number };

export interface QemuArguments {
  readonly spec: MachineSpec;
  readonly accelerator: Accelerator;
  /** Path relative to the guest's directory, or undefined. */
  readonly disk: string | undefined;
  /** Paths of the ephemeral disk and the swap disk, likewise. */
  readonly ephemeral?: string | undefined;
  readonly swap?: string | undefined;
  /** The same of the config drive. */
  readonly configDrive?: string | undefined;
  /** What each interface is plugged into, with its place. Undefined: the spec names no interfaces. */
  readonly plugs?: readonly PlacedPlug[] | undefined;
  readonly volumes?: readonly GuestVolume[] | undefined;
  /** The guest's own, in which QEMU runs; there with `volumes`. */
  readonly directory?: string;
  /** True: the disk and those beside it are opened past the page cache. */
  readonly direct: boolean;
  /** The overlay's backing file and its format; undefined: the disk has none. */
  readonly base: { readonly file: string; readonly format: "qcow2" | "raw" } | undefined;
  readonly kernel: string | undefined;
  readonly ramdisk: string | undefined;
  /** Path of a firmware other than the machine type's own: qboot, for a kernel that needs no BIOS. */
  readonly firmware: string | undefined;
  /** Present for a spec with `numa`. */
  readonly pins?: Pins | undefined;
}

export interface PlacedPlug {
  readonly place: number;
  readonly plug: NetworkPlug;
}

export const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);

/** The arguments after the executable's name. */
export function qemuArguments(given: QemuArguments): readonly string[] {
  const { spec, accelerator, disk, configDrive: drive, firmware, pins } = given;
  const localDisks = localDiskKinds.filter((kind) => given[kind] !== undefined);
  return [
    ...identity(spec),
    ...processOptions(accelerator),
    ...(given.kernel === undefined ? [] : boot(given, given.kernel)),
    ...monitors,
    ...(spec.numa && pins ? numaMemory(spec.numa, pins) : []),
    ...channels(spec),
    ...(given.plugs === undefined ? lonelyNetwork(spec) : networks(given.plugs)),
    ...["-object", `rng-random,id=${backends.random},filename=/dev/urandom`],
    ...(disk === undefined ? [] : rootDisk(given, disk)),
    ...localDisks.flatMap((kind) => localDisk(given, kind)),
    ...(drive === undefined ? [] : configDrive(drive)),
    ...volumeArguments(given.volumes ?? [], given.directory ?? "/"),
    ...guestLine({
      ...{ spec, accelerator, hasRootDisk: disk !== undefined, hasConfigDrive: drive !== undefined },
      ...(localDisks.length === 0 ? {} : { localDisks }),
      firmware: firmware === undefined ? "bios" : "qboot",
      volumes: given.volumes?.map(seenVolume),
    }),
  ];
}

function identity(spec: MachineSpec): readonly string[] {
  return ["-name", guestName(spec), "-uuid", spec.instanceId, "-pidfile", guestFiles.pid];
}

function processOptions(accelerator: Accelerator): readonly string[] {
  return [
    ...["-no-user-config", "-nodefaults", "-display", "none"],
    // A translation cache of 32 MiB, not the default share of the host's memory: boots as fast, measured.
    ...["-accel", accelerator === "tcg" ? "tcg,tb-size=32" : accelerator],
    // QEMU stays when its guest ends or panics, so that the reason can be read; the CPUs start on `cont`.
    ...["-no-shutdown", "-action", "panic=pause", "-S"],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
  ];
}

function boot(given: QemuArguments, kernel: string): readonly string[] {
  const line = `${given.spec.image.commandLine} guest.hostname=${hostName(given.spec)}`.trim();
  return [
    ...(given.firmware === undefined ? [] : ["-bios", given.firmware]),
    ...["-kernel", kernel],
    ...(given.ramdisk === undefined ? [] : ["-initrd", given.ramdisk]),
    ...["-append", line],
  ];
}

const monitors = [
  ...["-qmp", `unix:${guestFiles.qmp},server=on,wait=off`],
  ...["-qmp", `unix:${guestFiles.qmpDebug},server=on,wait=off`],
];

/** What the guest's devices are connected to, but its disks. */
function channels(spec: MachineSpec): readonly string[] {
  return [
    "-chardev",
    `socket,id=${backends.console},path=${guestFiles.consoleSocket},server=on,wait=off,` +
      `logfile=${guestFiles.console},logappend=on`,
    ...(spec.shape === undefined ? [] : agentChannel),
  ];
}

/** DHCP tells the guest its name: a guest that boots from a disk gets no kernel command line from us. */
const lonelyNetwork = (spec: MachineSpec): readonly string[] => [
  ...["-netdev", `user,id=${backends.network()},restrict=on,ipv6=off,hostname=${hostName(spec)}`],
];

/**
 * At a socket QEMU listens, does not wait for anybody, and listens again when who was there has left; until
 * somebody comes, what the guest sends is dropped. A file that is left under the name is replaced (7.2,
 * tried). A tap is opened by its name, which its owner may; no script of QEMU's does anything with it. No
 * thread of the kernel (vhost) touches the guest's memory.
 */
export const netdevOf = ({ place, plug }: PlacedPlug) => {
  const id = backends.network(place);
  if (plug.kind === "stream")
    return { type: "stream", id, server: true, addr: { type: "unix", path: plug.path } };
  if (plug.kind === "macvtap") return { type: "tap", id, fd: String(plug.descriptor), vhost: false };
  return { type: "tap", id, ifname: plug.name, script: "no", downscript: "no", vhost: false };
};

const networks = (plugs: readonly PlacedPlug[]): readonly string[] =>
  plugs.flatMap((one) => ["-netdev", JSON.stringify(netdevOf(one))]);

/**
 * The guest's own end is a device; nobody listens at this one yet. A guest that writes while nobody is
 * connected waits, and QEMU keeps nothing of it (tried with 256 MiB): there must be no log file here.
 */
const agentChannel = ["-chardev", `socket,id=${backends.agent},path=${guestFiles.agent},server=on,wait=off`];

/** Names every format, down to the last file: QEMU must never probe bytes that a guest has written. */
function rootDisk(given: QemuArguments, disk: string): readonly string[] {
  const base = given.base && {
    driver: given.base.format,
    "node-name": "base",
    "read-only": true,
    file: file(given.base.file),
    ...(given.base.format === "qcow2" ? { backing: null } : {}),
  };
  const root = {
    driver: "qcow2",
    "node-name": backends.root,
    discard: "unmap",
    file: writable(given, disk),
    backing: base ?? null,
  };
  return ["-blockdev", JSON.stringify(root)];
}

const file = (filename: string) => ({ driver: "file", filename, locking: "on" });

const writable = ({ direct }: Pick<QemuArguments, "direct">, path: string) => {
  return { ...file(path), discard: "unmap", ...(direct ? { cache: { direct: true } } : {}) };
};

/** The node of one local disk, where the guest has it. */
function localDisk(given: QemuArguments, kind: LocalDiskKind): readonly string[] {
  const path = given[kind];
  if (path === undefined) return [];
  const node = { driver: "raw", "node-name": backends[kind], discard: "unmap", file: writable(given, path) };
  return ["-blockdev", JSON.stringify(node)];
}
