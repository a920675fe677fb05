/**
 * Messages between controllers and hosts: what a controller tells a host's agent (`ensure`: level-triggered
 * and idempotent), and what the agent reports. Each message about a machine carries the owner epoch of the
 * instance: a host with an older owner epoch does not own the instance any more, and its reports are ignored.
 */
import { type Static, Type } from "@sinclair/typebox";
import { guardDeeds, guardReasons } from "./guard.ts";
import { GuestData } from "./guest-data.ts";
import { HostDrivers } from "./host-drivers.ts";
import { hostImageMethods } from "./host-images.ts";
import { hostPortMethods } from "./host-ports.ts";
import { hostVolumeMethods } from "./host-volumes.ts";
import { diskFormats } from "./image.ts";
import { ImageCacheAudit } from "./image-cache.ts";
import { imagePeerTold, imageTicketMethods } from "./image-ticket.ts";
import { MachineInterface } from "./interface.ts";
import { audited, keptThings } from "./kept-thing.ts";
import { architectures } from "./kinds.ts";
import { fieldLimits } from "./limits/fields.ts";
import { leaseLimits } from "./limits/lease.ts";
import { networkLimits } from "./limits/network.ts";
import { placementLimits } from "./limits/placement.ts";
import { reportLimits } from "./limits/report.ts";
import { spaceLimits } from "./limits/space.ts";
import { storageLimits } from "./limits/storage.ts";
import { localDisksTold } from "./local-disks.ts";
import { MachineIntent } from "./machine-intent.ts";
import { MachineVolume, SeenVolume, VolumeRef } from "./machine-volume.ts";
import { HostNetworkingAnswer, HostNetworkingRequest, NetworkingAudit } from "./networking.ts";
import { NumaPlacement } from "./numa.ts";
import { HostText, HostWord, hostWords, OfferedLabels, OfferedNumaNode, upTo } from "./offered.ts";
import { PluginVersion, Release } from "./release.ts";
import { MachineShape } from "./shape.ts";
import { sharedDiskMethods, storageLeaseStates } from "./shared-disk.ts";
import { Space } from "./space.ts";
import { machineReasons, machineStates, recoveryPolicies } from "./states.ts";
import { VolumeStorageState } from "./volume-storage.ts";
import {
  answer,
  Count,
  growing,
  Id,
  Label,
  lenient,
  literals,
  Name,
  nullable,
  request,
  Sha256,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export { MachineIntent } from "./machine-intent.ts";
export { MachineVolume, SeenVolume, VolumeRef } from "./machine-volume.ts";
export { SharedDisk } from "./shared-disk.ts";

const file = { sha256: Sha256, sizeBytes: Count };

/** Everything a host needs to make a guest; fixed for one owner epoch of an instance. */
export const MachineSpec = answer({
  instanceId: Id,
  project: Id,
  name: Name,
  ownerEpoch: Count,
  architecture: literals(architectures),
  vcpus: Count,
  memoryMib: Count,
  /** Size of the root disk in GiB; 0: the size of the image's disk, or no disk when the image has none. */
  diskGib: Count,
  ...localDisksTold,
  image: answer({
    id: Id,
    disk: nullable(answer({ ...file, format: literals(diskFormats), virtualSizeBytes: Count })),
    kernel: nullable(answer(file)),
    ramdisk: nullable(answer(file)),
    commandLine: Type.String(),
  }),
  macAddress: Type.String({ pattern: "^([0-9a-f]{2}:){5}[0-9a-f]{2}$" }),
  /**
   * True: another host may take the guest over once this host's lease has ended, so the guest must not run
   * without a host lease.
   */
  fence: Type.Boolean(),
  /** The shared storage of the root disk. Null: the host's own directory. */
  storageId: nullable(Id),
  /** True: the disk exists already, left by an older owner epoch on another host: it is never made anew. */
  takesOverDisk: Type.Boolean(),
  /** What the agent does when the guest goes down without being asked to. */
  recovery: literals(recoveryPolicies),
  /** Machine type of a guest without a shape (QEMU: `-machine`). Null: the host's choice. */
  machineType: nullable(Label),
  /** What the guest is told about itself, as of the newest command. Absent: nothing but its name. */
  guest: Type.Optional(GuestData),
  /** Absent: the guest has the devices of the version before shapes. */
  shape: Type.Optional(MachineShape),
  /** Interfaces in the guest's order. Absent: a single interface with `macAddress`, on no network. */
  interfaces: Type.Optional(Type.Array(MachineInterface)),
  /** Absent: the guest is told of no volumes, and none that it may have is touched. */
  volumes: Type.Optional(Type.Array(MachineVolume, { maxItems: storageLimits.volumesPerInstanceMax })),
  /** Of those that are to go: the guest is not asked for these. Absent: it is asked for each. */
  forcedVolumes: Type.Optional(Type.Array(VolumeRef, { maxItems: storageLimits.volumesPerInstanceMax })),
  /** What the guest is given of the host's NUMA nodes. Null: no CPUs, memory or huge pages of its own. */
  numa: nullable(NumaPlacement),
});
export type MachineSpec = Static<typeof MachineSpec>;

/** A number that a host reports: far below the largest integer, so that controllers may add to the number. */
const Observed = Type.Integer({ minimum: 0, maximum: reportLimits.observedCountMax });
const ObservedAtMs = Type.Integer({ minimum: 0, maximum: reportLimits.observedAtMsMax });
const ObservedText = Type.String({ maxLength: reportLimits.observedTextLengthMax });

/**
 * What a host's agent observes of a machine. Only the agent raises `generation`, with every change
 * (generation.ts).
 */
export const Observation = answer({
  instanceId: Id,
  ownerEpoch: Observed,
  generation: Observed,
  intentGeneration: Observed,
  resetCount: Observed,
  state: literals(machineStates),
  /** An older controller takes an unknown reason for `requested`: the state says what matters. */
  reason: growing(machineReasons, "requested"),
  /** Public: what went wrong; empty when nothing did. */
  message: ObservedText,
  address: nullable(Type.String({ maxLength: reportLimits.observedAddressLengthMax })),
  startedAtMs: nullable(ObservedAtMs),
  atMs: ObservedAtMs,
  /**
   * Ids of its ports that are plugged in. The host has nothing of any other but those of this intent, which
   * may be on their way. Absent: not known now, or it is told of none.
   */
  ports: Type.Optional(Type.Array(Id, { maxItems: networkLimits.interfacesPerInstanceMax })),
  /**
   * Its volumes. Its process has no other open but those of this intent, which may be on their way. Absent:
   * not known now, or it is told of none.
   */
  volumes: Type.Optional(Type.Array(SeenVolume, { maxItems: storageLimits.volumesPerInstanceMax })),
});
export type Observation = Static<typeof Observation>;

/**
 * The observations in a report. A controller leaves out an observation with a word that it does not know or a
 * number that cannot be, and does not store it; so the agent sends it again until a controller takes it.
 */
const reported = lenient(Observation, reportLimits.reportEntriesMax);

const entityless = { target: "collection", audience: "admin", mutates: true } as const;

const words = (maxItems: number) => Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems });

