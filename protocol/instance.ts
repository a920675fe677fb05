/** Instances: the virtual machines of a project, and all methods on them. */
import { type Static, Type } from "@sinclair/typebox";
import { AskedVolumes } from "./asked-volume.ts";
import { Hostname, UserData } from "./guest-data.ts";
import { deviceMethods } from "./instance-devices.ts";
import { AskedInterfaces, Interface } from "./interface.ts";
import { lockHolders } from "./kinds.ts";
import { fieldLimits } from "./limits/fields.ts";
import { lifeLimits } from "./limits/life.ts";
import { networkLimits } from "./limits/network.ts";
import { placementLimits } from "./limits/placement.ts";
import { wireLimits } from "./limits/wire.ts";
import { localDisksTold } from "./local-disks.ts";
import { Operation } from "./operation.ts";
import { AskedPublication } from "./published-port.ts";
import { desiredPowers, instanceStates, machineReasons, machineStates, recoveryPolicies } from "./states.ts";
import { VolumeAttachment } from "./volume.ts";
import {
  answer,
  anyOf,
  Count,
  Description,
  ErrorAnswer,
  GivenMetadata,
  GivenMetadataChanges,
  given,
  Id,
  Label,
  listOrder,
  literals,
  Metadata,
  Name,
  nullable,
  pageRequest,
  request,
  Sentence,
  TimeMs,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

/** Of several instances, those of higher priority are recovered first. */
const priority = Type.Integer({ minimum: 0, maximum: placementLimits.recoveryPriorityMax });

export const Instance = answer({
  id: Id,
  project: Id,
  name: Name,
  state: literals(instanceStates),
  /** The power state that was asked for last. */
  desired: literals(desiredPowers),
  /** Raised by every accepted command. */
  generation: Count,
  flavor: answer({
    ...{ id: Id, name: Label, vcpus: Count, memoryMib: Count },
    /** Of the root disk. */
    diskGib: Count,
    ...localDisksTold,
  }),
  image: answer({ id: Id, name: Label }),
  metadata: Metadata,
  /** Free text of the project; null: none. */
  description: Type.Optional(nullable(Description)),
  /**
   * Its project cannot change a locked instance until it is unlocked. What happens by itself goes on:
   * recoveries, fences and drains ask no lock.
   */
  locked: Type.Optional(Type.Boolean()),
  lockedBy: Type.Optional(nullable(literals(lockHolders))),
  lockedReason: Type.Optional(nullable(Sentence)),
  /** The guest's name for itself; null: an instance of before, whose guest has it from its name. */
  hostname: Type.Optional(nullable(Hostname)),
  /** The key pair that the guest was made with: it may be gone by now, the guest has the key. */
  keyName: Type.Optional(nullable(Type.String())),
  configDrive: Type.Optional(Type.Boolean()),
  /** How many bytes of user data the guest is told; the bytes themselves are shown to nobody. */
  userDataBytes: Type.Optional(Count),
  /**
   * In the order in which the guest has them. Null: it was asked for none of a network, and the guest has one
   * that reaches nobody.
   */
  interfaces: Type.Optional(nullable(Type.Array(Interface))),
  /** In the order of their places. */
  volumes: Type.Optional(Type.Array(VolumeAttachment)),
  hostId: nullable(Id),
  hostName: nullable(Type.String()),
  serverGroupId: nullable(Id),
  /** The zone that was asked for; null: any. */
  availabilityZone: nullable(Label),
  /** What happens to the instance when its guest goes down without being asked to. */
  recovery: answer({ policy: literals(recoveryPolicies), priority }),
  /** The last observation of the instance's host; null before the first report. */
  machine: nullable(
    answer({
      state: literals(machineStates),
      reason: literals(machineReasons),
      message: Type.String(),
      generation: Count,
      intentGeneration: Count,
      address: nullable(Type.String()),
      startedAtMs: nullable(TimeMs),
      reportedAtMs: TimeMs,
    }),
  ),
  /** The operation that is under way; null: none is. */
  operationId: nullable(Id),
  /** Why the state is `failed`. */
  failure: nullable(ErrorAnswer),
  createdAtMs: TimeMs,
  updatedAtMs: TimeMs,
  deletedAtMs: nullable(TimeMs),
});
export type Instance = Static<typeof Instance>;

/**
 * True: answer when the operation has ended, or at the request's deadline (the operation is then still
 * running).
 */
const wait = Type.Optional(Type.Boolean());
const changed = answer({ instance: Instance, operation: Operation });
export type Changed = Static<typeof changed>;

const command = <P extends Record<string, ReturnType<typeof Type.Optional>>>(
  properties: P,
  summary: string,
) =>
  method({
    request: request({ wait, ...properties }),
    answer: changed,
    target: "entity",
    audience: "project",
    mutates: true,
    summary,
  });

/** A change of what is remembered of an instance, done when it is answered: it has no operation. */
const edit = <P extends Record<string, ReturnType<typeof Type.Optional>>>(properties: P, summary: string) =>
  method({
    request: request(properties),
    answer: answer({ instance: Instance }),
    target: "entity",
    audience: "project",
    mutates: true,
    summary,
  });

const hintedInstances = Type.Array(Id, { minItems: 1, maxItems: placementLimits.hintInstancesMax });

/** The scheduler's verdict on one host: whether it may take an instance, and why. */
export const HostVerdict = answer({
  hostId: Id,
  hostName: Type.String(),
  fits: Type.Boolean(),
  /** For each filter that the request concerns: true, or the reason against the host. */
  filters: Type.Record(Type.String(), Type.Union([Type.Literal(true), Type.String()])),
  /** For each weigher with a weight other than 0: its value from -1 to 1, times its multiplier. */
  weights: Type.Record(Type.String(), Type.Number()),
  score: Type.Number(),
  /** The change that would make the instance fit; absent when it fits already. */
  remedy: Type.Optional(Type.String()),
  /**
   * What plug-ins say of the host, by the plug-in; only in the project admin, and only of the first hosts
   * when plug-ins say much. Absent: nothing is said of it, or not here.
   */
  facts: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type HostVerdict = Static<typeof HostVerdict>;

/** Properties and placement of a new instance. */
const wanted = {
  name: given(Name),
  description: Type.Optional(nullable(Description)),
  /** Id or name. */
  flavor: Label,
  /** Id or name. Absent: the image that the root volume is made from, or was. */
  image: Type.Optional(Label),
  /** Beside a root disk of its own, unless one of them is the root disk. Absent: none. */
  volumes: Type.Optional(AskedVolumes),
  metadata: Type.Optional(GivenMetadata),
  /** Number of instances to make at once, all or none of them; their names get the suffixes -1, -2, … */
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: placementLimits.createCountMax })),
  /** With `count`: make as many of the instances as find room, but at least this many. */
  atLeast: Type.Optional(Type.Integer({ minimum: 1, maximum: placementLimits.createCountMax })),
  availabilityZone: Type.Optional(Label),
  /** Id or name of one of the project's groups. */
  serverGroup: Type.Optional(Label),
  hints: Type.Optional(
    request({
      /** Ids of instances of the project: only hosts on which at least one of these is. */
      sameHost: Type.Optional(hintedInstances),
      /** Ids of instances of the project: only hosts on which none of these is. */
      differentHost: Type.Optional(hintedInstances),
    }),
  ),
  /** Id or name of the host; only in the project admin. */
  host: Type.Optional(Label),
  /** Absent: `restart`, with priority 0. */
  recovery: Type.Optional(request({ policy: literals(recoveryPolicies), priority: Type.Optional(priority) })),
  /** Id or name of one of the caller's key pairs. */
  keyName: Type.Optional(Type.String({ minLength: 1, maxLength: fieldLimits.nameLengthMax })),
  userData: Type.Optional(UserData),
  /** Absent: made of the name. With a count it gets the same suffixes. */
  hostname: Type.Optional(Hostname),
  /** Whether the guest is told by a drive of its own; absent: if there is a key or user data. */
  configDrive: Type.Optional(Type.Boolean()),
  /** Absent: one interface that reaches nobody. Empty, or `none`: no interface at all. */
  networks: Type.Optional(AskedInterfaces),
  /** Ports of the host that lead to the guest's first interface with a gateway of IPv4; not with a count. */
  publish: Type.Optional(
    Type.Array(AskedPublication, { maxItems: networkLimits.publishedPortsPerCreateMax }),
  ),
};

