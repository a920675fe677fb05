/**
 * Whether a machine is plugged into the ports of its spec, and into no others. What is known of it is only
 * what a boot or a wiring has left, which are told the whole: so an interface that comes, one that goes, a
 * crash in between and a newer wish are all the same. Pure.
 */
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { Machine } from "./state.ts";

/** Undefined: the guest is told of no interfaces, and there is nothing to do. */
export const portsOf = ({ interfaces }: Pick<MachineSpec, "interfaces">): readonly string[] | undefined =>
  interfaces?.map(({ portId }) => portId);

/** True: its living guest lacks a port, or has one too many, or nobody knows. */
export function isMiswired({ spec, wired }: Pick<Machine, "spec" | "wired">): boolean {
  const wanted = portsOf(spec);
  if (wanted === undefined) return false;
  return wired === undefined || wanted.length !== wired.length || wanted.some((id) => !wired.includes(id));
}

/** True: the host may have a port of it that it is to let go of, though no guest lives. */
export function hasLeftovers({ spec, wired }: Pick<Machine, "spec" | "wired">): boolean {
  const wanted = portsOf(spec);
  return wanted !== undefined && (wired === undefined || wired.some((id) => !wanted.includes(id)));
}
