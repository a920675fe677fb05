/**
 * What an instance actor knows, and the pure views of it: what a user sees, what its host is told, whether it
 * is settled. Everything here is derived; nothing is stored twice. No clock, no I/O.
 */
import type { Instance } from "../../../protocol/instance.ts";
import type { MachineIntent, MachineSpec } from "../../../protocol/machine.ts";
import { externalState, type InstanceState, type IntentFacts, isSettled } from "../../../protocol/states.ts";
import type { ClaimRecord, InstanceRecord, LoadedInstance, MachineRecord } from "../../records/instance.ts";
import type { InstanceEffect } from "./messages.ts";

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

/** The machine of the present epoch; older ones are only being cleared away. */
export function currentMachine(loaded: LoadedInstance): MachineRecord | undefined {
  if (loaded.instance.hostId === null) return undefined;
  return loaded.machines.find((machine) => machine.epoch === loaded.instance.epoch);
}

export function stateOf(loaded: LoadedInstance, hostAlive = true): InstanceState {
  return externalState(intentFacts(loaded.instance), currentMachine(loaded), hostAlive);
}

/** Nothing is left to do here or on any host: also nothing of an older epoch is left anywhere. */
export function settledOf(loaded: LoadedInstance): boolean {
  const { instance, claims } = loaded;
  if (claims.some((claim) => claim.epoch !== instance.epoch)) return false;
  if (instance.deletedAtMs !== null) return claims.length === 0 && !isAdrift(loaded);
  if (instance.hostId === null && claims.length > 0) return false;
  return isSettled(intentFacts(instance), currentMachine(loaded));
}

/**
 * It shall be deleted, no host has anything of it, and its disk may be on shared storage all the same: its
 * host was fenced, perhaps before its guest ever ran. Any host that sees the storage can remove it.
 */
export function isAdrift({ instance, claims }: Pick<LoadedInstance, "instance" | "claims">): boolean {
  const { desired, storageId, hostId } = instance;
  const shared = storageId !== null && !isDiskless(instance);
  return desired === "deleted" && shared && hostId === null && claims.length === 0;
}

const isDiskless = ({ image, flavor }: Pick<InstanceRecord, "image" | "flavor">): boolean =>
  image.disk === null && flavor.diskGib === 0;

/** Its policy says so, and its disk, if it has one, is where other hosts can open it. */
export function isMovable(instance: Pick<InstanceRecord, "recovery" | "storageId" | "image" | "flavor">) {
  return instance.recovery.policy === "restart" && opensElsewhere(instance);
}

/**
 * Its disk, if it has one, is where other hosts can open it: whatever its policy, an operator may take it to
 * another host once its own is fenced. So it must never run there without a lease.
 */
export function opensElsewhere(instance: Pick<InstanceRecord, "storageId" | "image" | "flavor">) {
  return instance.storageId !== null || isDiskless(instance);
}

/**
 * What a claim asks of its host. Without a lease nobody takes the guest over, so it needs no fence either:
 * a guard that stopped it would stop it for nothing.
 */
function machineSpec(
  instance: InstanceRecord,
  { epoch, leaseEpoch, numa }: Pick<ClaimRecord, "epoch" | "leaseEpoch" | "numa">,
): MachineSpec {
  const { id, disk, kernel, ramdisk, commandLine, properties } = instance.image;
  const machineType = properties.extra?.hw_machine_type;
  return {
    instanceId: instance.id,
    project: instance.project,
    name: instance.name,
    epoch,
    architecture: properties.architecture,
    vcpus: instance.flavor.vcpus,
    memoryMib: instance.flavor.memoryMib,
    diskGib: instance.flavor.diskGib,
    image: { id, disk, kernel, ramdisk, commandLine },
    macAddress: instance.macAddress,
    ...(opensElsewhere(instance) && leaseEpoch > 0 ? { fence: true } : {}),
    ...(instance.storageId === null ? {} : { storageId: instance.storageId }),
    ...(instance.built && instance.storageId !== null ? { takesOverDisk: true } : {}),
    ...(instance.recovery.policy === "restart" ? {} : { recovery: instance.recovery.policy }),
    ...(machineType === undefined ? {} : { machineType }),
    ...(numa === null ? {} : { numa }),
  };
}

