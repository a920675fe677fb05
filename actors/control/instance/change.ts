/**
 * From a decision to a commit: the changes between two values of an instance become rows, operation steps and
 * events. The one place that raises a version and that writes the derived columns. Pure.
 */
import { isNewer } from "../../../protocol/generation.ts";
import { plug, port } from "../../../protocol/port.ts";
import { isSettled, type OperationState } from "../../../protocol/states.ts";
import { volume } from "../../../protocol/volume.ts";
import type { ErrorBody } from "../../../protocol/wire/status.ts";
import type { Commit, NewEvent } from "../../records/commit.ts";
import type {
  AttachedVolume,
  InstanceRecord,
  InterfaceRecord,
  LoadedInstance,
  MachineKey,
  MachineRecord,
  OperationRecord,
} from "../../records/instance.ts";
import type { RowChange } from "../../records/rows.ts";
import { rowLetGo } from "../request/row-changes.ts";
import { isBeingRewired, releasedPorts } from "./interfaces.ts";
import { instanceLimits } from "./limits.ts";
import type { HostPlacement } from "./messages.ts";
import { currentMachine, intentFacts, isAdrift, isMovable, keptRoom, settledOf, stateOf } from "./state.ts";
import { volumeRows } from "./volume-rows.ts";
import {
  goesWithInstance,
  isChangingVolumes,
  reachedAtRest,
  releasedVolumes,
  volumeEvents,
} from "./volumes.ts";

/** A change of an instance in the making; `draft` starts one, `turnOf` makes it a commit. */
export interface Draft {
  readonly before: LoadedInstance;
  readonly after: LoadedInstance;
  /** Operations that end with the draft; the instance's present operation is another. */
  readonly ended: readonly OperationRecord[];
  readonly events: readonly NewEvent[];
  /** Builds that end with the draft, with their hosts. */
  readonly builds: NonNullable<Commit["buildsEnded"]>;
  /** Ids of ports that the owner host has let go of, while the instance goes on. */
  readonly left: readonly string[];
  /** Fences that the commit rests on. */
  readonly fences: readonly { readonly hostId: string; readonly leaseEpoch: number }[];
  readonly nowMs: number;
}

export const draft = (before: LoadedInstance, nowMs: number): Draft => ({
  before,
  after: before,
  ended: [],
  events: [],
  builds: [],
  left: [],
  fences: [],
  nowMs,
});

/**
 * Records that the build reached a running guest, or failed by its host's fault: hosts with too many failures
 * get no new instances.
 */
export function withBuild(it: Draft, failed: boolean): Draft {
  const { hostId, project, image } = it.after.instance;
  if (hostId === null) return it;
  const whose = failed ? { project, imageId: image.id } : {};
  return { ...it, builds: [...it.builds, { hostId, failed, ...whose }] };
}

export function withInstance(it: Draft, change: Partial<InstanceRecord>): Draft {
  return { ...it, after: { ...it.after, instance: { ...it.after.instance, ...change } } };
}

export interface Told {
  readonly event: string;
  readonly body: NewEvent["body"];
  readonly requestId?: string;
}

export function withEvent(it: Draft, { event, body, requestId }: Told): Draft {
  const { instance, operation } = it.after;
  const added: NewEvent = {
    atMs: it.nowMs,
    project: instance.project,
    noun: "instance",
    id: instance.id,
    event,
    ...(requestId === undefined ? {} : { requestId }),
    ...(operation === undefined ? {} : { operationId: operation.id }),
    // The name as it is now: readers of events know things by their names, and a later name is another's.
    body: { name: instance.name, ...body },
  };
  return { ...it, events: [...it.events, added] };
}

export interface Step {
  readonly step: string;
  readonly percent: number;
  readonly message?: string | undefined;
}

/** Adds a step to the present operation, unless it is the newest step already. */
export function withStep(it: Draft, { step, percent, message }: Step): Draft {
  const { operation } = it.after;
  if (operation === undefined || operation.step === step) return it;
  const reached = { step, atMs: it.nowMs, ...(message === undefined ? {} : { message }) };
  const next: OperationRecord = {
    ...operation,
    step,
    percent: Math.max(operation.percent, percent),
    steps: [...operation.steps, reached],
  };
  return { ...it, after: { ...it.after, operation: next } };
}

