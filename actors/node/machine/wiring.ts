/**
 * Whether a machine is plugged into the ports of its spec, and into no others. What is known of it is only
 * what a boot or a wiring has left, which are told the whole: so an interface that comes, one that goes, a
 * crash in between and a newer wish are all the same. Pure.
 */
import type { MachineSpec, Observation } from "../../../protocol/machine.ts";
import type { Machine, Work } from "./state.ts";

type Wiring = Pick<Machine, "wired" | "pending">;
type Wired = Wiring & Pick<Machine, "spec">;

/** Undefined: the guest is told of no interfaces, and there is nothing to do. */
export const portsOf = ({ interfaces }: Pick<MachineSpec, "interfaces">): readonly string[] | undefined =>
  interfaces?.map(({ portId }) => portId);

/** Before a boot or a wiring has come anywhere: whatever was there may be another now. */
export const unknownWiring: Wiring = { wired: undefined, pending: [] };

/** When a boot or a wiring has let go of what is to go: what is to come may be there, or not. */
export function wiringDuring({ ports = [], had }: Pick<Work, "ports" | "had">): Wiring {
  return { wired: ports.filter((id) => had.includes(id)), pending: ports.filter((id) => !had.includes(id)) };
}

export const wiringAfter = ({ ports }: Pick<Work, "ports">): Wiring => ({ wired: ports, pending: [] });

/** Ports of the host, where no other port may be on the host. */
export const wiredForSure = ({ wired, pending }: Wiring): readonly string[] | undefined =>
  pending.length === 0 ? wired : undefined;

/**
 * True: the work plugs in a port that is to go by now. It is called off: it may wait for another port, for as
 * long as that one cannot be made.
 */
export function isPluggingWhatLeaves({ kind, step, ports = [] }: Work, spec: MachineSpec): boolean {
  const wanted = portsOf(spec);
  const isPlugging = kind === "wire" || (kind === "boot" && step === "preparing");
  return isPlugging && wanted !== undefined && ports.some((id) => !wanted.includes(id));
}

/** True: its living guest lacks a port, or has one too many, or nobody knows. */
export function isMiswired({ spec, ...wiring }: Wired): boolean {
  const wanted = portsOf(spec);
  if (wanted === undefined) return false;
  const wired = wiredForSure(wiring);
  return wired === undefined || wanted.length !== wired.length || wanted.some((id) => !wired.includes(id));
}

/** True: the host may have a port of it that it is to let go of, though no guest lives. */
export function hasLeftovers({ spec, wired, pending }: Wired): boolean {
  const wanted = portsOf(spec);
  if (wanted === undefined) return false;
  return wired === undefined || [...wired, ...pending].some((id) => !wanted.includes(id));
}

/**
 * The ports that the machine's observation names. While an unwanted port may still be on the host, the
 * observation names none: a controller would take an unnamed port for one that the host has let go of.
 */
export function saidPorts({ spec, wired, pending }: Wired): Pick<Observation, "ports"> {
  const wanted = portsOf(spec);
  if (wanted === undefined || wired === undefined) return {};
  return pending.every((id) => wanted.includes(id)) ? { ports: [...wired] } : {};
}
