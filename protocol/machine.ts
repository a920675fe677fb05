/**
 * Between controllers and hosts: what a host is told (`ensure`, level-triggered and idempotent), and what it
 * reports. Everything carries the instance's epoch: a host that owns an older one has nothing to say any
 * more.
 */
import { type Static, Type } from "@sinclair/typebox";
import { diskFormats } from "./image.ts";
import { architectures } from "./kinds.ts";
import { limits } from "./limits/limits.ts";
import { NumaNode, NumaPlacement } from "./numa.ts";
import { desiredPowers, machineReasons, machineStates, recoveryPolicies } from "./states.ts";
import {
  answer,
  Count,
  growing,
  HostLabels,
  Id,
  Label,
  lenient,
  literals,
  Name,
  nullable,
  request,
  Sha256,
  TimeMs,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

const file = { sha256: Sha256, sizeBytes: Count };

/** Everything a host needs to make a guest; fixed for one epoch of an instance. */
export const MachineSpec = answer({
  instanceId: Id,
  project: Id,
  name: Name,
  epoch: Count,
  architecture: literals(architectures),
  vcpus: Count,
  memoryMib: Count,
  /** Size of the root disk; 0: as large as the image's, or none when the image has no disk. */
  diskGib: Count,
  image: answer({
    id: Id,
    disk: nullable(answer({ ...file, format: literals(diskFormats), virtualSizeBytes: Count })),
    kernel: nullable(answer(file)),
    ramdisk: nullable(answer(file)),
    commandLine: Type.String(),
  }),
  macAddress: Type.String({ pattern: "^([0-9a-f]{2}:){5}[0-9a-f]{2}$" }),
  /**
   * Another host may take it over when this host's lease has ended: without a lease it must not run. Absent:
   * false.
   */
  fence: Type.Optional(Type.Boolean()),
  /** The shared storage that its disk is in. Absent: its host's own. */
  storageId: Type.Optional(Id),
  /** Its disk is there already, left by an older epoch on another host; none is ever made. Absent: false. */
  takesOverDisk: Type.Optional(Type.Boolean()),
  /** What its host does when the guest went down without being asked. Absent: as `restart`. */
  recovery: Type.Optional(literals(recoveryPolicies)),
  /** What the hypervisor pretends to be, in its words. Absent: its host's choice. */
  machineType: Type.Optional(Label),
  /** What it has of the host's cells. Absent: nothing of the kind was asked for. */
  numa: Type.Optional(NumaPlacement),
});
export type MachineSpec = Static<typeof MachineSpec>;

/** What the machine shall be; the newest generation counts, whatever came before it. */
export const MachineIntent = answer({
  generation: Count,
  power: literals(desiredPowers),
  stop: answer({ mode: literals(["graceful", "hard"]), timeoutMs: Count }),
  /**
   * Resets asked for since the instance exists; the machine resets once when its own count is lower, and
   * takes this one.
   */
  resetCount: Count,
  resetMode: literals(["soft", "hard"]),
  /** Starts asked for by a user: raises the patience with a crashing guest anew. */
  startCount: Count,
  /**
   * With power `deleted`: the guest goes on elsewhere. Its disk on shared storage stays, and while the host
   * holds its lease the guest is asked to shut down, as `stop` says. Absent: false.
   */
  keepDisk: Type.Optional(Type.Boolean()),
});
export type MachineIntent = Static<typeof MachineIntent>;

/** What a machine is seen doing. `generation` is raised by its host alone, with every change. */
export const Observation = answer({
  instanceId: Id,
  epoch: Count,
  generation: Count,
  intentGeneration: Count,
  resetCount: Count,
  state: literals(machineStates),
  /** A state says the most: a reason that its reader does not know is none. */
  reason: growing(machineReasons, "requested"),
  /** Public; what went wrong, or empty. */
  message: Type.String(),
  address: nullable(Type.String()),
  startedAtMs: nullable(TimeMs),
  atMs: TimeMs,
});
export type Observation = Static<typeof Observation>;

/**
 * What a host reports. An observation in a state that a controller does not know is left out: it is not
 * stored, so that the host says it again until a controller that knows the state takes it.
 */
const reported = lenient(Observation);

/**
 * `held`: by a process of that host. `free`: by nobody, and it was not taken. `absent`: there is none, or
 * this host does not see it.
 */
const storageLeaseStates = ["held", "free", "taken", "absent"] as const;
/** On storage that hosts share: what one epoch of an instance has there, or has left there. */
export const SharedDisk = answer({ instanceId: Id, epoch: Count });
export type SharedDisk = Static<typeof SharedDisk>;

const entityless = { target: "collection", audience: "admin", mutates: true } as const;

/** What a host answers to; subject `…host.<hostId>.<method>`. */
const ensured = {
  spec: MachineSpec,
  intent: MachineIntent,
  /**
   * The newest generation a controller has seen of this machine: a host that lost its file counts on from
   * there.
   */
  observedGeneration: Count,
};

export const hostAgentService = service({
  noun: "host-agent",
  version: "1.0.0",
  summary: "What controllers ask of a host.",
  peers: true,
  methods: {
    ensure: method({
      request: request(ensured),
      answer: answer({ observation: Observation }),
      ...entityless,
      summary:
        "Makes the machine be what the intent says; answers at once with what it is now. power deleted removes all of it.",
    }),
    /** A method of its own: an agent that knows no leases must not start such a guest, and refuses it. */
    ensureLeased: method({
      request: request({
        ...ensured,
        /**
         * The epoch of the host's lease that the claim was made under: a guest with `fence` runs only while
         * its host holds this very lease.
         */
        leaseEpoch: Count,
      }),
      answer: answer({ observation: Observation }),
      ...entityless,
      summary: "The same for a guest that another host takes over when this host's lease has ended.",
    }),
    storageLease: method({
      request: request({
        /** Of another host, whose lease it is. */
        hostId: Id,
        leaseEpoch: Count,
        /** Take it, when nobody holds it: nothing can ever be begun under it then. */
        take: Type.Boolean(),
      }),
      answer: answer({ state: literals(storageLeaseStates) }),
      ...entityless,
      summary: "Looks at another host's lease on the storage that both share, or takes it.",
    }),
    /** A method of its own: an agent that knows nothing of these must not start it as any other. */
    ensureBound: method({
      request: request({ ...ensured, leaseEpoch: Type.Optional(Count) }),
      answer: answer({ observation: Observation }),
      ...entityless,
      summary:
        "The same for a guest with CPUs, cells or pages of its own, or a machine type, whether it needs a lease or not.",
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
    audit: method({
      request: request({}),
      answer: answer({
        hostId: Id,
        /** What the host's actors believe. */
        machines: Type.Array(Observation),
        /** What is there, found without asking the actors. */
        processes: Type.Array(answer({ instanceId: Type.String(), pid: Count, status: Type.String() })),
        /** Instance ids that have a directory, and what is in it. */
        directories: Type.Array(answer({ instanceId: Type.String(), files: Type.Array(Type.String()) })),
        /** Things that belong to no instance: stray sockets, processes without a directory. */
        strays: Type.Array(Type.String()),
      }),
      ...entityless,
      mutates: false,
      summary: "Lists what the host believes and what is really there.",
    }),
    /** Apart from `audit`: one host of those that share a storage is asked, for all of them. */
    sharedDisks: method({
      request: request({
        storageId: Id,
        /** The last instance id of the page before. */
        marker: Type.Optional(Id),
      }),
      answer: answer({ disks: Type.Array(SharedDisk), nextMarker: Type.Optional(Id) }),
      ...entityless,
      mutates: false,
      summary: "Lists the disks on the storage that the host shares with others, in order of instance ids.",
    }),
    removeSharedDisks: method({
      request: request({
        storageId: Id,
        disks: Type.Array(SharedDisk, { maxItems: limits.sharedDisksRemovedMax }),
      }),
      answer: answer({
        /** The others are of machines that this host has itself: they go with these. */
        removed: Type.Array(SharedDisk),
      }),
      ...entityless,
      summary: "Removes disks that nobody owns: of each instance, that of this epoch and those before it.",
    }),
  },
});

const words = (maxItems: number) => Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems });

/**
 * What a host says about itself when its agent starts. What may be absent is not sent by older agents: absent
 * is the same as empty, or none.
 */
export const HostInventory = answer({
  hostId: Id,
  name: Type.String(),
  bootId: Type.String(),
  architecture: literals(architectures),
  hypervisor: Type.String(),
  accelerator: Type.String(),
  acceleratorReason: Type.String(),
  hypervisorVersion: Type.String(),
  /** Already multiplied by the overcommit ratios. */
  vcpus: Count,
  memoryMib: Count,
  diskGib: Count,
  /** An operator's words about the machine: `nodes[].labels` of cluster.yaml. */
  labels: Type.Optional(HostLabels),
  /** Flags of its CPUs. */
  features: Type.Optional(words(limits.hostFeaturesMax)),
  /** What its hypervisor can pretend to be. */
  machineTypes: Type.Optional(words(limits.hostMachineTypesMax)),
  numa: Type.Optional(Type.Array(NumaNode, { maxItems: limits.hostNumaNodesMax })),
  /** It binds guests to what they are given of these. Absent: false, and nothing of them is given. */
  binds: Type.Optional(Type.Boolean()),
  /** Hosts with the same one can open each other's disks. */
  /** It keeps to leases. Absent: false, an agent from before there were any. */
  leases: Type.Optional(Type.Boolean()),
  /** The shared storage that its guests' disks are in. Null or absent: its own directory. */
  storageId: Type.Optional(nullable(Id)),
});
export type HostInventory = Static<typeof HostInventory>;

/**
 * What controllers answer to; subject `…report.<hostId>.<method>`. A host may publish only under its own id.
 */
export const reportService = service({
  noun: "report",
  version: "1.0.0",
  summary: "What hosts report.",
  peers: true,
  methods: {
    register: method({
      request: request({ inventory: HostInventory, machines: reported }),
      answer: answer({ accepted: Type.Boolean() }),
      ...entityless,
      summary: "The agent is up: what the host has, and every machine on it.",
    }),
    heartbeat: method({
      request: request({
        /**
         * When true, `machines` is everything the host has; when false, only what changed and is not yet
         * known.
         */
        complete: Type.Boolean(),
        machines: reported,
        stopping: Type.Boolean(),
        /** Of the lease that it held when it said so: what is remembered of one before is old. Absent: 0. */
        leaseEpoch: Type.Optional(Count),
      }),
      answer: answer({
        /** Unknown host: register again. */
        known: Type.Boolean(),
        /** Instance ids whose observations are durable now; the others are to be sent again. */
        stored: Type.Array(Id),
      }),
      ...entityless,
      summary: "The host lives; and what its machines are doing.",
    }),
    /** A host that never calls it has no lease, and nobody takes its guests over. */
    lease: method({
      request: request({
        /** Of the lease it believes to have; 0 when it knows of none. */
        epoch: Count,
        /** No guest of that lease that another host may take over has a process there any more. */
        cleaned: Type.Boolean(),
        /**
         * Every guest of that lease that another host may take over holds the host's lease on this shared
         * storage, and so will those that are begun before this is asked again. Null or absent: on none.
         */
        storageId: Type.Optional(nullable(Id)),
      }),
      answer: answer({
        epoch: Count,
        /**
         * Renewed, for limits.leaseTtlMs from before the request was sent. False: it was fenced; clean up,
         * then ask again.
         */
        held: Type.Boolean(),
      }),
      ...entityless,
      summary: "Renews the host's lease, or grants a new one after a fence.",
    }),
  },
});