/** Notes the host to which the instance goes from another one. */
export function withTarget(it: Draft, { hostId, hostName }: HostPlacement): Draft {
  const { operation } = it.after;
  if (operation === undefined || operation.kind === "create") return it;
  const toHost = { id: hostId, name: hostName };
  return { ...it, after: { ...it.after, operation: { ...operation, toHost } } };
}

/** Ends the present operation; it stays readable, but is not the instance's any more. */
export function endOperation(it: Draft, state: Exclude<OperationState, "running">, error?: ErrorBody): Draft {
  const { operation } = it.after;
  if (operation === undefined) return it;
  const stepped = withStep(it, {
    step: state,
    percent: state === "done" ? 100 : operation.percent,
    message: error?.message,
  });
  const ended: OperationRecord = {
    ...(stepped.after.operation ?? operation),
    state,
    endedAtMs: it.nowMs,
    error: error ?? null,
  };
  const announced = withEvent(stepped, {
    event: "operationEnded",
    body: { kind: ended.kind, state, ...(error === undefined ? {} : { error }) },
  });
  return {
    ...announced,
    ended: [...it.ended, ended],
    after: {
      ...announced.after,
      operation: undefined,
      instance: { ...announced.after.instance, operationId: null },
    },
  };
}

export function beginOperation(it: Draft, operation: OperationRecord): Draft {
  return withInstance({ ...it, after: { ...it.after, operation } }, { operationId: operation.id });
}

/** Ends an operation that has reached its goal, and a delete that has nothing left to remove. */
export function endWhatIsReached(it: Draft): Draft {
  const { instance, claims } = it.after;
  if (isAdrift(it.after)) return it;
  if (instance.desired === "deleted" && instance.deletedAtMs === null && claims.length === 0) {
    const gone = withInstance(it, { deletedAtMs: it.nowMs, hostId: null });
    return endOperation(withEvent(gone, { event: "deleted", body: {} }), "done");
  }
  const isChanging = isBeingRewired(instance) || isChangingVolumes(instance);
  const done = isSettled(intentFacts(instance), currentMachine(it.after)) && !isChanging;
  const reached = instance.failure === null && done;
  return reached ? endOperation(it, "done") : it;
}

/** Gives up the kept room, unless the instance is on its way there and is to run. */
function withoutIdleRoom(it: Draft): Draft {
  const { instance, claims } = it.after;
  const wanted = instance.desired === "running" || instance.desired === "paused";
  if (keptRoom(it.after) === undefined || (wanted && instance.hostId === null)) return it;
  return {
    ...it,
    after: { ...it.after, claims: claims.filter(({ ownerEpoch }) => ownerEpoch <= instance.ownerEpoch) },
  };
}

/** Sets the derived columns and the version, and adds the event of a new state. */
function finished(it: Draft): Draft {
  const before = stateOf(it.before);
  const state = stateOf(it.after);
  const told =
    before === state
      ? it
      : withEvent(it, {
          event: "stateChanged",
          body: {
            from: before,
            to: state,
            generation: it.after.instance.generation,
            hostId: it.after.instance.hostId,
            ...whyOf(it),
          },
        });
  return withInstance(told, {
    state,
    settled: settledOf(it.after),
    movable: isMovable(it.after.instance),
    version: it.before.instance.version + 1,
    updatedAtMs: it.nowMs,
  });
}

/** Why the state changed, as the host that brought it about says in this very observation. */
function whyOf(it: Draft): { readonly reason?: string; readonly message?: string } {
  const machine = currentMachine(it.after);
  const isNews = machine !== undefined && machine.generation !== currentMachine(it.before)?.generation;
  if (!isNews || machine.reason === "requested") return {};
  const message = machine.message.slice(0, instanceLimits.toldLengthMax).toWellFormed();
  return { reason: machine.reason, ...(message === "" ? {} : { message }) };
}

