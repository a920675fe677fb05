/**
 * Pure views of what an instance actor knows: what a user sees, what its host is told, whether it is settled.
 * Everything here is derived; nothing is stored twice. No clock, no I/O.
 */

import { generationBase } from "../../../protocol/generation.ts";
import type { GuestData } from "../../../protocol/guest-data.ts";
import type { Instance } from "../../../protocol/instance.ts";
import type { Interface } from "../../../protocol/interface.ts";
import { defaultZone } from "../../../protocol/kinds.ts";
import { localDisksOf, rootGibOf } from "../../../protocol/local-disks.ts";
import type { MachineIntent, MachineSpec } from "../../../protocol/machine.ts";
import { externalState, type InstanceState, type IntentFacts, isSettled } from "../../../protocol/states.ts";
import type {
  AttachedVolume,
  ClaimRecord,
  GuestDataRecord,
  GuestRecord,
  InstanceRecord,
  InterfaceRecord,
  LoadedInstance,
  MachineRecord,
} from "../../records/instance.ts";
import { isBeingRewired, machineInterfaces } from "./interfaces.ts";
import type { InstanceEffect } from "./messages.ts";
import { forcedVolumes, isChangingVolumes, localVolume, machineVolumes } from "./volumes.ts";

export function intentFacts(instance: InstanceRecord): IntentFacts {
  return {
    desired: instance.desired,
    generation: instance.generation,
    resetCount: instance.resetCount,
    built: instance.built,
    placed: instance.hostId !== null,
    failed: instance.failure !== null,
    deleted: instance.deletedAtMs !== null,
  };
}

/** The machine of the present owner epoch; machines of older ones are only being removed. */
export function currentMachine(loaded: LoadedInstance): MachineRecord | undefined {
  if (loaded.instance.hostId === null) return undefined;
  return loaded.machines.find((machine) => machine.ownerEpoch === loaded.instance.ownerEpoch);
}

export function stateOf(loaded: LoadedInstance, hostAlive = true): InstanceState {
  return externalState(intentFacts(loaded.instance), currentMachine(loaded), hostAlive);
}

/** True when nothing is left to do here or on any host, also about older owner epochs. */
export function settledOf(loaded: LoadedInstance): boolean {
  const { instance, claims } = loaded;
  if (claims.some((claim) => claim.ownerEpoch !== instance.ownerEpoch)) return false;
  if (instance.deletedAtMs !== null) return claims.length === 0 && !isAdrift(loaded);
  if (instance.hostId === null && claims.length > 0) return false;
  if (isBeingRewired(instance) || isChangingVolumes(instance)) return false;
  return isSettled(intentFacts(instance), currentMachine(loaded));
}

/**
 * True for an instance to be deleted that no host has anything of, but whose disk may be left on shared
 * storage: its host was fenced, perhaps before its guest ever ran. Any host that shares the storage can
 * remove it.
 */
export function isAdrift({ instance, claims }: Pick<LoadedInstance, "instance" | "claims">): boolean {
  const { desired, storageId, hostId } = instance;
  const shared = storageId !== null && !isDiskless(instance);
  return desired === "deleted" && shared && hostId === null && claims.length === 0;
}

const isDiskless = ({ image, flavor }: Pick<InstanceRecord, "image" | "flavor">): boolean =>
  image.disk === null && flavor.diskGib === 0;

/**
 * True when its recovery policy is `restart`, and other hosts can open its disk, if it has one, and all its
 * volumes.
 */
export function isMovable(instance: Stored & Pick<InstanceRecord, "recovery" | "volumes">) {
  const isThere = opensElsewhere(instance) && localVolume(instance) === undefined;
  return instance.recovery.policy === "restart" && isThere;
}

type Stored = Pick<InstanceRecord, "storageId" | "image" | "flavor">;

/**
 * True when other hosts can open the instance's disk, or the instance has none. An operator may then evacuate
 * the instance once its host is fenced, whatever the recovery policy. So a host with a host lease must never
 * run the guest without one.
 */
export function opensElsewhere(instance: Stored) {
  return instance.storageId !== null || isDiskless(instance);
}

/**
 * The spec for the host of a claim. Without a lease epoch nobody takes the guest over, so the spec asks for
 * no fence either: a guard would stop the guest for nothing.
 */