export const instanceService = service({
  noun: "instance",
  version: "1.0.0",
  summary: "Virtual machines.",
  methods: {
    create: method({
      request: request({ ...wanted, wait }),
      answer: answer({
        instance: Instance,
        operation: Operation,
        /**
         * Present when `count` was given: the first placementLimits.createListedMax of the new instances. The
         * first entry is the same as `instance` and `operation` above.
         */
        all: Type.Optional(Type.Array(changed)),
        /**
         * Ids of the new instances beyond those in `all`, with the ids of their operations, in the same
         * order.
         */
        more: Type.Optional(Type.Array(answer({ instanceId: Id, operationId: Id }))),
      }),
      target: "collection",
      audience: "project",
      mutates: true,
      summary: "Makes one or more instances, places them and starts them.",
    }),
    explainCreate: method({
      request: request(wanted),
      answer: answer({
        /** What each host says to the first of the instances. */
        hosts: Type.Array(HostVerdict),
        /** The hosts on which `create` would make instances now; empty when it would be refused. */
        placed: Type.Optional(Type.Array(answer({ hostId: Id, hostName: Type.String(), instances: Count }))),
        /** Why `create` would make fewer instances than `count`; absent: it would make all, or none. */
        rest: Type.Optional(ErrorAnswer),
        /** The error with which `create` would be refused now, for want of hosts, by a group or a quota. */
        refusal: Type.Optional(ErrorAnswer),
      }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "Answers what create would: where, or why not, and what would help. Makes nothing.",
    }),
    list: method({
      request: request({
        ...pageRequest,
        order: listOrder,
        ids: anyOf(Id),
        /** As `names` with one value; so are `state` and `hostId` of `states` and `hosts`. */
        name: Type.Optional(Name),
        names: anyOf(Name),
        /**
         * `*` stands for any text, `?` for any one character, `\` takes the meaning from the character behind
         * it; all else stands for itself, capital letters too. The pattern is of the whole name.
         */
        namePattern: Type.Optional(Name),
        state: Type.Optional(literals(instanceStates)),
        states: anyOf(literals(instanceStates)),
        hostId: Type.Optional(Id),
        /** Ids or names; only in the project admin. */
        hosts: anyOf(Label),
        /** Ids or names, as the instances show them: a flavor or an image that is gone is known as well. */
        flavors: anyOf(Name),
        images: anyOf(Name),
        /** Ids or names. */
        serverGroups: anyOf(Name),
        /** Pairs, all of which an instance must have. */
        metadata: Type.Optional(Metadata),
        /** Made at this time or later, and made before this time. */
        createdAfterMs: Type.Optional(TimeMs),
        createdBeforeMs: Type.Optional(TimeMs),
        /** `updatedAtMs` is this time or later; with `deleted` also what was deleted since. */
        changedSinceMs: Type.Optional(TimeMs),
        /** True: list the tombstones of deleted instances as well. */
        deleted: Type.Optional(Type.Boolean()),
        locked: Type.Optional(Type.Boolean()),
      }),
      answer: answer({ instances: Type.Array(Instance), nextMarker: Type.Optional(Id) }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "Lists the instances that pass every filter. In the project admin: those of every project.",
    }),
    get: method({
      request: request({}),
      answer: answer({ instance: Instance }),
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Shows one instance.",
    }),
    start: command({}, "Starts a stopped or failed instance."),
    stop: command(
      {
        /** `graceful` presses the power button and halts after timeoutMs; `hard` halts at once. */
        mode: Type.Optional(literals(["graceful", "hard"])),
        timeoutMs: Type.Optional(Type.Integer({ minimum: 0, maximum: lifeLimits.stopTimeoutMsMax })),
      },
      "Stops an instance; its disk stays.",
    ),
    reboot: command(
      { mode: Type.Optional(literals(["soft", "hard"])) },
      "Reboots: soft asks the guest and falls back to hard, hard resets it.",
    ),
    pause: command({}, "Freezes the guest's CPUs; its memory stays."),
    unpause: command({}, "Lets a paused guest go on."),
    delete: command({}, "Deletes in any state, also in the middle of a build."),
    set: edit(
      {
        name: Type.Optional(given(Name)),
        /** null: none. */
        description: Type.Optional(nullable(Description)),
        metadata: Type.Optional(GivenMetadataChanges),
      },
      "Changes name, description or metadata; what is not named stays. The guest is not touched.",
    ),
    lock: edit(
      { reason: Type.Optional(Sentence) },
      "Keeps the project from changing the instance until it is unlocked; again: changes the reason.",
    ),
    unlock: edit({}, "Lets the project change the instance again; an operators' lock only in admin."),
    ...deviceMethods(wait, changed),
    evacuate: method({
      request: request({ wait }),
      answer: changed,
      target: "entity",
      audience: "admin",
      mutates: true,
      summary: "Takes an instance from its fenced host to another one, whatever its recovery policy.",
    }),
    console: method({
      request: request({
        /** Byte position to read from; absent: the beginning of what is kept. */
        offset: Type.Optional(Count),
        /** Only the last lines. Not together with offset. */
        tailLines: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
        /** How long to wait for text when there is none beyond `offset` yet. */
        waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: wireLimits.waitMsMax })),
      }),
      answer: answer({
        text: Type.String(),
        /**
         * Byte position of the text's first byte; greater than the position asked for when the log was
         * trimmed there.
         */
        offset: Count,
        /** The position to pass as `offset` next. */
        nextOffset: Count,
        /** True when more text is there already. */
        more: Type.Boolean(),
      }),
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Reads the serial console's log: whole in pages, its tail, or as it grows.",
    }),
    explain: method({
      request: request({}),
      answer: answer({
        instance: Instance,
        /**
         * One sentence for each event that the instance waits for, or one sentence saying that the instance
         * waits for nothing.
         */
        waitingFor: Type.Array(Type.String()),
        /** What happened to it before, oldest first, and need not be so any more. Absent: an older server. */
        earlier: Type.Optional(
          Type.Array(answer({ /** Null: not known. */ atMs: nullable(TimeMs), message: Type.String() })),
        ),
        hosts: Type.Array(HostVerdict),
        operations: Type.Array(Operation),
      }),
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Says why this host, why no host, and what the instance is waiting for.",
    }),
  },
});
