/**
 * Decides about interfaces that come to an instance or leave it. Either is one commit that changes the
 * intent: what comes is there from then on, with its port and its addresses; what goes holds them until no
 * host has it. An attachment that did not come about is taken back by the same way out. Pure.
 */
import { canCarry, canLimit, canPlug } from "../../../protocol/host-drivers.ts";
import { networkLimits } from "../../../protocol/limits/network.ts";
import type { Denial, ErrorBody } from "../../../protocol/wire/status.ts";
import type { Commit } from "../../records/commit.ts";
import type { InterfaceRecord, LoadedInstance } from "../../records/instance.ts";
import { acceptance, requestOf } from "./accepted.ts";
import { admit } from "./admission.ts";
import {
  beginOperation,
  commitOf,
  type Draft,
  draft,
  endOperation,
  endWhatIsReached,
  withEvent,
  withInstance,
} from "./change.ts";
import { type Commanded, newOperation } from "./command.ts";
import { isLeaving, withAttached, withLeaving } from "./interfaces.ts";
import { denied, lockDenial } from "./lock.ts";
import type { Decision, RewireEvent } from "./messages.ts";
import { stateOf, workEffects } from "./state.ts";

export function decideRewire(loaded: LoadedInstance, event: RewireEvent): Decision {
  const denial = denialOf(loaded, event);
  if (denial !== undefined) return denied(loaded, denial);
  const interfaces = interfacesAfter(loaded, event);
  if (interfaces === undefined) return denied(loaded, fullDenial(loaded));
  const { nowMs, request, operationId, rewiring } = event;
  const commanded: Commanded = { command: rewiring.command, request, operationId, nowMs };
  const generation = loaded.instance.generation + 1;
  const changed = withInstance(draft(loaded, nowMs), { generation, failure: null, interfaces });
  const begun = beginOperation(changed, newOperation(changed.after.instance, commanded));
  const facts = { changed: true, generation, portId: portIdOf(event) };
  const ended = endWhatIsReached(withEvent(begun, acceptance(commanded, facts)));
  const { commit, next } = commitOf(ended);
  const operation = next.operation ?? ended.ended.at(-1);
  if (operation === undefined) throw new Error("An accepted command has an operation.");
  return {
    outcome: { kind: "accepted" },
    next,
    commit: { ...withRows(commit, event), request: requestOf(event, next, operation) },
    effects: workEffects(next),
  };
}

const portIdOf = ({ rewiring }: RewireEvent): string =>
  rewiring.command === "interfaceAttach" ? rewiring.interface.portId : rewiring.portId;

/** The rows of a new port go with the intent that needs it, before those that the commit removes. */
function withRows(commit: Commit, { rewiring }: RewireEvent): Commit {
  if (rewiring.command !== "interfaceAttach") return commit;
  const rows = [...rewiring.rows, ...(commit.rows ?? [])];
  return { ...commit, rows, events: [...rewiring.events, ...(commit.events ?? [])] };
}

function interfacesAfter(
  { instance }: LoadedInstance,
  { rewiring }: RewireEvent,
): readonly InterfaceRecord[] | undefined {
  const generation = instance.generation + 1;
  if (rewiring.command === "interfaceDetach")
    return withLeaving(instance, ({ portId }) => portId === rewiring.portId, generation);
  const most = networkLimits.interfacesPerInstanceMax;
  return withAttached(instance, rewiring.interface, { generation, most });
}

function fullDenial({ instance: { id } }: LoadedInstance): Denial {
  const most = networkLimits.interfacesPerInstanceMax;
  const message = `Instance ${id} has no place for another interface; ${most} is the most, those on their way out included.`;
  return { reason: "interfacesFull", message };
}

function denialOf(loaded: LoadedInstance, event: RewireEvent): Denial | undefined {
  const { instance, operation } = loaded;
  const { rewiring, request, host } = event;
  const locked = lockDenial(instance, request);
  if (locked !== undefined) return locked;
  const state = stateOf(loaded, host?.alive ?? true);
  const cell = admit(state, rewiring.command);
  if (cell.kind === "deny") {
    const what = rewiring.command === "interfaceAttach" ? "attach an interface to" : "detach one from";
    const message = `Cannot ${what} instance ${instance.id}: it is ${state}.`;
    return { reason: cell.reason, message, details: { state } };
  }
  if (rewiring.command === "interfaceDetach" && !isThere(instance.interfaces, rewiring.portId)) {
    const message = `Instance ${instance.id} has no interface in port ${rewiring.portId}.`;
    return { reason: "notFound", message };
  }
  // A change of an interface that replaced another command would leave that one half done.
  if (operation !== undefined) {
    const message = `The ${operation.kind} of instance ${instance.id} is still under way.`;
    return { reason: "operationUnderWay", message, details: { operationId: operation.id } };
  }
  return pluggingDenial(loaded, event, state === "running" || state === "unknown");
}

