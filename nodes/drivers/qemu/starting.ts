/** Steps of a guest's start that need no state of the driver. */
import { type FileHandle, open, readlink } from "node:fs/promises";
import { relative } from "node:path";
import type { GuestPaths } from "../../../actors/ports/hypervisor.ts";
import type { NetworkDevice } from "../../../actors/ports/network.ts";
import { networkLimits } from "../../../protocol/limits/network.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { lackingOf, type MachineShape, type OfferedShapes } from "../../../protocol/shape.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { diskError } from "../durable-file.ts";
import { writeFence } from "../fence-record.ts";
import { cachedImage, guestDirectory, type StateDirectories } from "../guest-directory.ts";
import { imageGroup } from "../guest-user.ts";
import { abortError } from "../waiting.ts";
import { type Accelerator, isUuid, type NetworkPlug, type PlacedPlug } from "./arguments.ts";
import { firmwareFor } from "./firmware.ts";
import { givenDescriptorFirst, type SpawnOptions, spawnGuest } from "./guest-process.ts";
import type { Launch } from "./launcher.ts";
import { isUsableMachineType } from "./offers.ts";

/** Refuses a spec that QEMU cannot run here. @throws INTERNAL hypervisorRefused */
export async function refuseUnfit(spec: MachineSpec, offered: () => Promise<OfferedShapes>): Promise<void> {
  if (spec.architecture !== "x86_64") {
    throw new StatusError(
      "hypervisorRefused",
      `This host runs x86_64 guests only, not ${spec.architecture}.`,
    );
  }
  if (spec.machineType !== null && !isUsableMachineType(spec.machineType))
    throw new StatusError("hypervisorRefused", `This host runs no guests of type ${spec.machineType}.`);
  if (!isUuid(spec.instanceId))
    throw new StatusError("hypervisorRefused", "QEMU needs an instance id that is a lower-case UUID.");
  refuseInterfaces(spec);
  if (spec.shape !== undefined) refuseUnknownShape(spec.shape, await offered());
}

/** Places for interfaces came with shapes: a guest has both, or is of before and has neither. */
function refuseInterfaces({ interfaces, shape, instanceId }: MachineSpec): void {
  const { interfacesPerInstanceMax: most } = networkLimits;
  if (interfaces !== undefined && shape === undefined)
    throw new StatusError("hypervisorRefused", `Instance ${instanceId} has interfaces, and no shape.`);
  const places = interfaces?.map(({ place }, index) => place ?? index) ?? [];
  if (places.some((place) => place >= most))
    throw new StatusError("hypervisorRefused", `A guest has ${most} interfaces at most.`);
}

/** A guest that found other hardware than it had would be another computer: it is not started at all. */
function refuseUnknownShape(shape: MachineShape, offered: OfferedShapes): void {
  const lack = lackingOf(shape, offered);
  if (lack === undefined) return;
  const words = {
    version: `This host knows no hardware of version ${shape.version}.`,
    machineType: `This host's QEMU has no machine type ${shape.machineType}.`,
    cpuModel: `This host cannot give a guest the processor ${shape.cpuModel}.`,
  };
  throw new StatusError("hypervisorRefused", words[lack]);
}

/**
 * The namespace in which QEMU finds its taps, also those that may come later; `usual`: where QEMU is without
 * any. @throws hypervisorRefused when they are in several
 */
export function namespaceOf(
  { interfaces = [], namespace }: Pick<GuestPaths, "interfaces" | "namespace">,
  usual: string | undefined,
): string | undefined {
  const found = interfaces.flatMap((one) => (one.kind === "tap" ? [one.namespace] : []));
  const [first, ...others] = new Set(found);
  if (others.length > 0)
    throw new StatusError("hypervisorRefused", "The guest's taps are in several network namespaces.");
  return first === undefined ? (namespace ?? usual) : (first ?? undefined);
}

/** @throws hypervisorRefused for taps of a namespace that the process is not in: it could open none */
export async function refuseElsewhere(
  pid: number,
  devices: readonly NetworkDevice[],
  nameOf: (path: string) => Promise<string> = readlink,
): Promise<void> {
  const paths = devices.flatMap((one) => (one.kind === "tap" ? [one.namespace ?? "/proc/self/ns/net"] : []));
  if (paths.length === 0) return;
  const own = await nameOf(`/proc/${pid}/ns/net`);
  for (const path of new Set(paths))
    if ((await nameOf(path)) !== own) {
      const message =
        "The guest was started where it can be plugged into no network of its host: stop it and start it again.";
      throw new StatusError("hypervisorRefused", message);
    }
}

