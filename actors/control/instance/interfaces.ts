/**
 * The interfaces of an instance as its row has them: which of them its guest is to have, which are on their
 * way, and when one is let go of. An interface that comes is in the row, with its port, from the commit that
 * accepts it; one that goes stays there, and holds its port, until no host has anything of it (N1). Pure.
 */
import type { InterfaceChange, MachineInterface } from "../../../protocol/interface.ts";
import type { Observation } from "../../../protocol/machine.ts";
import type { InstanceRecord, InterfaceRecord, LoadedInstance } from "../../records/instance.ts";

type Wired = Pick<InstanceRecord, "interfaces">;

/** The interfaces that a host is told of: leaving ones are not among these. */
export const machineInterfaces = (interfaces: readonly InterfaceRecord[]): MachineInterface[] =>
  interfaces
    .filter((one) => !isLeaving(one))
    .map(({ portId, networkId, mac, mtuBytes, physicalNetwork, place }) => ({
      ...{ portId, networkId, mac, mtuBytes, ...(place !== undefined && { place }) },
      ...(physicalNetwork !== undefined && { physicalNetwork }),
    }));

export const isLeaving = ({ change }: InterfaceRecord): boolean => change?.kind === "leaving";

/**
 * True: its host has not yet said what became of a change. A paused guest can neither take nor give a device
 * back, so that nothing is to be waited for; nor is there anything where no host owns the instance: the next
 * one is told the whole.
 */
export const isBeingRewired = ({
  interfaces,
  desired,
  hostId,
}: Pick<InstanceRecord, "interfaces" | "desired" | "hostId">): boolean =>
  hostId !== null &&
  desired !== "deleted" &&
  desired !== "paused" &&
  (interfaces ?? []).some(({ change }) => change !== undefined);

/**
 * Each with its place said: from the first change on, no interface moves because another one goes. An
 * instance that was made without networks has an interface all the same, which reaches nobody, in the first
 * place; it goes when another one comes, which gets the place behind it.
 */
const placed = ({ interfaces }: Wired): readonly InterfaceRecord[] =>
  (interfaces ?? []).map((one, index) => ({ ...one, place: one.place ?? index }));

/** Undefined: every place is taken, also by those that are on their way out. */
export function withAttached(
  instance: Wired,
  added: InterfaceRecord,
  { generation, most }: { readonly generation: number; readonly most: number },
): readonly InterfaceRecord[] | undefined {
  const present = placed(instance);
  const taken = new Set(present.map(({ place }) => place));
  if (instance.interfaces === null) taken.add(0);
  const place = Array.from({ length: most }, (_, index) => index).find((index) => !taken.has(index));
  if (place === undefined) return undefined;
  const all = [...present, { ...added, place, change: { kind: "attaching", generation } as const }];
  return all.sort((one, other) => (one.place ?? 0) - (other.place ?? 0));
}

/** The interfaces, some of which leave since this generation. */
export const withLeaving = (
  instance: Wired,
  isMeant: (one: InterfaceRecord) => boolean,
  generation: number,
): readonly InterfaceRecord[] =>
  placed(instance).map((one) =>
    isMeant(one) ? { ...one, change: { kind: "leaving", generation } as const } : one,
  );

export interface Word {
  /** The interfaces that stay, with or without a change under way. */
  readonly interfaces: readonly InterfaceRecord[];
  /** Ids of ports of which the host has nothing, and will have nothing. */
  readonly left: readonly string[];
  /** Changes that have ended, each with its interface. */
  readonly ended: readonly { readonly kind: InterfaceChange; readonly of: InterfaceRecord }[];
}

/**
 * What the owner host's observation says of the changes. It counts from the generation of the change on: then
 * the host takes no earlier intent any more, by which it might plug a port in again.
 */
export function wordOf(interfaces: readonly InterfaceRecord[], seen: Observation): Word {
  const { ports, state, intentGeneration } = seen;
  const isEnded = ({ portId, change }: InterfaceRecord): boolean => {
    if (change === undefined || intentGeneration < change.generation) return false;
    if (change.kind === "leaving") return ports?.includes(portId) === false;
    // A guest that is down has every interface from its next start on.
    return state === "stopped" || state === "failed" || ports?.includes(portId) === true;
  };
  const ended = interfaces.filter(isEnded);
  const kept = interfaces.filter((one) => !(isEnded(one) && isLeaving(one)));
  return {
    interfaces: kept.map((one) => (isEnded(one) ? withoutChange(one) : one)),
    left: ended.filter(isLeaving).map(({ portId }) => portId),
    ended: ended.flatMap((of) => (of.change === undefined ? [] : { kind: of.change.kind, of })),
  };
}

const withoutChange = ({ change: _, ...one }: InterfaceRecord): InterfaceRecord => one;

/**
 * What an instance lets go of: all, when it is to go and no host has anything of it; those that are on their
 * way out, when no host has anything of the instance, so that there is nobody whose word could be waited for.
 */
export function releasedPorts({ instance, claims }: LoadedInstance): readonly InterfaceRecord[] {
  const all = instance.interfaces ?? [];
  if (instance.desired === "deleted") return claims.length === 0 ? all : [];
  return claims.some(({ ownerEpoch }) => ownerEpoch <= instance.ownerEpoch) ? [] : all.filter(isLeaving);
}
