/**
 * Makes instances: a request, a flavor, an image and chosen hosts become one commit that makes all of them,
 * or none. Pure: ids, times and hosts come in.
 */
import { hostnameOf } from "../../../protocol/guest-data.ts";
import type { Changed } from "../../../protocol/instance.ts";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { localDisksOf, localGibOf } from "../../../protocol/local-disks.ts";
import type { NumaPlacement } from "../../../protocol/numa.ts";
import { firstShape, type OfferedShapes } from "../../../protocol/shape.ts";
import { externalState } from "../../../protocol/states.ts";
import { faultDenial } from "../../../protocol/wire/denials.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import { counted, gibibytes, mebibytes } from "../../../protocol/wire/wording.ts";
import type { FlavorRecord, ImageRecord } from "../../records/catalog.ts";
import type { Commit, NewEvent } from "../../records/commit.ts";
import type { GuestRecord, InstanceRecord, LoadedInstance, OperationRecord } from "../../records/instance.ts";
import type { RequestFacts } from "../../runtime/decision.ts";
import { allowedMs, commandAnswer } from "../instance/command.ts";
import { claimOf } from "../instance/reconcile.ts";
import { intentFacts, isMovable } from "../instance/state.ts";
import { macAddressOf } from "../request/mac-address.ts";
import type { Furnished } from "./attaching.ts";
import type { AskedGuest } from "./guest-check.ts";
import type { Where } from "./placement-request-check.ts";
import type { Wired } from "./wiring.ts";

export interface Birth {
  readonly instanceId: string;
  readonly operationId: string;
  readonly hostId: string;
  readonly hostName: string;
  readonly leaseEpoch: number;
  readonly storageId: string | null;
  readonly numa: NumaPlacement | null;
  /** Absent: the host offers none. */
  readonly shapes?: OfferedShapes | undefined;
}

export interface CreateFacts {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly description: string | null;
  readonly recovery: InstanceRecord["recovery"];
  /** True when a count was given: names get a suffix, and the answer lists all. */
  readonly many: boolean;
  readonly flavor: FlavorRecord;
  /** Without its disk where the root disk is a volume. */
  readonly image: ImageRecord;
  readonly where: Where;
  readonly guest: AskedGuest;
  readonly request: RequestFacts;
  readonly births: readonly Birth[];
  /** For each birth; empty: the instances were asked for none. */
  readonly wired: readonly Wired[];
  /** Likewise. */
  readonly furnished: readonly Furnished[];
  readonly nowMs: number;
}

export interface CreateAnswer extends Changed {
  /** The first placementLimits.createListedMax instances. */
  readonly all?: Changed[];
  /** Ids of the other instances. */
  readonly more?: { readonly instanceId: string; readonly operationId: string }[];
}

export interface Created {
  readonly commit: Commit;
  readonly instances: readonly LoadedInstance[];
}

const gibibyte = 1024 ** 3;

/** The size to claim: that of its root disk, and of the disks that come beside. */
export function effectiveSize(flavor: FlavorRecord, image: ImageRecord): InstanceRecord["flavor"] {
  const { id, name, vcpus, memoryMib, extraSpecs } = flavor;
  const diskGib = rootGib(flavor, image) + localGibOf(flavor);
  return { id, name, vcpus, memoryMib, diskGib, ...localDisksOf(flavor), extraSpecs };
}

/** A root disk is never smaller than its image, and an image without a disk has no root disk. */
function rootGib({ diskGib }: FlavorRecord, { disk }: ImageRecord): number {
  if (disk === null) return 0;
  return diskGib === 0 ? Math.ceil(disk.virtualSizeBytes / gibibyte) : diskGib;
}

/** Why no instance can be made of the image now; undefined: one can. */
export function imageDenied({ name, state }: Pick<ImageRecord, "name" | "state">): Denial | undefined {
  if (state === "active") return undefined;
  return {
    reason: "imageNotActive",
    message: `The image ${name} is ${state}: no instance can be made of it.`,
  };
}

