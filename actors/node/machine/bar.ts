/**
 * What a machine may do by its host's lease. A guest that another host may take over runs only under the very
 * lease that it was claimed under: a newer one is granted only after a fence, so by then the guest may run
 * elsewhere. Pure.
 */
import type { Lease } from "./lease.ts";
import type { Machine } from "./state.ts";

/** `wait`: begin nothing. `pause`: and nothing may write. `halt`: and nothing may live. */
export type Bar = "wait" | "pause" | "halt";

/** Undefined: nothing stands in its way. */
export function barOf({ spec, leaseEpoch, lease }: Machine): Bar | undefined {
  if (spec.fence !== true || leaseEpoch === 0) return undefined;
  switch (lease.kind) {
    case "unknown":
      return "wait";
    case "lapsed":
      return "pause";
    case "fenced":
      return leaseEpoch <= lease.epoch ? "halt" : "wait";
    case "held":
      if (leaseEpoch === lease.epoch) return undefined;
      return leaseEpoch < lease.epoch ? "halt" : "wait";
  }
}

/** The machine as of a moment at which its host's lease is this one. */
export function under(machine: Machine, lease: Lease): Machine {
  const same = machine.lease.kind === lease.kind && machine.lease.epoch === lease.epoch;
  return same ? machine : { ...machine, lease };
}
