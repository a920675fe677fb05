/** Hosts, as operators see and steer them. Only in the project `admin`. */
import { type Static, Type } from "@sinclair/typebox";
import { FenceProof } from "./fence.ts";
import { architectures } from "./kinds.ts";
import { limits } from "./limits/limits.ts";
import { NumaNode, NumaUse } from "./numa.ts";
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
  name: Type.String(),
  architecture: literals(architectures),
  hypervisor: Type.String(),
  /** `kvm`, `tcg` or `none`. */
  accelerator: Type.String(),
  /** Why this accelerator. */
  acceleratorReason: Type.String(),
  hypervisorVersion: Type.String(),
  /** What the host has, times its overcommit ratios: claims never exceed it (I3). */
  capacity: Capacity,
  claimed: Capacity,
  instances: Count,
  enabled: Type.Boolean(),
  disabledReason: nullable(Type.String()),
  /** Heard from within limits.hostSilentMs. */
  alive: Type.Boolean(),
  lastSeenAtMs: TimeMs,
  registeredAtMs: TimeMs,
  bootId: Type.String(),
  // From here on: absent in the answers of a controller of an older version, and then not known.
  labels: Type.Optional(HostLabels),
  /** Of its aggregates; null: in none. */
  availabilityZone: Type.Optional(nullable(Label)),
  aggregates: Type.Optional(Type.Array(answer({ id: Id, name: Label }))),
  /** Flags of its CPUs. */
  features: Type.Optional(Type.Array(Type.String())),
  machineTypes: Type.Optional(Type.Array(Type.String())),
  numa: Type.Optional(Type.Array(NumaNode)),
  /** CPUs that guests have to themselves, a part of the vCPUs claimed. */
  pinnedCpus: Type.Optional(Count),
  /** What is claimed of each of `numa`; the last ones may be missing. */
  numaClaimed: Type.Optional(Type.Array(NumaUse)),
  /** Hosts with the same one can open each other's disks. */
  storageId: Type.Optional(nullable(Id)),
  /** Builds that failed in a row by the host's own fault; at limits.failedBuildsMax it may be disabled. */
  failedBuilds: Type.Optional(Count),
  /** Builds under way on it. */
  ioOps: Type.Optional(Count),
  /** Raised by every change of what the host says about itself. */
  generation: Type.Optional(Count),
  /**
   * Its right to run guests that others may take over. `fencedBy`: the proof that it does not run them any
   * more. Null or absent: it has none, and nothing of it is taken over.
   */
  lease: Type.Optional(
    nullable(
      answer({
        epoch: Count,
        fencedBy: nullable(FenceProof),
        /** Whoever could write to this shared storage holds its lease there: it can tell when none does. */
        storageId: Type.Optional(nullable(Id)),
        /** `ended`: nothing was renewed for its whole time; the host is not fenced yet. */
        state: Type.Optional(literals(["held", "ended", "fenced"])),
        /** So long nothing was renewed, as the controller that answers has seen it. Not of a fenced host. */
        silentMs: Type.Optional(Count),
        /** Of a fenced host: why it is sure that nothing runs there, as everybody may read it. */
        sentence: Type.Optional(Type.String()),
      }),
    ),
  ),
  /** What is on it goes elsewhere, so many at once, since then. Null or absent: it is not drained. */
  draining: Type.Optional(nullable(answer({ sinceMs: TimeMs, parallelism: Count }))),
});
export type Host = Static<typeof Host>;

/** How far the draining of a host has come, counted in instances. */
export const Drain = answer({
  /** They have been asked to leave, and still hold something of the host, or wait for another one. */
  moving: Count,
  /** They were on it when it began, and are elsewhere now, or stopped and on no host. */
  moved: Count,
  /**
   * They were on it when it began, and were deleted meanwhile. Absent: unknown, for they were too many; then
   * they count as moved.
   */
  deleted: Type.Optional(Count),
  /** They will be asked. */
  left: Count,
  /** They stay, as long as nothing changes; the first limits.drainListedMax. */
  cannot: Type.Array(answer({ instanceId: Id, name: Type.String(), why: Type.String() })),
  /** All that stay. */
  staying: Count,
});
export type Drain = Static<typeof Drain>;

/** Moves that would make the loads of the hosts more alike, in the order in which they are to be made. */
export const Rebalance = answer({
  /** Standard deviation of the hosts' loads; a load is how full memory and CPUs are, 0 to 1. */
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
      /** By how much it lowers the spread. */
      gain: Type.Number(),
    }),
  ),
  /** Instances that may not be moved, by the reason. */
  unmovable: Type.Array(answer({ why: Type.String(), instances: Count })),
  /** Why there are no more moves. */
  end: literals(["movesMax", "noBetterMove"]),
});
export type Rebalance = Static<typeof Rebalance>;

const entity = { target: "entity", audience: "admin" } as const;
const hostAnswer = answer({ host: Host });
/** `drain`: of a host that is drained. */
const drainAnswer = answer({ host: Host, drain: Type.Optional(Drain) });

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
      answer: drainAnswer,
      ...entity,
      mutates: false,
      summary: "Shows one host, by id or name; while it is drained, how far that has come.",
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
        /** So many instances leave at once; limits.drainParallelismDefault unless said. */
        parallelism: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.drainParallelismMax })),
      }),
      answer: drainAnswer,
      ...entity,
      mutates: true,
      summary: "Disables the host and moves what is on it elsewhere, until it is enabled again.",
    }),
    fence: method({
      request: request({
        /** The host's name, typed again: nothing on it may run any more when this is answered. */
        confirm: Sentence,
        /** The operator's word that the host is off, and why it is sure. Needed unless `power`. */
        reason: Type.Optional(Sentence),
        /** Let the controller of its power switch it off, and take that for the proof. */
        power: Type.Optional(Type.Boolean()),
        /** Who you are, for whoever reads it later. It is written down as claimed: nobody checks it. */
        claimedBy: Type.Optional(Name),
        /** Although the host was heard a moment ago. */
        force: Type.Optional(Type.Boolean()),
      }),
      answer: hostAnswer,
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
        /** At most so many; limits.rebalanceMovesDefault unless said. */
        moves: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.rebalanceMovesMax })),
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
  /** `leak`, `drift` or `stuck`. */
  kind: literals(["leak", "drift", "stuck"]),
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
      }),
      target: "collection",
      audience: "admin",
      mutates: false,
      long: true,
      summary: "Compares PostgreSQL, the hosts' reports, and the processes and files on the hosts.",
    }),
  },
});
