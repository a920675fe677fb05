/**
 * The command line of one QEMU process, made from typed values: pure, a list, never a shell string. Every
 * path is relative to the guest's directory (guest-directory.ts says why), so no value of a user ever becomes
 * part of an option's syntax: foreign values go into JSON, or into an argument of their own.
 *
 * The network is slirp with `restrict=on`: the guest gets an address by DHCP and can reach nothing else,
 * because slirp's gateway address would lead it to the loopback services of its host (NATS and PostgreSQL
 * among them), and QEMU 7.2 has no switch for only that. A network that leads outside is the task of another
 * network driver. Where guests have users of their own, their processes are also in a network namespace in
 * which nothing listens (guest-network.ts), so that not even a QEMU that was broken out of reaches them.
 */

import type { MachineSpec } from "../../../protocol/machine.ts";
import { guestFiles } from "../guest-directory.ts";
import { hostName } from "../guest-name.ts";
import { guestName } from "./guest-tag.ts";
import { numaArguments, type Pins } from "./pins.ts";

export type Accelerator = "kvm" | "tcg";

/**
 * Both ends of a migration must have the same machine type; QEMU of Debian 12 has this one, and later ones
 * keep it for years.
 */
const machineType = "pc-q35-7.2";

/** True for machine types with the PCI Express ports that our devices are plugged into. */
export const isUsableMachineType = (name: string): boolean => /^(?:pc-)?q35(?:-[0-9.]+)?$/.test(name);

export interface QemuArguments {
  readonly spec: MachineSpec;
  readonly accelerator: Accelerator;
  /** Path relative to the guest's directory, or undefined. */
  readonly disk: string | undefined;
  /** True: the disk is opened past the page cache. */
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

export const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);

/** The arguments after the executable's name. */
export function qemuArguments(given: QemuArguments): readonly string[] {
  return [
    ...identity(given.spec),
    ...machine(given),
    ...(given.kernel === undefined ? [] : boot(given, given.kernel)),
    ...control(),
    ...devices(given),
  ];
}

function identity(spec: MachineSpec): readonly string[] {
  return ["-name", guestName(spec), "-uuid", spec.instanceId, "-pidfile", guestFiles.pid];
}

function machine(given: QemuArguments): readonly string[] {
  const { spec, accelerator, pins } = given;
  // A translation cache of 32 MiB instead of the default share of the host's memory: boots as fast, measured.
  const chosen = {
    kvm: ["-accel", "kvm", "-cpu", "host"],
    tcg: ["-accel", "tcg,tb-size=32", "-cpu", "qemu64"],
  };
  return [
    ...["-no-user-config", "-nodefaults", "-display", "none"],
    ...["-machine", spec.machineType ?? machineType, ...chosen[accelerator]],
    ...["-m", `size=${spec.memoryMib}M`],
    ...(spec.numa && pins ? numaArguments(spec.numa, pins) : ["-smp", `cpus=${spec.vcpus}`]),
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

function control(): readonly string[] {
  return [
    ...["-qmp", `unix:${guestFiles.qmp},server=on,wait=off`],
    ...["-qmp", `unix:${guestFiles.qmpDebug},server=on,wait=off`],
    "-chardev",
    `socket,id=console,path=${guestFiles.consoleSocket},server=on,wait=off,` +
      `logfile=${guestFiles.console},logappend=on`,
  ];
}

/** On q35, a device can be plugged into a running guest only at a free root port: two are free. */
const rootPorts = ["port1", "port2", "port3", "port4"] as const;

function devices(given: QemuArguments): readonly string[] {
  const ports = rootPorts.map((id, index) => ({
    driver: "pcie-root-port",
    id,
    bus: "pcie.0",
    chassis: index + 1,
    slot: index + 1,
    addr: `0x${(index + 4).toString(16)}`,
  }));
  return [
    ...ports.flatMap((port) => device(port)),
    ...device({ driver: "isa-serial", id: "serial0", chardev: "console" }),
    ...(given.disk === undefined ? [] : rootDisk(given, given.disk)),
    // DHCP tells the guest its name: a guest that boots from a disk gets no kernel command line from us.
    ...["-netdev", `user,id=net0,restrict=on,ipv6=off,hostname=${hostName(given.spec)}`],
    // An empty romfile: no option ROM is loaded, since no guest boots from the network.
    ...device({
      driver: "virtio-net-pci",
      id: "nic0",
      netdev: "net0",
      bus: "port2",
      mac: given.spec.macAddress,
      romfile: "",
    }),
    ...["-object", "rng-random,id=random0,filename=/dev/urandom"],
    ...device({ driver: "virtio-rng-pci", id: "rng0", rng: "random0", bus: "pcie.0" }),
    ...device({ driver: "pvpanic-pci", id: "panic0", bus: "pcie.0" }),
  ];
}

const device = (properties: Readonly<Record<string, unknown>>): readonly string[] => [
  "-device",
  JSON.stringify(properties),
];

/** Names every format, down to the last file: QEMU must never probe bytes that a guest has written. */
function rootDisk(given: QemuArguments, disk: string): readonly string[] {
  const file = (filename: string) => ({ driver: "file", filename, locking: "on" });
  const base = given.base && {
    driver: given.base.format,
    "node-name": "base",
    "read-only": true,
    file: file(given.base.file),
    ...(given.base.format === "qcow2" ? { backing: null } : {}),
  };
  const root = {
    driver: "qcow2",
    "node-name": "root",
    discard: "unmap",
    file: { ...file(disk), discard: "unmap", ...(given.direct ? { cache: { direct: true } } : {}) },
    backing: base ?? null,
  };
  return [
    ...["-blockdev", JSON.stringify(root)],
    ...device({ driver: "virtio-blk-pci", id: "root0", drive: "root", bus: "port1", bootindex: 1 }),
  ];
}
