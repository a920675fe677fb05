/** Guards between tenants, and between hosts, and what switches each off (mutants.ts). */
import type { Mutant } from "./mutants-plans.ts";
import type { Plan, PlannedCommand, PlannedFault } from "./plan.ts";
import { calmed, type PlannedHostile } from "./plan-hostile.ts";

export const floodSize = { controllers: 1, hosts: 3, seconds: 40 } as const;
const size = floodSize;

/** A run with one hostile deed and only creates before it. */
function hostilePlan(plan: Plan, deed: Omit<PlannedHostile, "atMs" | "forMs">): Plan {
  const hostile = [{ atMs: 20_000, forMs: 6_000, ...deed }];
  const creates = Array.from({ length: 6 }, (_, index): PlannedCommand => {
    return { atMs: 5_000 + index * 400, client: index, command: "create", target: index };
  });
  const parameters = { ...calmed(plan.parameters, hostile), oneVersion: true, hostVcpus: 12 };
  const faults: readonly PlannedFault[] = hostile;
  return { ...plan, parameters, commands: creates, faults };
}

export const floodedBy =
  (what: PlannedHostile["what"], other: number, target = 0) =>
  (plan: Plan): Plan =>
    hostilePlan(plan, { fault: "flood", target, other, what });

const liedBy =
  (what: PlannedHostile["what"]) =>
  (plan: Plan): Plan =>
    hostilePlan(plan, { fault: "hostLies", target: 0, other: 10, what });

export const neighbourMutants: readonly Mutant[] = [
  {
    name: "no-door",
    promise: "I11",
    file: "protocol/wire/server.ts",
    find: "bus.serve(pattern, binding.queue, answer, door)",
    replace: "bus.serve(pattern, binding.queue, answer)",
    guard: "A message is admitted before anything of it is read.",
    size,
    shape: floodedBy("commands", 12_000),
  },
  {
    name: "no-budget",
    promise: "I11",
    file: "protocol/wire/admission.ts",
    find: "budget.take(name, bytes, nowMs)) && room",
    replace: "bytes >= 0) && room",
    guard: "A project has a budget of messages and bytes.",
    size,
    shape: floodedBy("malformed", 12_000),
  },
  {
    name: "no-share",
    promise: "I11",
    file: "protocol/wire/shares.ts",
    find: "if (name === adminProject && reserved < reserveMax) return true;",
    replace: "if (reserveMax > 0) return true;",
    guard: "So much is worked on at once, and each project has its share of that.",
    size,
    shape: floodedBy("commands", 12_000, 20),
  },
  {
    name: "no-turn",
    promise: "I11",
    file: "protocol/wire/shares.ts",
    find: "for (const name of [...this.#line]) {",
    replace: "for (const name of [...this.#line].sort().reverse()) {",
    guard: "Projects whose requests wait are served in turn.",
    size,
    shape: floodedBy("commands", 12_000, 20),
  },
  {
    name: "waits-unlimited",
    promise: "I11",
    file: "protocol/wire/shares.ts",
    find: "if (share.waits >= waitsPerProjectMax || (!room && ofProjects >= waitsMax - waitsReserveMax)) {",
    replace: "if (share.waits < 0 || (room && ofProjects < 0 && waitsMax < waitsReserveMax)) {",
    guard: "A project has so many requests that only wait, and no more.",
    size,
    shape: floodedBy("polls", 8_000),
  },
  {
    name: "unheard-for-good",
    promise: "I11",
    file: "protocol/wire/hearing.ts",
    find: "this.#all = this.#options.listen(this.#options.binding.pattern);",
    replace: "this.#all = this.#each.get(name);",
    guard: "Everybody is heard again when a flood's pause is over.",
    size,
    shape: floodedBy("commands", 24_000),
  },
  {
    name: "discovery-unlimited",
    promise: "I11",
    file: "protocol/wire/discovery.ts",
    find: "if (length > 0 && this.#budgets.take(verb, length, nowMs))",
    replace: "if (length > 0)",
    guard: "Discovery is answered some times a second.",
    size,
    shape: floodedBy("questions", 1_500),
  },
  {
    name: "reports-unlimited",
    promise: "I11",
    file: "actors/control/fleet/report-budgets.ts",
    find: "const enough = there >= amount;",
    replace: "const enough = there >= amount || amount > 0;",
    guard: "What a host reports and leaves something behind has a budget.",
    size,
    shape: liedBy("talkative"),
  },
  {
    name: "deeds-of-anybody",
    promise: "I11",
    file: "actors/control/fleet/guarded.ts",
    find: "claimedBy === hostId || seen?.hostId === hostId",
    replace: "claimedBy !== undefined || seen?.hostId === hostId",
    guard: "A host is believed about deeds of its guard to its own guests only.",
    size,
    shape: liedBy("talkative"),
  },
];
