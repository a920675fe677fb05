/** Hosts, as operators see and steer them. Only in the project `admin`. */
import { type Static, Type } from "@sinclair/typebox";
import {
  answer,
  architectures,
  Count,
  Id,
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
});
export type Host = Static<typeof Host>;

/**
 * Why it is sure that nothing of a host's guests runs any more, so that they may start elsewhere (I9). A
 * proof is for operators; what everybody may read of it is its sentence (actors/hosts/fence-proof.ts).
 */
export const FenceProof = Type.Union([
  answer({
    /** The lease ended, and so did the time in which the host's own guard stops every guest. */
    kind: Type.Literal("lease"),
    leaseEpoch: Count,
    /** From the lease's end until this was seen, by the database's clock. */
    silentMs: Count,
    /** What the guard is given to stop the guests; less than silentMs. */
    guardMs: Count,
    /** The controller that saw it. */
    observedBy: Type.String(),
    atMs: TimeMs,
  }),
  answer({
    /** The controller of its power says off. */
    kind: Type.Literal("power"),
    control: literals(["redfish", "ipmi"]),
    /** Where that controller is. */
    address: Type.String(),
    /** In its own words. */
    said: Type.String(),
    tookMs: Count,
    atMs: TimeMs,
  }),
  answer({
    /** The lease of the storage, without which the host cannot write there, was taken from it. */
    kind: Type.Literal("storage"),
    storage: Type.String(),
    leaseEpoch: Count,
    /** The host or controller that holds it now. */
    takenBy: Type.String(),
    atMs: TimeMs,
  }),
  answer({
    /** An operator signed that the host is off. */
    kind: Type.Literal("operator"),
    by: Type.String(),
    reason: Sentence,
    /** The host's name, as the operator had to type it. */
    confirmedName: Type.String(),
    atMs: TimeMs,
  }),
]);
export type FenceProof = Static<typeof FenceProof>;

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
