/** Hosts, as operators see and control them. Only in the project `admin`. */
import { type Static, Type } from "@sinclair/typebox";
import { FenceProof } from "./fence.ts";
import { HostDrivers } from "./host-drivers.ts";
import { ImagePeer } from "./image-peer.ts";
import { architectures } from "./kinds.ts";
import { placementLimits } from "./limits/placement.ts";
import { HostNetworkState } from "./networking.ts";
import { NumaNode, NumaUse } from "./numa.ts";
import { Operation } from "./operation.ts";
import { Running } from "./release.ts";
import { Space } from "./space.ts";
import { VolumeStorageState } from "./volume-storage.ts";
import {
  answer,
  Count,
  HostLabels,
  Id,
  Label,
  literals,
  Name,
  nullable,
  pageRequest,
  request,
  Sentence,
  TimeMs,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export const Capacity = answer({ vcpus: Count, memoryMib: Count, diskGib: Count });
export type Capacity = Static<typeof Capacity>;

export const Host = answer({
  id: Id,
  /** Beside the id, for clients of APIs that want a number. Absent: a server from before there were any. */
  number: Type.Optional(Count),
  name: Type.String(),
  architecture: literals(architectures),
  hypervisor: Type.String(),
  /** `kvm`, `tcg` or `none`. */
  accelerator: Type.String(),
  /** Why the host uses this accelerator. */
  acceleratorReason: Type.String(),
  hypervisorVersion: Type.String(),
  /** Null or absent: nothing is known of them, as the host's agent or the controller is of before. */
  drivers: Type.Optional(nullable(HostDrivers)),
  /** The host's resources times its overcommit ratios. Claims never exceed them (I3). */
  capacity: Capacity,
  claimed: Capacity,
  instances: Count,
  enabled: Type.Boolean(),
  disabledReason: nullable(Type.String()),
  /** The host was heard from within the last leaseLimits.hostSilentMs. */
  alive: Type.Boolean(),
  lastSeenAtMs: TimeMs,
  registeredAtMs: TimeMs,
  bootId: Type.String(),
  labels: HostLabels,
  /** The availability zone that the host's aggregates set; null: none sets one. */
  availabilityZone: nullable(Label),
  aggregates: Type.Array(answer({ id: Id, name: Label })),
  /** Feature flags of the host's CPUs. */
  features: Type.Array(Type.String()),
  machineTypes: Type.Array(Type.String()),
  numa: Type.Array(NumaNode),
  /** CPUs that guests have for themselves; included in the vCPUs claimed. */
  pinnedCpus: Count,
  /** What is claimed of each NUMA node in `numa`, by position; unused nodes at the end may be missing. */
  numaClaimed: Type.Array(NumaUse),
  /** Id of the shared storage. Hosts with the same `storageId` can open each other's disks. */
  storageId: nullable(Id),
  /**
   * Consecutive builds that failed through the host's own fault; at placementLimits.failedBuildsMax the host
   * may be disabled.
   */
  failedBuilds: Count,
  /** Builds under way on the host. */
  ioOps: Count,
  /** Raised by every change of the inventory that the host reports. */
  generation: Count,
  /**
   * The host lease: the host's right to run guests that other hosts may take over. `fencedBy`: the proof that
   * the host does not run those guests any more. Null: the host has no lease, and its guests are not taken
   * over.
   */
  lease: nullable(
    answer({
      leaseEpoch: Count,
      fencedBy: nullable(FenceProof),
      /**
       * Id of the shared storage on which every process of the host that can write holds the host's storage
       * lease: the storage can tell when no such process lives. Null: none.
       */
      storageId: nullable(Id),
      /** `held`: renewed in time. `ended`: not renewed for its whole time, and the host is not fenced yet. */
      state: literals(["held", "ended", "fenced"]),
      /**
       * How long the lease was not renewed, as seen by the controller that answers. Absent: the controller
       * has not watched for long enough, or the host is fenced.
       */
      silentMs: Type.Optional(Count),
      /** For a fenced host: the proof that nothing runs there, as a sentence that everybody may read. */
      sentence: Type.Optional(Type.String()),
    }),
  ),
  /**
   * Since when the host is being drained, and how many instances leave it at once; and the operation that
   * ends with the drain. Null: the host is not being drained.
   */
  draining: nullable(answer({ sinceMs: TimeMs, parallelism: Count, operationId: Type.Optional(Id) })),
  /**
   * The host's file systems, as it last reported them to the controller that answers. Absent: it has not yet.
   */
  space: Type.Optional(Type.Array(Space)),
  /** The storages of its volumes, likewise. */
  volumeStorages: Type.Optional(Type.Array(VolumeStorageState)),
  /** The images that it gives to other hosts and gets, likewise. Absent also: it takes no part. */
  imagePeer: Type.Optional(ImagePeer),
});
export type Host = Static<typeof Host>;

/** Progress of the draining of a host, in numbers of instances. */
export const Drain = answer({
  /** Instances that were asked to leave, and still hold something of the host or wait for another host. */
  moving: Count,
  /**
   * Instances that were on the host when draining began, and are on another host by now, or stopped and on
   * none.
   */
  moved: Count,
  /**
   * Instances that were on the host when draining began, and were deleted meanwhile. Absent: unknown, because
   * there were too many; deleted instances then count as moved.
   */
  deleted: Type.Optional(Count),
  /** Instances that have not been asked to leave yet. */
  left: Count,
  /**
   * Instances that stay as long as nothing changes, with the reason; only the first
   * placementLimits.drainListedMax.
   */
  cannot: Type.Array(answer({ instanceId: Id, name: Type.String(), why: Type.String() })),
  /** Number of all instances that stay. */
  staying: Count,
});
export type Drain = Static<typeof Drain>;

/** Moves that would make the hosts' loads more even, in the order in which to make them. */
export const Rebalance = answer({
  /** Standard deviation of the hosts' loads. A load is how full memory and CPUs are, 0 to 1. */
  spreadBefore: Type.Number(),
  spreadAfter: Type.Number(),
  moves: Type.Array(
    answer({
      instanceId: Id,
      instanceName: Type.String(),
      fromHostId: Id,
      fromHostName: Type.String(),
      toHostId: Id,
      toHostName: Type.String(),
      /** By how much the move lowers the spread. */
      gain: Type.Number(),
    }),
  ),
  /** Numbers of instances that may not be moved, by the reason. */
  unmovable: Type.Array(answer({ why: Type.String(), instances: Count })),
  /** Why no more moves are proposed. */
  end: literals(["movesMax", "noBetterMove"]),
});
export type Rebalance = Static<typeof Rebalance>;

const entity = { target: "entity", audience: "admin" } as const;
const hostAnswer = answer({ host: Host });
/** `drain`: present for a host that is being drained. */
const shownAnswer = answer({
  host: Host,
  drain: Type.Optional(Drain),
  /** Asked of the host itself. Absent: it has no network, or did not answer in time. */
  network: Type.Optional(HostNetworkState),
});
/** `operation`: what becomes of the command. Absent: an older controller has answered. */
const operated = { operation: Type.Optional(Operation) };
/** Answer only when the operation has ended, or shortly before the deadline. */
const waited = { wait: Type.Optional(Type.Boolean()) };

export const hostService = service({
  noun: "host",
  version: "1.0.0",
  summary: "Compute nodes.",
  methods: {
    list: method({
      request: request({ ...pageRequest }),
      answer: answer({ hosts: Type.Array(Host), nextMarker: Type.Optional(Id) }),
      target: "collection",
      audience: "admin",
      mutates: false,
      summary: "Lists hosts with capacity and claims.",
    }),
    get: method({
      request: request({}),
      answer: shownAnswer,
      ...entity,
      mutates: false,
      summary: "Shows one host, by id or name: how far its drain has come, and what fails in its network.",
    }),
    enable: method({
      request: request({}),
      answer: hostAnswer,
      ...entity,
      mutates: true,
      summary: "Lets the scheduler choose the host again.",
    }),
    disable: method({
      request: request({ reason: Sentence }),
      answer: hostAnswer,
      ...entity,
      mutates: true,
      summary: "Keeps new instances away from the host; what runs there runs on.",
    }),
    drain: method({
      request: request({
        reason: Sentence,
        /** How many instances leave at once; absent: placementLimits.drainParallelismDefault. */
        parallelism: Type.Optional(
          Type.Integer({ minimum: 1, maximum: placementLimits.drainParallelismMax }),
        ),
        ...waited,
      }),
      answer: answer({ host: Host, drain: Type.Optional(Drain), ...operated }),
      ...entity,
      mutates: true,
      summary: "Disables the host and moves what is on it elsewhere; the operation tells how it ends.",
    }),
    fence: method({
      request: request({
        /**
         * The host's name, typed again as a confirmation: nothing on the host may run any more when the fence
         * is answered.
         */
        confirm: Sentence,
        /**
         * The operator's word that the host is off, and how the operator knows. Needed unless `power` is set.
         */
        reason: Type.Optional(Sentence),
        /** True: let the power controller (BMC) switch the host off, and take its word for the proof. */
        power: Type.Optional(Type.Boolean()),
        /** Name of the operator, for later readers. Recorded as claimed: nobody checks it. */
        claimedBy: Type.Optional(Name),
        /** True: fence the host although it was heard from a moment ago. */
        force: Type.Optional(Type.Boolean()),
        /** False: answer at once, and do not wait for the power controller. */
        wait: Type.Optional(Type.Boolean()),
      }),
      answer: answer({ host: Host, ...operated }),
      ...entity,
      mutates: true,
      long: true,
      summary: "Ends the host's lease by a proof that it is off, so that its guests may start elsewhere.",
    }),
    remove: method({
      request: request({}),
      answer: hostAnswer,
      ...entity,
      mutates: true,
      summary: "Forgets a host that nothing is on, or a fenced one with what is left of deleted instances.",
    }),
    rebalance: method({
      request: request({
        /** Most moves to propose; absent: placementLimits.rebalanceMovesDefault. */
        moves: Type.Optional(Type.Integer({ minimum: 1, maximum: placementLimits.rebalanceMovesMax })),
      }),
      answer: answer({ rebalance: Rebalance }),
      target: "collection",
      audience: "admin",
      mutates: false,
      long: true,
      summary: "Proposes moves that would make the hosts' loads more alike. It makes none.",
    }),
  },
});

export const Finding = answer({
  /**
   * `leak`: something is left over. `drift`: two sides disagree. `stuck`: it does not go on. `advice`: what
   * people have asked for cannot all be, and they decide.
   */
  kind: literals(["leak", "drift", "stuck", "advice"]),
  subject: Type.String(),
  message: Type.String(),
  next: Type.String(),
});
export type Finding = Static<typeof Finding>;

export const doctorService = service({
  noun: "doctor",
  version: "1.0.0",
  summary: "Compares what is remembered, what is reported and what is there.",
  methods: {
    examine: method({
      request: request({}),
      answer: answer({
        findings: Type.Array(Finding),
        /** What was compared, counted: `instances`, `machines`, `claims`, `processes`, `files`, … */
        compared: Type.Record(Type.String(), Count),
        /** Worth knowing, and probably meant: one driver in two versions. Absent: none. */
        observations: Type.Optional(Type.Array(answer({ subject: Type.String(), message: Type.String() }))),
      }),
      target: "collection",
      audience: "admin",
      mutates: false,
      long: true,
      summary: "Compares PostgreSQL, the hosts' reports, and the processes and files on the hosts.",
    }),
    releases: method({
      request: request({}),
      answer: answer({ running: Type.Array(Running) }),
      target: "collection",
      audience: "admin",
      mutates: false,
      summary: "Says which version and commit every controller and every host runs.",
    }),
  },
});
