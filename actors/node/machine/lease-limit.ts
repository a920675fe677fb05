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
export type LeaseLimit = "wait" | "pause" | "halt";

/** The limit that the host lease sets now; undefined: none. */
export function leaseLimitOf({ spec, leaseEpoch, lease }: Machine): LeaseLimit | undefined {
  if (!spec.fence || leaseEpoch === 0) return undefined;
  switch (lease.kind) {
    case "unknown":
      return "wait";
    case "lapsed":
      return "pause";
    case "fenced":
      return leaseEpoch <= lease.leaseEpoch ? "halt" : "wait";
    case "held":
      if (leaseEpoch === lease.leaseEpoch) return undefined;
      return leaseEpoch < lease.leaseEpoch ? "halt" : "wait";
  }
}

/** The machine with this as its host lease. */
export function under(machine: Machine, lease: Lease): Machine {
  const same = machine.lease.kind === lease.kind && machine.lease.leaseEpoch === lease.leaseEpoch;
  return same ? machine : { ...machine, lease };
}