/** What a host answers to; subject `…host.<hostId>.<method>`. */
export const hostAgentService = service({
  noun: "host-agent",
  version: "1.0.0",
  summary: "What controllers ask of a host.",
  peers: true,
  methods: {
    ensure: method({
      request: request({
        spec: MachineSpec,
        intent: MachineIntent,
        /**
         * The newest generation that a controller has seen of this machine: an agent that lost the machine's
         * file counts on from there.
         */
        observedGeneration: Observed,
        /**
         * The lease epoch under which the claim was made: a guest with `fence` runs only while its host holds
         * this very host lease. 0: the guest needs no host lease.
         */
        leaseEpoch: Count,
        /**
         * Features that the agent must have for this request (agent-needs.ts): an agent that does not know
         * all of these words refuses the request, and starts nothing.
         */
        needs: words(placementLimits.agentNeedsMax),
      }),
      answer: answer({ observation: Observation }),
      ...entityless,
      summary:
        "Makes the machine be what the intent says; answers at once with what it is now. power deleted removes all of it.",
    }),
    storageLease: method({
      request: request({
        /** The other host, whose storage lease is looked at. */
        hostId: Id,
        leaseEpoch: Count,
        /**
         * True: take the storage lease when nobody holds it. No process can be started under a taken lease
         * any more.
         */
        take: Type.Boolean(),
      }),
      answer: answer({ state: literals(storageLeaseStates) }),
      ...entityless,
      summary: "Looks at another host's lease on the storage that both share, or takes it.",
    }),
    console: method({
      request: request({
        instanceId: Id,
        offset: Type.Optional(Count),
        tailLines: Type.Optional(Count),
        waitMs: Type.Optional(Count),
      }),
      answer: answer({ text: Type.String(), offset: Count, nextOffset: Count, more: Type.Boolean() }),
      ...entityless,
      mutates: false,
      summary: "Reads a guest's console log.",
    }),
    networkChanged: method({
      request: request({}),
      answer: answer({}),
      ...entityless,
      summary: "What the host knows of networks may have changed: it asks again.",
    }),
    /** Separate from `audit`, which looks at files and processes: users ask for this. */
    networkState: method({
      request: request({}),
      answer: answer({ /** Null: the host has no network. */ networking: nullable(NetworkingAudit) }),
      ...entityless,
      mutates: false,
      summary: "Says what of its networks the host has applied.",
    }),
    ...hostPortMethods,
    audit: method({
      request: request({}),
      answer: answer({
        hostId: Id,
        /** The machines as the host's actors know them. */
        machines: audited(Observation),
        ...keptThings,
        /** False: the disks end with the agent, and none of them is missed. Absent: they stay. */
        keepsDisks: Type.Optional(Type.Boolean()),
        /** Sockets and processes that belong to no instance: stray sockets, processes without a directory. */
        strays: audited(ObservedText),
        /** The host's file systems. Absent: they are not known. */
        space: Type.Optional(lenient(Space, spaceLimits.spacesMax)),
        /** The storages of its volumes that have answered. Absent: none has, or its agent does not say. */
        volumeStorages: Type.Optional(lenient(VolumeStorageState, storageLimits.volumeStoragesPerHostMax)),
        /** How its cache of images stands. Absent: it has none, or its agent does not say. */
        imageCache: Type.Optional(ImageCacheAudit),
        /** How its network stands. Absent: the host has none, or its agent does not say. */
        networking: Type.Optional(NetworkingAudit),
        /** What the agent has loaded, in the order of its cluster.yaml. Absent: the agent does not say. */
        plugins: Type.Optional(lenient(PluginVersion, fieldLimits.pluginsMax)),
      }),
      ...entityless,
      mutates: false,
      summary: "Lists what the host believes and what is really there.",
    }),
    release: method({
      request: request({}),
      answer: Release,
      ...entityless,
      mutates: false,
      summary: "Says which version and commit the agent runs.",
    }),
    ...sharedDiskMethods,
    ...hostVolumeMethods,
    ...hostImageMethods,
  },
});

