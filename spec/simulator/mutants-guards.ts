/**
 * What the guard of a host rests on when it dies itself, what a guest's owner is told of its end, and how
 * each is switched off (mutants.ts).
 */
import type { Mutant } from "./mutants-plans.ts";
import type { Plan, PlannedFault } from "./plan.ts";

/** Hosts are missed for longer than a lease, and their guards die shortly before its end, and come back. */
function guardless(plan: Plan): Plan {
  const faults = [15_000, 40_000, 65_000].flatMap((atMs, target): readonly PlannedFault[] => [
    { atMs, fault: "pauseAgent", target, forMs: 20_000 },
    { atMs: atMs + 7_000, fault: "guardDies", target, forMs: 0 },
  ]);
  const commands = plan.commands.filter(({ command }) => command === "create" || command === "get");
  const calm = { lost: 0, doubled: 0, late: 0, refused: 0, hang: 0, rolledBack: 0, answerLost: 0, slow: 0 };
  const parameters = { ...plan.parameters, ...calm, sharedDisks: "unlocked", hostVcpus: 20 } as const;
  return { ...plan, parameters, commands, faults };
}

/** Guests die one after the other, and of some their hosts can tell why. */
function dying(plan: Plan): Plan {
  const faults = Array.from({ length: 20 }, (_, target): PlannedFault => {
    return { atMs: 15_000 + 1_500 * target, fault: "guestDies", target, forMs: 0 };
  });
  return { ...plan, faults: [...plan.faults, ...faults] };
}

export const guardMutants: readonly Mutant[] = [
  {
    name: "owner-not-told-why",
    promise: "I10",
    file: "actors/control/instance/change.ts",
    find: 'return { reason: machine.reason, ...(message === "" ? {} : { message }) };',
    replace: 'return message === "" ? { reason: machine.reason } : {};',
    guard: "The owner of a guest that its bound has ended reads why in its events.",
    shape: dying,
  },
  {
    name: "guard-forgets",
    promise: "I2",
    file: "actors/node/guard/state.ts",
    find: "deadlineMs: Math.min(known?.deadlineMs ?? latestMs, latestMs),",
    replace: "deadlineMs: latestMs,",
    guard: "A guard that begins anew goes by the deadline that the guard before was told.",
    size: { hosts: 3, controllers: 2, seconds: 90 },
    shape: guardless,
  },
];