/** Why the image cannot be used with this flavor on any host; undefined: it can. */
export function flavorFits(flavor: FlavorRecord, image: ImageRecord): Denial | undefined {
  const { memoryMibMin, diskGibMin } = image.properties;
  const sizeGib = (image.disk?.virtualSizeBytes ?? 0) / gibibyte;
  const imageGib = Math.ceil(sizeGib);
  const small = (needs: string, has: string): Denial => ({
    reason: "flavorTooSmall",
    message: `The image ${image.name} needs ${needs}; the flavor ${flavor.name} has ${has}.`,
  });
  if (flavor.memoryMib < memoryMibMin)
    return small(`${mebibytes(memoryMibMin)} of memory`, mebibytes(flavor.memoryMib));
  const offeredGib = rootGib(flavor, image);
  if (offeredGib >= Math.max(diskGibMin, imageGib)) return undefined;
  // Rounded up: a disk of 1.04 GiB must not be said to need the 1 GiB that there are.
  const needed = Math.ceil(Math.max(diskGibMin, sizeGib) * 10) / 10;
  return small(`${gibibytes(needed)} of disk`, gibibytes(offeredGib));
}

/** The denial, with the smallest of the flavors that the image can be used with. */
export function withSmallest(denial: Denial, image: ImageRecord, flavors: readonly FlavorRecord[]): Denial {
  const [smallest] = flavors
    .filter((one) => flavorFits(one, image) === undefined)
    .sort((a, b) => a.memoryMib - b.memoryMib || a.vcpus - b.vcpus || roomOf(a) - roomOf(b));
  const others =
    smallest === undefined
      ? "No flavor has as much: an operator can make one."
      : `The smallest that has as much is ${smallest.name}.`;
  return { ...denial, message: `${denial.message} ${others}` };
}

/** Of its disks, as the flavor says. */
const roomOf = (flavor: FlavorRecord): number => flavor.diskGib + localGibOf(flavor);

export const nameOf = (name: string, index: number): string => `${name}-${index + 1}`;

/**
 * Why the name, with the suffixes for `count` instances, is too long; undefined: it is not. Without a count
 * the name gets no suffix.
 */
export function longNameDenied(name: string, count: number | undefined): Denial | undefined {
  if (count === undefined) return undefined;
  const longest = nameOf(name, count - 1);
  // Counted as validators count: in characters, not in units of UTF-16.
  const [length, given] = [[...longest].length, [...name].length];
  if (length <= fieldLimits.nameLengthMax) return undefined;
  const most = fieldLimits.nameLengthMax - (length - given);
  const may = `may have ${counted(most, "character")} with a count of ${count}, for each gets a suffix`;
  return faultDenial("name", `${may}; it has ${given}`);
}

/** The same of the host name that was asked for. */
export function longHostnameDenied(
  hostname: string | undefined,
  count: number | undefined,
): Denial | undefined {
  if (hostname === undefined || count === undefined) return undefined;
  const most = fieldLimits.hostnameLengthMax - nameOf("", count - 1).length;
  if (hostname.length <= most) return undefined;
  const may = `may have ${counted(most, "character")} with a count of ${count}, for each gets a suffix`;
  return faultDenial("hostname", `${may}; it has ${hostname.length}`);
}

export function create(facts: CreateFacts): Created {
  const instances = facts.births.map((birth, index) => newInstance(facts, birth, index));
  const changed = instances.map((loaded, index) => answerFor(loaded, facts.births[index]));
  const answer = answerOf(changed, facts.many);
  const commit: Commit = {
    request: { ...facts.request, answer, atMs: facts.nowMs },
    instances: instances.map(({ instance, guestData }) => ({
      expectedVersion: 0,
      row: instance,
      ...(guestData && { guestData }),
    })),
    claims: instances.flatMap(({ claims }) => claims),
    operations: instances.flatMap(({ operation }) => operation ?? []),
    ...rowsOf(facts),
    events: [
      ...instances.map((loaded) => birthEvent(loaded, facts)),
      ...[...facts.wired, ...facts.furnished].flatMap(({ events }) => events),
    ],
  };
  return { commit, instances };
}

const rowsOf = ({ wired, furnished }: CreateFacts): Pick<Commit, "rows"> =>
  wired.length + furnished.length === 0
    ? {}
    : {
        rows: [
          ...wired.flatMap(({ ports }) => ports),
          ...wired.flatMap(({ plugs }) => plugs),
          ...furnished.flatMap(({ rows }) => rows),
        ],
      };

function answerOf(changed: readonly Changed[], many: boolean): CreateAnswer {
  const [first] = changed;
  if (first === undefined) throw new Error("A create makes at least one instance.");
  if (!many) return first;
  const more = changed
    .slice(placementLimits.createListedMax)
    .map(({ instance, operation }) => ({ instanceId: instance.id, operationId: operation.id }));
  return {
    ...first,
    all: changed.slice(0, placementLimits.createListedMax),
    ...(more.length === 0 ? {} : { more }),
  };
}

