/**
 * The hardware of shape 1. No line of it may ever change, for a guest that has run keeps it (decision 0052):
 * what is to be otherwise is another shape, in a file beside this one. Pure.
 */
import { numaTopology } from "../pins.ts";
import { portOf, rootPorts } from "./root-ports.ts";
import {
  backends,
  configDriveAt,
  type Device,
  device,
  type LocalDiskKind,
  type SeenHardware,
  type SeenInterface,
  type SeenVolume,
  volumeDevice,
} from "./seen.ts";

export function hardwareOfShape1(seen: SeenHardware): readonly string[] {
  return [
    // VMware's back door into the hypervisor is of use to no guest of ours.
    ...["-machine", `${seen.machineType},vmport=off`],
    ...["-cpu", `${seen.cpuModel},enforce=on`],
    ...memory(seen),
    ...processors(seen),
    ...rootPorts(),
    ...alwaysThere(seen),
    ...(seen.hasRootDisk ? rootDisk : []),
    ...(seen.localDisks ?? []).flatMap(localDisk),
    ...(seen.hasConfigDrive ? configDriveAt(portOf("config")) : []),
    ...interfaces(seen),
    ...(seen.volumes ?? []).flatMap((one) => device(diskOfShape1(one))),
  ];
}

/**
 * A volume in its place, whether it is there from the start or comes while the guest runs. A write for which
 * there is no room waits; any other error is the guest's to see: a guest that waited for a storage that does
 * not come back could not be rid of it.
 */
export const diskOfShape1 = ({ place, serial, bootIndex }: SeenVolume): Device => ({
  driver: "virtio-blk-pci",
  id: volumeDevice(place),
  drive: volumeDevice(place),
  bus: portOf("volume", place),
  serial,
  werror: "enospc",
  rerror: "report",
  ...(bootIndex === undefined ? {} : { bootindex: bootIndex + 1 }),
});

/** A guest that was told of no interfaces has the one that it had before there were any. */
function interfaces({ interfaces: told, macAddress }: SeenHardware): readonly string[] {
  if (told === undefined) return device(networkCard(0, { mac: macAddress }));
  return told.flatMap((one, index) => device(cardOfShape1(one.place ?? index, one)));
}

/** An interface in its place, whether it is there from the start or comes while the guest runs. */
export const cardOfShape1 = (place: number, { mac, mtuBytes }: SeenInterface): Device =>
  networkCard(place, { mac, host_mtu: mtuBytes });

const networkCard = (place: number, seen: { readonly mac: string; readonly host_mtu?: number }): Device => ({
  driver: "virtio-net-pci",
  id: `nic${place}`,
  netdev: backends.network(place),
  bus: portOf("nic", place),
  mac: seen.mac,
  // No option ROM is loaded, since no guest boots from the network.
  romfile: "",
  ...(seen.host_mtu === undefined ? {} : { host_mtu: seen.host_mtu }),
});

/**
 * Room for more memory while the guest runs, up to four times as much. Linux keeps 64 MiB for I/O where
 * memory may come to lie above 4 GiB: 3 % of the smallest guest that has room, and more than one of 128 MiB
 * could live with (tried). The largest room is what a processor of 40 address bits can see.
 */
function memory({ memoryMib, numa }: SeenHardware): readonly string[] {
  const most = Math.min(4 * memoryMib, largestRoomMib);
  const hasRoom = numa === null && memoryMib >= smallestWithRoomMib && most > memoryMib;
  return ["-m", `size=${memoryMib}M${hasRoom ? `,slots=${memorySlots},maxmem=${most}M` : ""}`];
}

const smallestWithRoomMib = 2_048;
const largestRoomMib = 512 * 1_024;
const memorySlots = 16;

/**
 * Room for more processors: eight at least, on one socket. Those of NUMA nodes are as many as was asked for.
 */
function processors({ vcpus, numa }: SeenHardware): readonly string[] {
  if (numa !== null) return numaTopology(numa);
  const most = Math.max(vcpus, 8);
  return ["-smp", `cpus=${vcpus},maxcpus=${most},sockets=1,cores=${most},threads=1`];
}

/** The devices that every guest has, each at an address of its own below the ports. */
function alwaysThere({ instanceId, firmware }: SeenHardware): readonly string[] {
  const at = (addr: string) => ({ bus: "pcie.0", addr });
  // Without the ports of the time before PCI Express: each of them would cost the guest I/O addresses.
  const virtio = { "disable-legacy": "on" };
  return [
    ...device({ driver: "isa-serial", id: "serial0", chardev: backends.console, index: 0 }),
    ...device({ driver: "virtio-serial-pci", id: "channels0", max_ports: 4, ...at("0x2"), ...virtio }),
    ...device({
      driver: "virtserialport",
      id: "agent0",
      bus: "channels0.0",
      nr: 1,
      chardev: backends.agent,
      name: "org.qemu.guest_agent.0",
    }),
    ...device({ driver: "virtio-rng-pci", id: "rng0", rng: backends.random, ...at("0x3"), ...virtio }),
    ...device({ driver: "pvpanic-pci", id: "panic0", ...at("0x4") }),
    ...device({ driver: "i6300esb", id: "watchdog0", ...at("0x5") }),
    ...device({
      driver: "virtio-balloon-pci",
      id: "balloon0",
      "deflate-on-oom": true,
      ...at("0x6"),
      ...virtio,
    }),
    // qboot stops at the table by which the guest's kernel finds the device (tried with 7.2).
    ...(firmware === "qboot" ? [] : device({ driver: "vmgenid", id: "generation0", guid: instanceId })),
  ];
}

/** What has no room waits, as a volume does; a guest finds it by its serial number. */
const localDisk = (kind: LocalDiskKind): readonly string[] =>
  device({
    driver: "virtio-blk-pci",
    id: `${kind}0`,
    drive: backends[kind],
    bus: portOf(kind),
    serial: `${kind}0`,
    werror: "enospc",
    rerror: "report",
  });

const rootDisk = device({
  driver: "virtio-blk-pci",
  id: "root0",
  drive: backends.root,
  bus: portOf("root"),
  bootindex: 1,
});
