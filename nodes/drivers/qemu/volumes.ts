/**
 * Volumes as QEMU is told of them: on its command line, and by QMP while the guest runs. Pure. The format is
 * named down to the file: QEMU must never probe bytes that a guest has written.
 */
import { relative } from "node:path";
import type { GuestVolume } from "../../../actors/ports/hypervisor.ts";
import type { BlockDevice } from "../../../actors/ports/volumes.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { placesFor } from "./line/root-ports.ts";
import type { SeenVolume } from "./line/seen.ts";
import { groupOf, volumeNames } from "./volume-steps.ts";

/** As many characters as a disk's serial number has: the guest sees no more of it. Tried with 7.2. */
const serialLength = 20;

export const seenVolume = ({ place, volumeId, bootIndex }: GuestVolume): SeenVolume => ({
  ...{ place, serial: volumeId.slice(0, serialLength) },
  ...(bootIndex === undefined ? {} : { bootIndex }),
});

/** Counts what passes, and can limit it at any time; nothing is limited at first. */
export const groupObject = (volume: GuestVolume) => ({ "qom-type": "throttle-group", id: groupOf(volume) });

/** `directory`: the guest's own, in which QEMU runs. */
export function volumeNodes(
  volume: GuestVolume,
  directory: string,
): readonly Readonly<Record<string, unknown>>[] {
  const { data, node } = volumeNames(volume.place);
  return [
    dataNode(volume.place, volume.device, directory),
    {
      driver: "throttle",
      "node-name": node,
      "throttle-group": groupOf(volume),
      discard: "unmap",
      file: data,
    },
  ];
}

function dataNode(place: number, device: BlockDevice, directory: string) {
  const { format } = device;
  const backing = format === "qcow2" ? { backing: null } : {};
  const { data } = volumeNames(place);
  return {
    ...{ driver: format, "node-name": data, discard: "unmap", ...onlyRead(device), ...backing },
    file: device.kind === "nbd" ? remoteNode(place, device, directory) : fileNode(device, directory),
  };
}

const fileNode = (device: BlockDevice, directory: string) => ({
  driver: device.kind === "file" ? "file" : "host_device",
  filename: relative(directory, device.path),
  ...{ locking: "on", discard: "unmap", ...onlyRead(device) },
  ...(device.direct === true ? { cache: { direct: true } } : {}),
});

/** Has a name, so that what waits for a server that hangs can be given up. */
const remoteNode = (place: number, device: BlockDevice, directory: string) => ({
  ...{ driver: "nbd", "node-name": volumeNames(place).remote },
  server: { type: "unix", path: socketPath(device.path, directory) },
  ...{ discard: "unmap", ...onlyRead(device) },
});

/** A socket's path may be short only: QEMU runs in the guest's directory. */
const socketPath = (path: string, directory: string): string => {
  const near = relative(directory, path);
  return near.length < path.length ? near : path;
};

const onlyRead = ({ mode }: BlockDevice) => (mode === "readOnly" ? { "read-only": true } : {});

/** Answers every request with an error, and asks nothing of any storage. Its size is that of no volume. */
export const goneNode = (place: number) => ({
  driver: "blkdebug",
  "node-name": volumeNames(place).gone,
  "inject-error": [{ event: "none", errno: ioError, once: false }],
  image: { driver: "null-co", size: goneBytes },
});

/** EIO. Source: errno(3). */
const ioError = 5;
const goneBytes = 1024 ** 4;

/** The part of the command line that gives a guest the volumes of its start. */
export const volumeArguments = (volumes: readonly GuestVolume[], directory: string): readonly string[] =>
  volumes.flatMap((volume) => [
    ...["-object", JSON.stringify(groupObject(volume))],
    ...volumeNodes(volume, directory).flatMap((node) => ["-blockdev", JSON.stringify(node)]),
  ]);

/** @throws hypervisorRefused */
export function refuseVolumes(
  { instanceId, shape }: Pick<MachineSpec, "instanceId" | "shape">,
  volumes: readonly GuestVolume[],
): void {
  if (volumes.length === 0) return;
  if (shape === undefined) throw refusal(`Instance ${instanceId} has no places for volumes.`);
  const places = new Set(volumes.map(({ place }) => place));
  const serials = new Set(volumes.map((one) => seenVolume(one).serial));
  const isPlace = (place: number) => Number.isInteger(place) && place >= 0 && place < placesFor("volume");
  if (![...places].every(isPlace)) throw refusal(`A guest has ${placesFor("volume")} volumes at most.`);
  if (places.size < volumes.length) throw refusal("Two volumes of a guest have one place.");
  if (serials.size < volumes.length)
    throw refusal("A guest could not tell two of its volumes from each other.");
}

const refusal = (message: string): StatusError => new StatusError("hypervisorRefused", message);
