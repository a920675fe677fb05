/**
 * Between controllers and hosts: what a host is told (`ensure`, level-triggered and idempotent), and what it
 * reports. Everything carries the instance's epoch: a host that owns an older one has nothing to say any
 * more.
 */
import { type Static, Type } from "@sinclair/typebox";
import { diskFormats } from "./image.ts";
import {
  answer,
  architectures,
  Count,
  Id,
  literals,
  Name,
  nullable,
  request,
  Sha256,
  TimeMs,
} from "./schema.ts";
import { method, service } from "./service.ts";
import { desiredPowers, machineReasons, machineStates } from "./states.ts";

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
  /** Another host may take it over: it must not run when its host's lease has passed. Absent: false. */
  fence: Type.Optional(Type.Boolean()),
  /** Its disk is there, as that of a lower epoch, and is never made anew. Absent: false. */
  takesOverDisk: Type.Optional(Type.Boolean()),
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
  reason: literals(machineReasons),
  /** Public; what went wrong, or empty. */
  message: Type.String(),
  address: nullable(Type.String()),
  startedAtMs: nullable(TimeMs),
  atMs: TimeMs,
});
export type Observation = Static<typeof Observation>;

const entityless = { target: "collection", audience: "admin", mutates: true } as const;

/** What a host answers to; subject `…host.<hostId>.<method>`. */
export const hostAgentService = service({
  noun: "host-agent",
  version: "1.0.0",
  summary: "What controllers ask of a host.",
  methods: {
    ensure: method({
      request: request({
        spec: MachineSpec,
        intent: MachineIntent,
        /**
         * The newest generation a controller has seen of this machine: a host that lost its file counts on
         * from there.
         */
        observedGeneration: Count,
      }),
      answer: answer({ observation: Observation }),
      ...entityless,
      summary:
        "Makes the machine be what the intent says; answers at once with what it is now. power deleted removes all of it.",
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
  },
});

/** What a host says about itself when its agent starts. */
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
});
export type HostInventory = Static<typeof HostInventory>;

/**
 * What controllers answer to; subject `…report.<hostId>.<method>`. A host may publish only under its own id.
 */
export const reportService = service({
  noun: "report",
  version: "1.0.0",
  summary: "What hosts report.",
  methods: {
    register: method({
      request: request({ inventory: HostInventory, machines: Type.Array(Observation) }),
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
        machines: Type.Array(Observation),
        stopping: Type.Boolean(),
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
  },
});