const isThere = (interfaces: readonly InterfaceRecord[] | null, portId: string): boolean =>
  (interfaces ?? []).some((one) => one.portId === portId && !isLeaving(one));

/** What its hardware and its host can do. `isUp`: a guest of it lives, or may. */
function pluggingDenial(
  { instance }: LoadedInstance,
  { rewiring, host }: RewireEvent,
  isUp: boolean,
): Denial | undefined {
  const cannot = (why: string): Denial => ({
    reason: "notPluggable",
    message: `Instance ${instance.id} ${why}`,
  });
  const isComing = rewiring.command === "interfaceAttach";
  const most = host?.drivers?.networking?.mtuBytesMax;
  if (isComing && most !== undefined && rewiring.interface.mtuBytes > most)
    return cannot(
      `is on host ${host?.name}, which carries packets of ${most} bytes at most, not of ${rewiring.interface.mtuBytes}.`,
    );
  if (isComing && instance.shape === null)
    return cannot("has the hardware of before there were networks, with no place for an interface.");
  if (isComing && host !== undefined && !canPlug(host.drivers))
    return cannot(`is on host ${host.name}, which has no network to plug guests into.`);
  const physical = isComing ? (rewiring.interface.physicalNetwork ?? null) : null;
  if (isComing && host !== undefined && !canCarry(host.drivers, physical))
    return cannot(`is on host ${host.name}, which plugs no guest into ${physicalInWords(physical)}.`);
  if (isComing && host?.drivers && rewiring.isLimited && !canLimit(host.drivers))
    return cannot(`is on host ${host.name}, which keeps no bandwidth limits, and the port has one.`);
  const filtered = isComing && rewiring.interface.portSecurity !== false;
  if (filtered && host?.drivers?.networking?.filters === false)
    return cannot(`is on host ${host.name}, which filters nothing, and the port has portSecurity.`);
  if (
    host !== undefined &&
    typeof host.drivers?.network === "string" &&
    host.drivers.networking === undefined
  )
    return cannot(
      `is on host ${host.name}, whose agent is of before and does not say which interfaces it has: update it first.`,
    );
  // Of a host that is silent, and was never heard of, nobody knows.
  const isFixed = host?.drivers ? !host.drivers.abilities.hotPlug : host?.alive === true;
  if (isUp && isFixed)
    return cannot(
      `runs on host ${host?.name}, which changes no interfaces of a running guest: stop it first.`,
    );
  if (isComing && isUp && host?.alive === true && host.drivers?.networking?.hotPlug === false)
    return cannot(
      `runs on host ${host.name}, whose network takes guests in at their start alone: stop it first.`,
    );
  return undefined;
}

const physicalInWords = (name: string | null): string =>
  name === null ? "networks that are not the operator's own" : `the physical network ${name}`;

/**
 * The end of an operation on an interface that did not come about. What was to be attached is on its way out
 * from now on, so that a failed operation leaves nothing in the end; what was to be detached still is.
 */
export function giveUpRewiring(it: Draft, error: ErrorBody): Draft {
  const { operation } = it.after;
  const ended = endOperation(it, "failed", error);
  if (operation?.kind !== "interfaceAttach") return ended;
  const { instance } = ended.after;
  const generation = instance.generation + 1;
  const isMeant = ({ change }: InterfaceRecord) => change?.kind === "attaching";
  const interfaces = withLeaving(instance, isMeant, generation);
  const body = { command: "interfaceDetach", changed: true, generation, cause: "notAttached" };
  return withEvent(withInstance(ended, { generation, interfaces }), { event: "accepted", body });
}

export const isRewiring = ({ operation }: LoadedInstance): boolean =>
  operation?.kind === "interfaceAttach" || operation?.kind === "interfaceDetach";