function answerFor(loaded: LoadedInstance, birth: Birth | undefined): Changed {
  if (loaded.operation === undefined || birth === undefined) throw new Error("A birth has an operation.");
  return commandAnswer(loaded, loaded.operation, { name: birth.hostName, alive: true });
}

function newInstance(facts: CreateFacts, birth: Birth, index: number): LoadedInstance {
  const instance = newRecord(facts, birth, index);
  const state = externalState(intentFacts(instance), undefined);
  const operation = newOperation(facts, birth, instance);
  return {
    instance: { ...instance, state },
    machines: [],
    claims: [claimOf({ instance }, birth)],
    operation,
    ...(facts.guest.data && { guestData: facts.guest.data }),
  };
}

function newRecord(facts: CreateFacts, birth: Birth, index: number): InstanceRecord {
  const { image, nowMs } = facts;
  const flavor = effectiveSize(facts.flavor, image);
  const name = facts.many ? nameOf(facts.name, index) : facts.name;
  const record: InstanceRecord = {
    id: birth.instanceId,
    project: facts.request.project,
    name,
    version: 1,
    generation: 1,
    desired: "running",
    stop: { mode: "graceful", timeoutMs: lifeLimits.stopTimeoutMsDefault },
    resetCount: 0,
    resetMode: "hard",
    startCount: 1,
    built: false,
    state: "building",
    settled: false,
    flavor,
    image: {
      id: image.id,
      name: image.name,
      disk: image.disk,
      kernel: image.kernel,
      ramdisk: image.ramdisk,
      commandLine: image.commandLine,
      properties: image.properties,
    },
    metadata: facts.metadata,
    description: facts.description,
    lock: null,
    macAddress: macAddressOf(birth.instanceId),
    volumes: facts.furnished[index]?.volumes ?? null,
    guest: guestOf(facts, { name, instanceId: birth.instanceId }, index),
    shape: firstShape(birth.shapes, image.properties.extra?.hw_machine_type),
    interfaces: facts.wired[index]?.interfaces ?? null,
    recovery: facts.recovery,
    storageId: birth.storageId,
    movable: false,
    hostId: birth.hostId,
    ownerEpoch: 1,
    attempt: 1,
    excludedHosts: [],
    ...facts.where,
    operationId: birth.operationId,
    failure: null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    deletedAtMs: null,
  };
  return { ...record, movable: isMovable(record) };
}

function guestOf(
  { guest: { hostname, keyName, configDrive, userDataBytes }, many }: CreateFacts,
  named: Parameters<typeof hostnameOf>[0],
  launchIndex: number,
): GuestRecord {
  const asked = hostname === null || !many ? hostname : nameOf(hostname, launchIndex);
  return { hostname: asked ?? hostnameOf(named), launchIndex, keyName, configDrive, userDataBytes };
}

function newOperation(
  { request, nowMs }: CreateFacts,
  birth: Birth,
  instance: Parameters<typeof allowedMs>[0],
): OperationRecord {
  return {
    id: birth.operationId,
    project: request.project,
    noun: "instance",
    entityId: birth.instanceId,
    toHost: null,
    kind: "create",
    state: "running",
    percent: 10,
    step: "placed",
    steps: [
      { step: "accepted", atMs: nowMs },
      { step: "placed", atMs: nowMs, message: birth.hostName },
    ],
    requestId: request.requestId,
    startedAtMs: nowMs,
    deadlineAtMs: nowMs + allowedMs(instance, "create"),
    endedAtMs: null,
    error: null,
  };
}

function birthEvent({ instance, operation }: LoadedInstance, { request, nowMs }: CreateFacts): NewEvent {
  const about = {
    atMs: nowMs,
    project: instance.project,
    noun: "instance",
    id: instance.id,
    requestId: request.requestId,
    ...(operation === undefined ? {} : { operationId: operation.id }),
  };
  const { name, generation, flavor, image, hostId } = instance;
  const flavorName = flavor.name;
  const body = {
    command: "create",
    changed: true,
    name,
    generation,
    flavorName,
    imageName: image.name,
    hostId,
  };
  return { ...about, event: "accepted", body };
}
