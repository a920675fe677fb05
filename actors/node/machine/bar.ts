/**
 * What the host lease lets a machine do. A guest that another host may take over runs only under the very
 * lease epoch that it was claimed under: a newer host lease is granted only after a fence, so by then the
 * guest may run elsewhere. Pure.
 */
import type { Lease } from "./lease.ts";
import type { Machine } from "./state.ts";

/**
 * `wait`: start no process. `pause`: pause running guests as well, so that no guest writes. `halt`: end every
 * process.
 */
export type Bar = "wait" | "pause" | "halt";

/** The limit that the host lease sets now; undefined: none. */
export function barOf({ spec, leaseEpoch, lease }: Machine): Bar | undefined {
  if (!spec.fence || leaseEpoch === 0) return undefined;
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

/** The machine with this as its host lease. */
export function under(machine: Machine, lease: Lease): Machine {
  const same = machine.lease.kind === lease.kind && machine.lease.epoch === lease.epoch;
  return same ? machine : { ...machine, lease };
}
