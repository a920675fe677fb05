/** Hosts, as operators see and steer them. Only in the project `admin`. */
import { type Static, Type } from "@sinclair/typebox";
import { FenceProof } from "./fence.ts";
import { NumaNode } from "./machine.ts";
import {
  answer,
  architectures,
  Count,
  HostLabels,
  Id,
  Label,
  literals,
  nullable,
  pageRequest,
  request,
  Sentence,
  TimeMs,
} from "./schema.ts";
import { method, service } from "./service.ts";

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
  /** Hosts with the same one can open each other's disks. */
  storageId: Type.Optional(nullable(Id)),
  /** Builds that failed in a row; at limits.failedBuildsMax the host is disabled. */
  failedBuilds: Type.Optional(Count),
  /** Builds under way on it. */
  ioOps: Type.Optional(Count),
  /** Raised by every change of what the host says about itself. */
  generation: Type.Optional(Count),
  /**
   * Its right to run guests that others may take over. `fencedBy`: the proof that it does not run them any
   * more. Null or absent: it has none, and nothing of it is taken over.
   */
  lease: Type.Optional(nullable(answer({ epoch: Count, fencedBy: nullable(FenceProof) }))),
});
export type Host = Static<typeof Host>;

const entity = { target: "entity", audience: "admin" } as const;
const hostAnswer = answer({ host: Host });

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
      answer: hostAnswer,
      ...entity,
      mutates: false,
      summary: "Shows one host, by id or name.",
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
