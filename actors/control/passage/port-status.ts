/**
 * The status of a port: a level, computed from what is known of its instance and what its host says at this
 * moment. Nothing is remembered, so no lost message can leave a word that is not true. Pure.
 */
import type { InterfaceChange } from "../../../protocol/interface.ts";
import type { NetworkFailure, PortPicture } from "../../../protocol/networking.ts";
import type { BandwidthLimit, Port, PortStatus } from "../../../protocol/port.ts";
import type { InstanceState } from "../../../protocol/states.ts";

/** The instance that is plugged in. */
export interface PluggedGuest {
  readonly name: string;
  readonly state: InstanceState;
  /** A process of the guest is seen. */
  readonly runs: boolean;
  /** Null: it is on no host. */
  readonly hostName: string | null;
  /** What is on its way with the interface. */
  readonly change: InterfaceChange | undefined;
  /** Its host keeps bandwidth limits. */
  readonly isLimiting: boolean;
}

/** What the host of the guest says. */
export type PortWord =
  | { readonly kind: "said"; readonly networking: Said | null }
  | { readonly kind: "unheard"; readonly why: "silent" | "unanswered" };

export interface Said {
  /** Why its network stays as it is; null: it does not. */
  readonly failure: string | null;
  /** As it is applied; undefined: it is not. */
  readonly port: PortPicture | undefined;
  /** What of the picture has failed that concerns the port. Absent: nothing. */
  readonly failed?: NetworkFailure;
}

export interface PortFacts {
  readonly port: Port;
  /** Undefined: the instance is gone. */
  readonly guest: PluggedGuest | undefined;
  readonly word: PortWord;
  /** Why a deleted instance still has it, as a sentence. Absent: it is not, or it lets go of it soon. */
  readonly held?: string | undefined;
  /** The caller may know why a host fails. */
  readonly operator: boolean;
}

export interface SaidStatus {
  readonly status?: PortStatus;
  readonly statusReason?: string;
}

const told = (status: PortStatus, statusReason: string): SaidStatus => ({ status, statusReason });

export function portStatus(facts: PortFacts): SaidStatus {
  const { port, guest, held } = facts;
  if (port.device === null) return told("down", "Nothing is plugged in.");
  if (port.device !== "instance") return {};
  if (held !== undefined) return told("unknown", held);
  if (guest === undefined) return told("down", "Its instance is gone.");
  return beforeItsHost(guest, facts) ?? ofItsHost(guest, facts);
}

/** What is known without the host's word; undefined: the host decides. */
function beforeItsHost({ name, state, runs, hostName, change }: PluggedGuest, { word }: PortFacts) {
  const isComing = state === "building" || state === "starting";
  if (hostName === null)
    return isComing ? told("build", `${name} is on no host yet.`) : told("down", `${name} is on no host.`);
  if (word.kind === "unheard" && word.why === "silent")
    return told("unknown", `The host ${hostName} is silent: nobody knows what passes there.`);
  if (isComing || (!runs && (state === "rebooting" || state === "unpausing")))
    return told("build", `${name} is starting.`);
  if (!runs) return told("down", `${name} does not run.`);
  if (change === "attaching") return told("build", `${name} is not plugged in yet.`);
  return change === "leaving" ? told("build", `${name} is letting go of it.`) : undefined;
}

const askDoctor = "; operators are told why by novact doctor";

const wordsOf = (why: string): string => `: ${why.replace(/\.$/, "")}`;

/** What the port cannot reach, while all else passes. */
function limping({ of, id, why }: NetworkFailure, { operator }: PortFacts): string {
  const words = {
    ...{ port: "it", network: "its network", tunnel: "other hosts' guests of its network" },
    ...{
      device: "anybody",
      router: "what is behind its router",
      responder: "what tells it its addresses of IPv6",
      outside: operator ? `the network ${id}` : "the outside",
    },
  };
  return `It does not reach ${words[of]}${operator ? wordsOf(why) : askDoctor}.`;
}

function ofItsHost({ name, hostName, isLimiting }: PluggedGuest, facts: PortFacts): SaidStatus {
  const { port, word, operator } = facts;
  if (word.kind === "unheard") return told("unknown", `The host ${hostName} does not answer.`);
  if (word.networking === null) return told("error", `The host ${hostName} has no network.`);
  if (port.bandwidth !== null && !isLimiting)
    return told("error", `The host ${hostName} does not keep bandwidth limits.`);
  const { failure, port: applied, failed } = word.networking;
  if (failed?.of === "device")
    return told(
      "error",
      `What ${name} was plugged into is gone from the host ${hostName}: stop ${name} and start it again.`,
    );
  if (failed?.of === "port" || failed?.of === "network")
    return told(
      "error",
      `The host ${hostName} cannot carry it${operator ? wordsOf(failed.why) : askDoctor}.`,
    );
  if (applied !== undefined && isAsWanted(applied, port))
    return failed === undefined ? { status: "active" } : told("active", limping(failed, facts));
  if (failure === null) return told("build", `The host ${hostName} has not applied yet what is so now.`);
  const why = operator ? `: ${failure}` : askDoctor;
  return told("error", `The host ${hostName} cannot apply what is so now${why}.`);
}

/** Published ports are apart: who cannot be opened is said elsewhere. */
function isAsWanted(applied: PortPicture, port: Port): boolean {
  return (
    applied.instanceId === port.deviceId &&
    applied.portSecurity === port.portSecurity &&
    applied.mac === port.mac &&
    isLimitedAs(applied.bandwidth?.ingress, port.bandwidth?.ingress) &&
    isLimitedAs(applied.bandwidth?.egress, port.bandwidth?.egress) &&
    textOf(applied.addresses) === textOf(port.addresses) &&
    textOf(applied.addressPairs) === textOf(port.addressPairs) &&
    textOf(applied.groupIds) === textOf(port.securityGroupIds)
  );
}

const isLimitedAs = (one?: BandwidthLimit | null, other?: BandwidthLimit | null): boolean =>
  one?.kilobitsPerSecond === other?.kilobitsPerSecond && one?.burstKilobits === other?.burstKilobits;

/** Equal lists have the same text, in whatever order items and fields are. */
const textOf = (items: readonly (string | object)[]): string =>
  JSON.stringify(items.map((item) => (typeof item === "string" ? item : fieldsOf(item))).sort());

const fieldsOf = (item: object): string => JSON.stringify(Object.entries(item).sort(byName));

const byName = ([one]: [string, unknown], [other]: [string, unknown]): number => (one < other ? -1 : 1);