/** The commit that makes a draft durable, and the value that holds once it is committed. */
export function commitOf(it: Draft): { readonly commit: Commit; readonly next: LoadedInstance } {
  const roomless = withoutIdleRoom(it);
  const released = [...leftPorts(roomless), ...releasedPorts(roomless.after)];
  const rested = withReached(roomless, reachedAtRest(roomless.after.instance));
  const free = withoutVolumes(rested, releasedVolumes(rested.after));
  const done = finished(released.length === 0 ? free : withoutPorts(free, released));
  const { before, after } = done;
  const rows = [
    ...volumeRows(before.instance, after.instance, done.nowMs),
    ...(released.length === 0 ? [] : removedWith(after.instance.id, released)),
  ];
  const operations = [...done.ended, ...(after.operation === undefined ? [] : [after.operation])];
  const commit: Commit = {
    instances: [{ expectedVersion: before.instance.version, row: after.instance }],
    machines: after.machines.filter((machine) => !before.machines.includes(machine)),
    machinesGone: replaced(before.machines, after.machines),
    claims: after.claims.filter((claim) => !before.claims.includes(claim)),
    claimsReleased: before.claims.filter((claim) => !after.claims.includes(claim)).map(keyOf),
    operations: operations.filter((operation) => operation !== before.operation),
    ...(rows.length === 0 ? {} : { rows }),
    ...(done.builds.length === 0 ? {} : { buildsEnded: done.builds }),
    events: done.events,
    ...(done.fences.length === 0 ? {} : { fencesExpected: done.fences }),
  };
  return { commit, next: after };
}

/** What the owner host has let go of; it is not in the row any more. */
const leftPorts = ({ before, left }: Draft): readonly InterfaceRecord[] =>
  (before.instance.interfaces ?? []).filter(({ portId }) => left.includes(portId));

function withoutPorts(it: Draft, released: readonly InterfaceRecord[]): Draft {
  const { project, operation } = { ...it.after.instance, ...it.after };
  const about = { atMs: it.nowMs, project, noun: port.noun, event: "deleted" };
  const gone = released
    .filter(({ deleteWithInstance }) => deleteWithInstance)
    .map(({ portId, mac }): NewEvent => {
      const of = operation === undefined ? {} : { operationId: operation.id };
      return { ...about, id: portId, ...of, body: { name: mac } };
    });
  const ids = new Set(released.map(({ portId }) => portId));
  const interfaces = (it.after.instance.interfaces ?? []).filter(({ portId }) => !ids.has(portId));
  return withInstance({ ...it, events: [...it.events, ...gone] }, { interfaces });
}

/** Changes of volumes that have ended without a host's word. */
function withReached(it: Draft, reached: readonly AttachedVolume[]): Draft {
  if (reached.length === 0) return it;
  const volumes = (it.after.instance.volumes ?? []).map((one) => {
    const { change: _, ...rest } = one;
    return reached.includes(one) ? rest : one;
  });
  return reached.reduce(
    (told, { volumeId, change: { kind } = { kind: "attaching" } }) =>
      withEvent(told, { event: volumeEvents[kind], body: { volumeId } }),
    withInstance(it, { volumes }),
  );
}

/** Those that the instance lets go of without a host's word, or with its last one. */
function withoutVolumes(it: Draft, released: readonly AttachedVolume[]): Draft {
  if (released.length === 0) return it;
  const { volumes, project, desired } = it.after.instance;
  const left = withInstance(it, { volumes: (volumes ?? []).filter((one) => !released.includes(one)) });
  const about = { atMs: it.nowMs, project, noun: volume.noun, event: "deleted" };
  const gone = released
    .filter((one) => goesWithInstance({ desired }, one))
    .map(({ volumeId }): NewEvent => ({ ...about, id: volumeId, body: { name: volumeId } }));
  const told = released.reduce(
    (all, { volumeId }) => withEvent(all, { event: "volumeDetached", body: { volumeId } }),
    left,
  );
  return { ...told, events: [...told.events, ...gone] };
}

/** The plugs first: a port is held by its own. What is another's by now, or was removed by hand, is left. */
const removedWith = (deviceId: string, released: readonly InterfaceRecord[]): readonly RowChange[] => [
  ...released.map(({ portId }) => rowLetGo(plug, portId, { device: "instance", deviceId })),
  ...released
    .filter(({ deleteWithInstance }) => deleteWithInstance)
    .map(({ portId }) => rowLetGo(port, portId)),
];

/**
 * Machines that are no more, and those whose generation falls because the stored one could not be: a store
 * takes a lower one only when the row before it goes in the same commit.
 */
function replaced(before: readonly MachineRecord[], after: readonly MachineRecord[]): readonly MachineKey[] {
  const dropped = before.filter(({ ownerEpoch, generation }) => {
    const kept = after.find((machine) => machine.ownerEpoch === ownerEpoch);
    return kept === undefined || (kept.generation < generation && isNewer(generation, kept.generation));
  });
  return dropped.map(keyOf);
}

const keyOf = ({ instanceId, ownerEpoch }: MachineKey): MachineKey => ({ instanceId, ownerEpoch });