/** To remove it takes nothing that its user wrote: no word of it may keep a host from understanding. */
export function removalSpec(...about: Parameters<typeof machineSpec>): MachineSpec {
  const spec = machineSpec(...about);
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
  };
}

/**
 * For a host that is no owner any more: newer than anything it was told as the owner. A guest that has run
 * goes on elsewhere, with its disk on shared storage if it has one.
 */
export function leaving(instance: InstanceRecord): MachineIntent {
  const intent = machineIntent(instance);
  const keepDisk = instance.built && opensElsewhere(instance) && instance.desired !== "deleted";
  const kept = keepDisk ? { keepDisk } : {};
  return { ...intent, ...kept, generation: intent.generation + 1, power: "deleted" };
}

/**
 * The room that was claimed for it elsewhere before it was asked to leave its host: a claim of the epoch to
 * come. Nobody is told of it, and nothing of the instance is there, until it becomes the present one.
 */
export function keptRoom({ instance, claims }: Pick<LoadedInstance, "instance" | "claims">) {
  return claims.find(({ epoch }) => epoch > instance.epoch);
}

/** Of hosts that have, or may have, something of it. */
const heldClaims = ({ instance, claims }: LoadedInstance) =>
  claims.filter(({ epoch }) => epoch <= instance.epoch);

/** Tells every host that holds something of the instance what it shall be; older epochs shall be gone. */
function ensureEffects(loaded: LoadedInstance): readonly InstanceEffect[] {
  const { instance, machines } = loaded;
  return heldClaims(loaded).map((claim) => {
    const current = claim.epoch === instance.epoch && instance.hostId !== null;
    const intent = current ? machineIntent(instance) : leaving(instance);
    return {
      kind: "ensure",
      hostId: claim.hostId,
      spec: intent.power === "deleted" ? removalSpec(instance, claim) : machineSpec(instance, claim),
      intent,
      observedGeneration: machines.find((machine) => machine.epoch === claim.epoch)?.generation ?? 0,
      leaseEpoch: claim.leaseEpoch,
    };
  });
}

/**
 * All that is left to do now: tell the hosts, and ask for a host when an instance that shall run has none.
 */
export function workEffects(loaded: LoadedInstance): readonly InstanceEffect[] {
  const { desired } = loaded.instance;
  const wanted = desired === "running" || desired === "paused";
  if (!isAdrift(loaded) && !(wanted && mayBePlaced(loaded))) return ensureEffects(loaded);
  const room = keptRoom(loaded);
  return [...ensureEffects(loaded), { kind: "place", ...(room && { keptOn: room.hostId }) }];
}

/**
 * Nobody holds anything of it: each host that had it has said `gone`, or was fenced. A host that is silent,
 * or has only not yet said so, may still run the guest, and no time that passes makes that untrue (I2, I9).
 * A build that failed waits for its user; a guest that has run is never given up.
 */
export function mayBePlaced(loaded: LoadedInstance): boolean {
  const { instance } = loaded;
  const claims = heldClaims(loaded);
  const givenUp = instance.failure !== null && !instance.built;
  return instance.hostId === null && !givenUp && claims.length === 0;
}

/**
 * What a client sees. `host` is what the controller knows of the owner: its name, and whether it was heard
 * from.
 */
export function instanceView(
  row: { readonly instance: InstanceRecord; readonly machine: MachineRecord | undefined },
  host: { readonly name: string; readonly alive: boolean } | undefined,
): Instance {
  const { instance, machine } = row;
  const { id, name, vcpus, memoryMib, diskGib } = instance.flavor;
  return {
    id: instance.id,
    project: instance.project,
    name: instance.name,
    state: externalState(intentFacts(instance), machine, host?.alive ?? true),
    desired: instance.desired,
    generation: instance.generation,
    flavor: { id, name, vcpus, memoryMib, diskGib },
    image: { id: instance.image.id, name: instance.image.name },
    metadata: instance.metadata,
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

function machineView(machine: MachineRecord): NonNullable<Instance["machine"]> {
  const { state, reason, message, generation, intentGeneration, address, startedAtMs, atMs } = machine;
  return { state, reason, message, generation, intentGeneration, address, startedAtMs, reportedAtMs: atMs };
}
