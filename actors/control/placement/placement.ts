/**
 * Makes the scheduler's request for an instance: its size and wishes, with hints and groups resolved to the
 * hosts where other instances are now. Resolved anew for every choice: members come and go.
 */
import type { Image } from "../../../protocol/image.ts";
import { localGibOf } from "../../../protocol/local-disks.ts";
import { port } from "../../../protocol/port.ts";
import { serverGroup } from "../../../protocol/server-group.ts";
import type { MachineShape } from "../../../protocol/shape.ts";
import type { StorePart } from "../../ports/store.ts";
import type { AttachedVolume, InstanceRecord } from "../../records/instance.ts";
import type { InstanceHints } from "../../records/placement.ts";
import type {
  GroupMembership,
  Hints,
  Packets,
  PlacedVolumes,
  PlacementRequest,
} from "../scheduler/messages.ts";

/** What an instance wants of its host, as stored with the instance. */
export interface Wish {
  readonly project: string;
  /** Absent before the instance exists. */
  readonly instanceId?: string;
  readonly flavor: InstanceRecord["flavor"];
  readonly imageProperties: Image["properties"];
  readonly excluded: PlacementRequest["excluded"];
  readonly availabilityZone: string | null;
  readonly serverGroupId: string | null;
  readonly hints: InstanceHints | null;
  /** The shared storage of its disk, once there is a disk. */
  readonly storageId?: string | null;
  /** Its guest is told about itself by a drive of its own. Absent: it is not. */
  readonly configDrive?: boolean;
  /** The packets of the named interfaces. Absent: the create names no interfaces. */
  readonly networked?: Packets | undefined;
  /** Ports whose limits are read anew, since they change while the guest runs. Absent: none. */
  readonly portIds?: readonly string[];
  /** Absent: it has none. */
  readonly volumes?: PlacedVolumes | undefined;
  /** GiB that new volumes take where root disks are. Absent: none. */
  readonly volumeGib?: number;
  /** Whether ports of a new instance are to be published; it may go on elsewhere without. Absent: false. */
  readonly publishing?: boolean;
  /** The shape that the machine has had since its first boot. Null: none. */
  readonly shape?: MachineShape | null;
}

export type PlacementStore = StorePart<{ instances: "get"; rows: "called"; serverGroups: "hosts" }>;

/** The packets of all these interfaces. */
export const packetsOf = (
  interfaces: readonly {
    readonly mtuBytes: number;
    readonly physicalNetwork?: string | null;
    /** Absent: true. */
    readonly portSecurity?: boolean;
    readonly isLimited?: boolean;
  }[],
): Packets => ({
  mtuBytes: Math.max(0, ...interfaces.map(({ mtuBytes }) => mtuBytes)),
  physicalNetworks: [...new Set(interfaces.map(({ physicalNetwork = null }) => physicalNetwork))],
  ...(interfaces.some(({ portSecurity = true }) => portSecurity) ? { filtered: true } : {}),
  ...(interfaces.some(({ isLimited }) => isLimited === true) ? { isLimited: true } : {}),
});

export function wishOf(instance: InstanceRecord): Wish {
  if (instance.desired === "deleted") return wishToRemove(instance);
  const { id, project, flavor, image, excludedHosts, availabilityZone, serverGroupId, hints, guest } =
    instance;
  const storageId = instance.built ? instance.storageId : null;
  const lasting = instance.built ? withoutHost(hints) : hints;
  const where = { availabilityZone, serverGroupId, hints: lasting };
  const configDrive = guest?.configDrive ?? false;
  const shape = instance.built ? instance.shape : null;
  const networked = instance.interfaces === null ? undefined : packetsOf(instance.interfaces);
  const portIds = (instance.interfaces ?? []).map(({ portId }) => portId);
  const on = { configDrive, networked, portIds, shape, volumes: placedOf(instance.volumes ?? []) };
  const about = { project, instanceId: id, flavor, ...where, storageId, ...on };
  return { ...about, imageProperties: ofImage(image), excluded: excludedHosts };
}

/** An instance whose root disk is a volume, or that has none, needs no room for the image's. */
const ofImage = ({ disk, properties }: InstanceRecord["image"]): Wish["imageProperties"] =>
  disk === null ? { ...properties, diskGibMin: 0 } : properties;

function placedOf(volumes: readonly AttachedVolume[]): PlacedVolumes | undefined {
  if (volumes.length === 0) return undefined;
  return {
    storageIds: [...new Set(volumes.flatMap(({ storageId }) => storageId ?? []))],
    hostIds: [...new Set(volumes.flatMap(({ hostId }) => hostId ?? []))],
  };
}

/**
 * Hints without the operator's choice of a host. As in Nova that choice is only for where an instance begins:
 * one that has run may go anywhere when its host is lost or drained.
 */
