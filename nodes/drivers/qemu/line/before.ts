/**
 * The hardware of guests that have no shape: built before there were any, or placed by a controller of then.
 * It must never change: such a guest may be years old. Pure.
 */
import { numaTopology } from "../pins.ts";
import { backends, configDriveAt, device, type SeenHardware } from "./seen.ts";

/** @throws Error for a guest with local disks, for which there is no port */
export function hardwareOfBefore(seen: SeenHardware): readonly string[] {
  if (seen.localDisks !== undefined) throw new Error("A guest without a shape has no local disks.");
  return [
    ...["-machine", seen.machineType, "-cpu", seen.cpuModel],
    ...["-m", `size=${seen.memoryMib}M`],
    ...(seen.numa === null ? ["-smp", `cpus=${seen.vcpus}`] : numaTopology(seen.numa)),
    ...["port1", "port2", "port3", "port4"].flatMap(rootPort),
    ...device({ driver: "isa-serial", id: "serial0", chardev: backends.console }),
    ...(seen.hasRootDisk ? rootDisk : []),
    ...(seen.hasConfigDrive ? configDriveAt("port3") : []),
    // An empty romfile: no option ROM is loaded, since no guest boots from the network.
    ...device({
      driver: "virtio-net-pci",
      id: "nic0",
      netdev: backends.network(),
      bus: "port2",
      mac: seen.macAddress,
      romfile: "",
    }),
    ...device({ driver: "virtio-rng-pci", id: "rng0", rng: backends.random, bus: "pcie.0" }),
    ...device({ driver: "pvpanic-pci", id: "panic0", bus: "pcie.0" }),
  ];
}

const rootPort = (id: string, index: number): readonly string[] =>
  device({
    driver: "pcie-root-port",
    id,
    bus: "pcie.0",
    chassis: index + 1,
    slot: index + 1,
    addr: `0x${(index + 4).toString(16)}`,
  });

const rootDisk = device({
  driver: "virtio-blk-pci",
  id: "root0",
  drive: backends.root,
  bus: "port1",
  bootindex: 1,
});