/** The inventory that a host reports when its agent starts. */
export const HostInventory = answer({
  hostId: Id,
  /** The node's name in cluster.yaml. */
  name: Type.String({ pattern: "^[A-Za-z0-9_.-]{1,64}$" }),
  bootId: HostWord,
  architecture: literals(architectures),
  hypervisor: HostWord,
  accelerator: HostWord,
  acceleratorReason: HostText,
  hypervisorVersion: HostText,
  /** CPUs of the host times the overcommit ratio; memory and disk likewise. */
  vcpus: upTo(fieldLimits.hostVcpusMax),
  memoryMib: upTo(fieldLimits.hostMemoryMibMax),
  diskGib: upTo(fieldLimits.hostDiskGibMax),
  /** The operator's labels for the host: `nodes[].labels` of cluster.yaml. */
  labels: OfferedLabels,
  /** Feature flags of the host's CPUs. */
  features: hostWords(fieldLimits.hostFeaturesMax),
  /** Machine types that the hypervisor offers; empty: it does not list them. */
  machineTypes: hostWords(fieldLimits.hostMachineTypesMax),
  /** NUMA nodes of the host; empty: they are not known, and guests are given none. */
  numa: Type.Array(OfferedNumaNode, { maxItems: fieldLimits.hostNumaNodesMax }),
  /**
   * Id of the shared storage that the guests' disks are on: hosts with the same id can open each other's
   * disks. Null: disks are in the host's own directory.
   */
  storageId: nullable(Id),
  /** Absent: an agent of before; nothing is known of them, and its hypervisor is taken to log consoles. */
  drivers: Type.Optional(HostDrivers),
});
export type HostInventory = Static<typeof HostInventory>;