function withoutHost(hints: InstanceHints | null): InstanceHints | null {
  const { hostId: _, ...others } = hints ?? {};
  return Object.keys(others).length === 0 ? null : others;
}

/** The wish for a host to remove a disk: any host that shares the disk's storage, however full. */
function wishToRemove({ id, project, flavor, image, storageId }: InstanceRecord): Wish {
  const { extra: _, ...properties } = image.properties;
  const anyHost = { ...properties, memoryMibMin: 0, diskGibMin: 0 };
  const nothing = { availabilityZone: null, serverGroupId: null, hints: null };
  const size = { id: flavor.id, name: flavor.name, vcpus: 0, memoryMib: 0, diskGib: 0, extraSpecs: {} };
  const about = { project, instanceId: id, flavor: size, ...nothing, storageId };
  return { ...about, imageProperties: anyHost, excluded: [] };
}

/**
 * Resolves a wish; reads nothing when it has neither hints, a group nor ports. @throws UNAVAILABLE
 * storeUnavailable
 */
export async function placementRequest(wish: Wish, store: PlacementStore): Promise<PlacementRequest> {
  const { flavor, availabilityZone, project, storageId = null, shape = null } = wish;
  const { vcpus, memoryMib, extraSpecs } = flavor;
  // An instance that moves takes no new room on a shared storage: the disk is there.
  const diskGib = (storageId === null ? flavor.diskGib : 0) + (wish.volumeGib ?? 0);
  const { extra: imageProperties, ...image } = wish.imageProperties;
  const networked = await packetsNow(wish, store);
  const plain: PlacementRequest = {
    ...{ vcpus, memoryMib, diskGib, project, image, excluded: wish.excluded },
    flavor: flavor.name,
    ...(Object.keys(extraSpecs).length === 0 ? {} : { extraSpecs }),
    ...(imageProperties === undefined ? {} : { imageProperties }),
    ...(availabilityZone === null ? {} : { availabilityZone }),
    ...(storageId === null ? {} : { storageId }),
    ...(wish.volumes === undefined ? {} : { volumes: wish.volumes }),
    ...(wish.configDrive === true ? { configDrive: true } : {}),
    ...(localGibOf(flavor) > 0 ? { localDisks: true } : {}),
    ...(networked === undefined ? {} : { networked }),
    ...(wish.publishing === true ? { publishing: true } : {}),
    ...(shape === null ? {} : { shape }),
  };
  if (wish.hints === null && wish.serverGroupId === null) return plain;
  const [hints, group] = await Promise.all([hintsOf(wish, store), groupOf(wish, store)]);
  return {
    ...plain,
    ...(hints === undefined ? {} : { hints }),
    ...(group === undefined ? {} : { group }),
  };
}

async function packetsNow(
  { networked, portIds = [] }: Wish,
  store: PlacementStore,
): Promise<Packets | undefined> {
  if (networked === undefined || portIds.length === 0) return networked;
  const rows = (await Promise.all(portIds.map((id) => store.rows.called(port, id)))).flat();
  return rows.some(({ bandwidth }) => bandwidth !== null) ? { ...networked, isLimited: true } : networked;
}

async function hintsOf({ hints }: Wish, store: PlacementStore): Promise<Hints | undefined> {
  if (hints === null) return undefined;
  const { sameHost, differentHost, hostId } = hints;
  const [same, different] = await Promise.all([hostsOf(sameHost, store), hostsOf(differentHost, store)]);
  return {
    // The hint sameHost asks for nothing once all instances that it names have left their hosts.
    ...(same === undefined || same.length === 0 ? {} : { sameHost: same }),
    ...(different === undefined ? {} : { differentHost: different }),
    ...(hostId === undefined ? {} : { hostId }),
  };
}

/** The hosts of these instances; an instance on no host (any more) adds none. */
async function hostsOf(
  instanceIds: readonly string[] | undefined,
  store: PlacementStore,
): Promise<readonly string[] | undefined> {
  if (instanceIds === undefined) return undefined;
  const rows = await Promise.all(instanceIds.map((id) => store.instances.get(id)));
  const hostIds = rows.flatMap((row) => row?.instance.hostId ?? []);
  return [...new Set(hostIds)];
}

async function groupOf(
  { serverGroupId, instanceId }: Wish,
  store: PlacementStore,
): Promise<GroupMembership | undefined> {
  if (serverGroupId === null) return undefined;
  const [[group], hosts] = await Promise.all([
    store.rows.called(serverGroup, serverGroupId),
    store.serverGroups.hosts(serverGroupId, instanceId),
  ]);
  if (group === undefined) return undefined;
  const { id, policy, maxPerHost } = group;
  const hostIds = hosts.flatMap(({ hostId, members }) => Array.from({ length: members }, () => hostId));
  return { id, policy, hostIds, ...(maxPerHost === null ? {} : { maxPerHost }) };
}
