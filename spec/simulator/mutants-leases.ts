/** Guards of leases, fences and recovery (see mutants.ts). */
import type { Mutant } from "./mutants-plans.ts";

export const leaseMutants: readonly Mutant[] = [
  {
    name: "no-guard",
    promise: "I2",
    file: "nodes/drivers/fake/guard.ts",
    find: 'if (action.kind === "stop") this.#world.freeze(action.guest.instanceId);',
    replace: 'if (action.kind === "stop") return;',
    guard: "Guests are stopped at the end of the lease, also when the agent is dead or stuck.",
  },
  {
    name: "late-guard",
    promise: "I2",
    file: "actors/guard/decide.ts",
    find: "const deadlineMs = Math.min(event.deadlineMs, nowMs + limits.leaseTtlMs);",
    replace: "const deadlineMs = Math.min(event.deadlineMs, nowMs + limits.leaseTtlMs) + 6_000;",
    guard: "They are stopped at the deadline, not some time later.",
  },
  {
    name: "wall-clock",
    promise: "I9",
    file: "actors/hosts/fencer.ts",
    find: "const nowMs = this.#options.clock.monotonicMs();",
    replace: "const nowMs = this.#options.clock.nowMs();",
    guard: "Silence is measured by a clock that nobody sets.",
  },
  {
    name: "bare-timeout",
    promise: "I9",
    file: "actors/hosts/watch.ts",
    find: "if (silentMs >= limits.leaseTtlMs + limits.fenceMarginMs)",
    replace: "if (silentMs >= 4_000)",
    guard: "A host is fenced after the lease's whole time and the guard's, not after some silence.",
  },
  {
    name: "late-renewal",
    promise: "I9",
    file: "db/memory/apply-leases.ts",
    find: "if (host === undefined || !held || (renewals ?? lease.renewals) !== lease.renewals)",
    replace: "if (host === undefined || !held)",
    guard: "A fence counts only when nothing was renewed since it was decided.",
  },
  {
    name: "no-epoch-check",
    promise: "I9",
    file: "actors/machine/bar.ts",
    find: "if (leaseEpoch === lease.epoch) return undefined;",
    replace: "if (leaseEpoch <= lease.epoch) return undefined;",
    guard: "Under a new lease nothing of an older one starts before it is asked for anew.",
  },
  {
    name: "unclean-return",
    promise: "I2",
    file: "actors/host/host.ts",
    find: "const isClean = async () => {",
    replace: "const isClean = async () => {\n    if (ledger.size >= 0) return true;",
    guard: "A host that comes back ends what may run elsewhere before it asks for a lease.",
  },
  {
    name: "fence-unchecked",
    promise: "I9",
    file: "db/memory/apply-leases.ts",
    find: "if (lease?.epoch !== epoch || lease.fencedBy === null)",
    replace: "if (lease === undefined)",
    guard: "What rests on a fence is committed only while the host is still fenced.",
  },
];