/** What the guard of a host did to one guest. */
const ReportedDeed = answer({
  number: Observed,
  instanceId: Id,
  ownerEpoch: Observed,
  what: literals(guardDeeds),
  why: literals(guardReasons),
  atMs: ObservedAtMs,
});
export type ReportedDeed = Static<typeof ReportedDeed>;

/** What agents report; subject `…report.<hostId>.<method>`. A host may publish only under its own id. */
export const reportService = service({
  noun: "report",
  version: "1.0.0",
  summary: "What hosts report.",
  peers: true,
  methods: {
    register: method({
      request: request({
        inventory: HostInventory,
        machines: reported,
        /**
         * The words of `ensure`'s `needs` that the agent knows. Without `binding`, the scheduler offers none
         * of the host's NUMA nodes.
         */
        knows: words(placementLimits.agentNeedsMax),
      }),
      answer: answer({ accepted: Type.Boolean() }),
      ...entityless,
      summary: "The agent is up: what the host has, and every machine on it.",
    }),
    heartbeat: method({
      request: request({
        /** True: `machines` is everything the host has. False: only what changed and is not yet stored. */
        complete: Type.Boolean(),
        machines: reported,
        stopping: Type.Boolean(),
        /**
         * Lease epoch of the host lease that was held at the time of this report; claims made under an
         * earlier lease epoch are renewed under this one while their machines are down. 0: the host held no
         * lease.
         */
        leaseEpoch: Count,
        /** The host's file systems; on a full one no new guest is made. Absent: they are not known. */
        space: Type.Optional(lenient(Space, spaceLimits.spacesMax)),
        /** The storages of its volumes that have answered. Absent: none has, or an agent of before. */
        volumeStorages: Type.Optional(lenient(VolumeStorageState, storageLimits.volumeStoragesPerHostMax)),
        ...imagePeerTold,
      }),
      answer: answer({
        /** False: the controller does not know the host, which has to register again. */
        known: Type.Boolean(),
        /** Ids of the instances whose observations are durable now; the agent sends the others again. */
        stored: Type.Array(Id),
      }),
      ...entityless,
      summary: "The host lives; and what its machines are doing.",
    }),
    lease: method({
      request: request({
        /** Lease epoch of the host lease that the host believes to hold; 0: none. */
        leaseEpoch: Count,
        /** True: no process is left of the guests of that lease that another host may take over. */
        cleaned: Type.Boolean(),
        /**
         * The shared storage on which every guest of that host lease that another host may take over holds
         * the host's storage lease; guests that start before the next renewal will hold it too. Null: there
         * is none.
         */
        storageId: nullable(Id),
      }),
      answer: answer({
        leaseEpoch: Count,
        /**
         * True: renewed, for leaseLimits.leaseTtlMs counted from before the request was sent. False: the host
         * was fenced; it has to clean up, then ask again.
         */
        held: Type.Boolean(),
      }),
      ...entityless,
      summary: "Renews the host's lease, or grants a new one after a fence.",
    }),
    guarded: method({
      request: request({
        /** Boot of the host's computer, in which the numbers of deeds rise. */
        bootId: HostWord,
        deeds: lenient(ReportedDeed, leaseLimits.guardDeedsPageMax),
      }),
      answer: answer({}),
      ...entityless,
      summary: "What the host's guard did to guests, and why; said again until it is answered.",
    }),
    networkPull: method({
      request: HostNetworkingRequest,
      answer: HostNetworkingAnswer,
      ...entityless,
      summary: "What the host has to know of the networks of its guests, as of one moment.",
    }),
    ...imageTicketMethods,
  },
});