/**
 * Opens the storage lease's file, unless aborted: a storage that hangs must not keep a start from being
 * aborted. @throws AbortError
 */
export function unlessAborted(opening: Promise<FileHandle | undefined>, signal: AbortSignal) {
  return new Promise<FileHandle | undefined>((resolve, reject) => {
    const abort = () => {
      reject(abortError());
      void opening.then((late) => late?.close()).catch(() => undefined);
    };
    signal.addEventListener("abort", abort, { once: true });
    opening.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

export function spawn(launch: Launch, options: SpawnOptions) {
  try {
    return spawnGuest(launch, options);
  } catch (error) {
    const message = `The hypervisor of instance ${options.tag.instanceId} could not be started.`;
    throw new StatusError("hypervisorRefused", message, { cause: error });
  }
}

/** Writes down where the guest's disk is, for the guard. @throws StatusError diskFull */
export function recordFence(...record: Parameters<typeof writeFence>): void {
  try {
    writeFence(...record);
  } catch (error) {
    throw diskError(error, "Writing down where a guest's disk is");
  }
}

/** The groups that may read the files of a guest's image. */
export function imageGroups({ image }: MachineSpec): readonly number[] {
  const files = [image.disk, image.kernel, image.ramdisk];
  return files.flatMap((file) => (file === null ? [] : (imageGroup(file.sha256) ?? [])));
}

/** What a guest's interfaces are plugged into, as its process names it. */
export const plugsOf = (
  { interfaces = [] }: Pick<MachineSpec, "interfaces">,
  devices: readonly NetworkDevice[],
  directory: string,
): readonly PlacedPlug[] =>
  devices.map((one, index) => ({
    place: interfaces[index]?.place ?? index,
    plug: plugOf(one, directory, descriptorOf(devices, index)),
  }));

function plugOf(device: NetworkDevice, directory: string, descriptor: number): NetworkPlug {
  if (device.kind === "stream") return { kind: device.kind, path: relative(directory, device.path) };
  return device.kind === "macvtap" ? { kind: device.kind, descriptor } : device;
}

/** The descriptor as which QEMU has the device, if it is one that is opened for it (`openFor`). */
const descriptorOf = (devices: readonly NetworkDevice[], index: number): number =>
  givenDescriptorFirst + devices.slice(0, index).filter(({ kind }) => kind === "macvtap").length;

/**
 * Opens what QEMU may not open itself, in the order of the descriptors. @throws StatusError hypervisorRefused
 */
export async function openFor({ interfaces = [] }: Pick<GuestPaths, "interfaces">): Promise<FileHandle[]> {
  const opened: FileHandle[] = [];
  try {
    for (const one of interfaces) if (one.kind === "macvtap") opened.push(await open(one.path, "r+"));
    return opened;
  } catch (error) {
    await closeAll(opened);
    const message = "What a guest is to be plugged into could not be opened on the host.";
    throw new StatusError("hypervisorRefused", message, { cause: error, detail: String(error) });
  }
}

export async function closeAll(opened: readonly FileHandle[]): Promise<void> {
  await Promise.all(opened.map((one) => one.close()));
}

/** Everything that QEMU's arguments are made of, but the CPUs of the host. */
export async function argumentsFor(
  directories: StateDirectories,
  spec: MachineSpec,
  paths: GuestPaths,
  { accelerator }: { readonly accelerator: Accelerator },
) {
  const own = guestDirectory(directories, spec.instanceId);
  const near = (path: string | undefined) => (path === undefined ? undefined : relative(own, path));
  const { disk } = spec.image;
  const image = disk && (paths.base ?? cachedImage(directories, disk.sha256));
  const base = disk && image ? { file: relative(own, image), format: disk.format } : undefined;
  return {
    ...{ spec, accelerator, base },
    ...{ disk: near(paths.disk), ephemeral: near(paths.ephemeral), swap: near(paths.swap) },
    configDrive: near(paths.configDrive),
    plugs: paths.interfaces && plugsOf(spec, paths.interfaces, own),
    ...{ volumes: paths.volumes, directory: own, direct: paths.direct === true },
    kernel: near(paths.kernel),
    ramdisk: near(paths.ramdisk),
    firmware: await firmwareFor(paths.kernel),
  };
}