function machineSpec(
  { instance, guestData }: Pick<LoadedInstance, "instance" | "guestData">,
  { ownerEpoch, leaseEpoch, numa }: Pick<ClaimRecord, "ownerEpoch" | "leaseEpoch" | "numa">,
): MachineSpec {
  const { id, disk, kernel, ramdisk, commandLine, properties } = instance.image;
  return {
    instanceId: instance.id,
    project: instance.project,
    name: instance.name,
    ownerEpoch,
    architecture: properties.architecture,
    vcpus: instance.flavor.vcpus,
    memoryMib: instance.flavor.memoryMib,
    diskGib: rootGibOf(instance.flavor),
    ...localDisksOf(instance.flavor),
    image: { id, disk, kernel, ramdisk, commandLine },
    macAddress: instance.macAddress,
    fence: opensElsewhere(instance) && leaseEpoch > 0,
    storageId: instance.storageId,
    takesOverDisk: instance.built && instance.storageId !== null,
    recovery: instance.recovery.policy,
    // A shape has the machine type in it.
    machineType: instance.shape === null ? (properties.extra?.hw_machine_type ?? null) : null,
    ...(instance.shape === null ? {} : { shape: instance.shape }),
    ...(instance.interfaces && { interfaces: machineInterfaces(instance.interfaces) }),
    ...(instance.volumes && volumesOf(instance.volumes)),
    ...(instance.guest && { guest: guestOf(instance, instance.guest, guestData) }),
    numa,
  };
}

function volumesOf(all: NonNullable<InstanceRecord["volumes"]>) {
  const forced = forcedVolumes(all);
  return { volumes: machineVolumes(all), ...(forced.length === 0 ? {} : { forcedVolumes: forced }) };
}

function guestOf(
  { availabilityZone, metadata }: InstanceRecord,
  { hostname, launchIndex, configDrive }: GuestRecord,
  { publicKeys, userData }: GuestDataRecord = { publicKeys: [], userData: null },
): GuestData {
  const about = { hostname, launchIndex, availabilityZone: availabilityZone ?? defaultZone, metadata };
  return { ...about, publicKeys, userData, configDrive };
}

/**
 * The spec for a removal: without texts of the user, so that none of them can keep the host from
 * understanding it.
 */
export function removalSpec(
  instance: InstanceRecord,
  claim: Pick<ClaimRecord, "ownerEpoch" | "leaseEpoch" | "numa">,
): MachineSpec {
  const volumes = instance.volumes && [];
  const spec = machineSpec({ instance: { ...instance, guest: null, volumes } }, claim);
  return { ...spec, name: spec.instanceId };
}

function machineIntent(instance: InstanceRecord): MachineIntent {
  return {
    generation: instance.generation,
    power: instance.desired,
    stop: instance.stop,
    resetCount: instance.resetCount,
    resetMode: instance.resetMode,
    startCount: instance.startCount,
    keepDisk: false,
  };
}

/**
 * The intent for a host that is no longer the owner: newer than any it had as the owner. A guest that has run
 * goes on elsewhere, with its disk on shared storage if it has one.
 */
export function leaving(instance: InstanceRecord): MachineIntent {
  const intent = machineIntent(instance);
  const keepDisk = instance.built && opensElsewhere(instance) && instance.desired !== "deleted";
  return { ...intent, keepDisk, generation: intent.generation + 1, power: "deleted" };
}

/**
 * The room kept on another host: a claim of the next owner epoch, made before the instance was asked to leave
 * its host. No host is told of it, and nothing of the instance is there, until that owner epoch is the
 * present one.
 */
export function keptRoom({ instance, claims }: Pick<LoadedInstance, "instance" | "claims">) {
  return claims.find(({ ownerEpoch }) => ownerEpoch > instance.ownerEpoch);
}

/** Claims of hosts that have, or may have, something of the instance. */
const heldClaims = ({ instance, claims }: LoadedInstance) =>
  claims.filter(({ ownerEpoch }) => ownerEpoch <= instance.ownerEpoch);

/** Tells every host with something of the instance its intent; older owner epochs are to go. */
function ensureEffects(loaded: LoadedInstance): readonly InstanceEffect[] {
  const { instance, machines } = loaded;
  return heldClaims(loaded).map((claim) => {
    const current = claim.ownerEpoch === instance.ownerEpoch && instance.hostId !== null;
    const intent = current ? machineIntent(instance) : leaving(instance);
    return {
      kind: "ensure",
      hostId: claim.hostId,
      spec: intent.power === "deleted" ? removalSpec(instance, claim) : machineSpec(loaded, claim),
      intent,
      observedGeneration: generationBase(
        machines.find((machine) => machine.ownerEpoch === claim.ownerEpoch)?.generation,
      ),
      leaseEpoch: claim.leaseEpoch,
    };
  });
}

/** The work that is left now: tell the hosts, and ask for a host when an instance that is to run has none. */
export function workEffects(loaded: LoadedInstance): readonly InstanceEffect[] {
  const { desired } = loaded.instance;
  const wanted = desired === "running" || desired === "paused";
  if (!isAdrift(loaded) && !(wanted && mayBePlaced(loaded))) return ensureEffects(loaded);
  const room = keptRoom(loaded);
  return [...ensureEffects(loaded), { kind: "place", ...(room && { keptOn: room.hostId }) }];
}

/**
 * True when no host has anything of the instance: each host that had has reported `gone`, or was fenced. A
 * host that is silent, or has not reported yet, may still run the guest, and no passing of time changes that
 * (I2, I9). A build that failed waits for its user; a guest that has run is never given up.
 */
export function mayBePlaced(loaded: LoadedInstance): boolean {
  const { instance } = loaded;
  const claims = heldClaims(loaded);
  const givenUp = instance.failure !== null && !instance.built;
  return instance.hostId === null && !givenUp && claims.length === 0;
}

/**
 * The instance as a client sees it. `host`: what the controller knows of the owner: its name, and whether it
 * was heard from.
 */
export function instanceView(
  row: { readonly instance: InstanceRecord; readonly machine: MachineRecord | undefined },
  host: { readonly name: string; readonly alive: boolean } | undefined,
): Instance {
  const { instance, machine } = row;
  const { id, name, vcpus, memoryMib } = instance.flavor;
  const disks = { diskGib: rootGibOf(instance.flavor), ...localDisksOf(instance.flavor) };
  return {
    id: instance.id,
    project: instance.project,
    name: instance.name,
    state: externalState(intentFacts(instance), machine, host?.alive ?? true),
    desired: instance.desired,
    generation: instance.generation,
    flavor: { id, name, vcpus, memoryMib, ...disks },
    image: { id: instance.image.id, name: instance.image.name },
    metadata: instance.metadata,
    description: instance.description,
    locked: instance.lock !== null,
    lockedBy: instance.lock?.by ?? null,
    lockedReason: instance.lock?.reason ?? null,
    hostname: instance.guest?.hostname ?? null,
    keyName: instance.guest?.keyName ?? null,
    configDrive: instance.guest?.configDrive ?? false,
    userDataBytes: instance.guest?.userDataBytes ?? 0,
    interfaces: instance.interfaces?.map(interfaceView) ?? null,
    volumes: (instance.volumes ?? []).map(volumeView),
    hostId: instance.hostId,
    hostName: host?.name ?? null,
    serverGroupId: instance.serverGroupId,
    availabilityZone: instance.availabilityZone,
    recovery: instance.recovery,
    machine: machine === undefined ? null : machineView(machine),
    operationId: instance.operationId,
    failure: instance.failure,
    createdAtMs: instance.createdAtMs,
    updatedAtMs: instance.updatedAtMs,
    deletedAtMs: instance.deletedAtMs,
  };
}

const interfaceView = ({ portId, networkId, mac, addresses, change }: InterfaceRecord): Interface => ({
  ...{ portId, networkId, mac, addresses, ...(change && { change: change.kind }) },
});

const volumeView = ({ change, bootIndex, ...one }: AttachedVolume) => ({
  ...{ volumeId: one.volumeId, place: one.place, sizeGib: one.sizeGib },
  deleteOnTermination: one.deleteOnTermination,
  ...(bootIndex === undefined ? {} : { bootIndex }),
  ...(change && { change: change.kind }),
});

function machineView(machine: MachineRecord): NonNullable<Instance["machine"]> {
  const { state, reason, message, generation, intentGeneration, address, startedAtMs, atMs } = machine;
  return { state, reason, message, generation, intentGeneration, address, startedAtMs, reportedAtMs: atMs };
}
