/** Guards of networks over time (agents' lives, revocations, removals), and how each is switched off. */
import type { Mutant } from "./mutants-plans.ts";
import type { Plan, PlannedCommand } from "./plan.ts";

const at = (atMs: number, command: PlannedCommand["command"], target: number): PlannedCommand => ({
  ...{ atMs, client: 0, command, target },
});

/** Nothing is lost, doubled, slow or refused. */
const calm = { lost: 0, doubled: 0, late: 0, refused: 0, hang: 0, rolledBack: 0, answerLost: 0, slow: 0 };
const sound = { ...calm, oneVersion: true, hostVcpus: 12, latencyMs: 1, storeLatencyMs: 1 } as const;

const made = [at(3_000, "networkCreate", 0), at(4_000, "subnetCreate", 0)];
/** With any address of it. */
const guests = [4, 14, 24].map((target, order) => at(5_500 + order * 300, "pluggedCreate", target));

function calmly(plan: Plan, commands: Plan["commands"], faults: Plan["faults"] = []): Plan {
  const { sharedDisks: _, numaNodes: __, ...parameters } = plan.parameters;
  return { ...plan, parameters: { ...parameters, ...sound }, commands, faults, faultyMs: 65_000 };
}

/** Guests of one network, whose agents end in order, and start again. */
function restarted(plan: Plan): Plan {
  const faults = Array.from({ length: 12 }, (_, target): Plan["faults"][number] => {
    return { atMs: 12_000 + 3_000 * target, fault: "agentStops", target, forMs: 2_000 };
  });
  return calmly(plan, [...made, ...guests], faults);
}

/** The port of a guest loses the group by which others reach it. */
function revoked(plan: Plan): Plan {
  const own = [
    at(4_500, "portCreate", 0),
    at(4_500, "securityGroupCreate", 0),
    at(5_000, "pluggedCreate", 12),
  ];
  return calmly(plan, [...made, ...own, ...guests, at(25_000, "portGroups", 0)]);
}

/** One port, in which one guest follows the other on the only host. */
function reused(plan: Plan): Plan {
  const rounds = Array.from({ length: 12 }, (_, index) => [
    at(8_000 + index * 4_000, "pluggedCreate", 12),
    at(10_500 + index * 4_000, "delete", 3 + index),
  ]);
  const shaped = calmly(plan, [...made, at(4_500, "portCreate", 0), ...guests, ...rounds.flat()]);
  return { ...shaped, parameters: { ...shaped.parameters, driverLatencyMs: 1, startMs: 10, hosts: 1 } };
}

/**
 * The agent of a host stays away, and the host is removed when the delete of its guest has ended for the
 * user; then another guest wants the address.
 */
function removed(plan: Plan): Plan {
  const commands = [
    ...[...made, at(5_000, "pluggedCreate", 3), at(12_000, "delete", 0)],
    ...[0, 1, 2, 3].map((round) => at(155_000 + 4_000 * round, "pluggedCreate", 13)),
  ];
  const faults: Plan["faults"] = [
    // Until the first guest is on the first host.
    ...[1, 2, 3].map((target) => ({ atMs: 4_000, fault: "hostDisabled" as const, target, forMs: 5_000 })),
    { atMs: 10_000, fault: "killAgent", target: 0, forMs: 180_000 },
    { atMs: 150_000, fault: "hostRemoved", target: 0, forMs: 0 },
  ];
  const shaped = calmly(plan, commands, faults);
  const parameters = { ...shaped.parameters, sharedDisks: "unlocked", hosts: 4, controllers: 1 } as const;
  return { ...shaped, parameters, faultyMs: 200_000 };
}

/** The port of a guest gets a limit, and loses it. */
function limited(plan: Plan): Plan {
  const own = [at(4_500, "portCreate", 0), at(5_000, "portLimits", 0), at(5_500, "pluggedCreate", 12)];
  return calmly(plan, [...made, ...own, at(25_000, "portLimits", 120)]);
}

/** Guests come and go, and so do their hosts' agents. */
function passing(plan: Plan): Plan {
  const deletes = [0, 1, 2].map((target) => at(15_000 + 1_000 * target, "delete", target));
  const faults = [0, 1, 2].flatMap((round) =>
    Array.from({ length: plan.parameters.hosts }, (_, target): Plan["faults"][number] => {
      return { atMs: 15_150 + round * 1_000, fault: "killAgent", target, forMs: 150 };
    }),
  );
  return calmly(plan, [...made, ...guests, ...deletes], faults);
}

export const networkLifeMutants: readonly Mutant[] = [
  {
    name: "address-answers-twice",
    promise: "N5",
    file: "actors/node/guard/decide.ts",
    find: "const outcomes = event.guests.map((guest) => outcomeOf(state, guest, moment));",
    replace: "const outcomes = event.guests.slice(0, 0).map((guest) => outcomeOf(state, guest, moment));",
    guard: "A guest whose host may be given up is stopped, though nobody else starts it again.",
    shape: removed,
  },
  {
    name: "limit-not-told",
    promise: "N2",
    file: "actors/control/networking/picture.ts",
    find: "const limited = bandwidth === null ? {} : { bandwidth };",
    replace: "const limited = bandwidth === null ? {} : {};",
    guard: "A host is told of the bandwidth limits of its ports.",
    shape: limited,
  },
  {
    name: "port-row-left",
    promise: "N7",
    file: "actors/control/instance/change.ts",
    find: ".map(({ portId }) => rowLetGo(port, portId)),",
    replace: ".map(({ portId }) => rowLetGo(port, portId)).slice(0, 0),",
    guard: "A port that was made with an instance goes with it.",
    shape: passing,
  },
  {
    name: "port-of-another-life",
    promise: "N8",
    file: "nodes/switch/plan.ts",
    find: "if (plug === undefined || !isOfPort(plug, picture, port)) return [];",
    replace: "if (plug === undefined) return [];",
    guard: "A plug of which the picture says something else passes nothing.",
    shape: reused,
  },
  {
    name: "network-ends-with-agent",
    promise: "N9",
    file: "actors/node/host/host.ts",
    find: "?.detach(ending.guests)",
    replace: "?.detach(true)",
    guard: "What carries packets outlives the agent as long as its guests run.",
    shape: restarted,
  },
  {
    name: "revoked-goes-on",
    promise: "N10",
    file: "nodes/switch/filter/judge.ts",
    find: "this.connections.keepOnly((one) => isSame(one) || this.#stays(before, one, nowMs));",
    replace: "this.connections.keepOnly((one) => isSame(one) || !isSame(one));",
    guard: "Connections that rules no longer allow end when the rules are applied.",
    shape: revoked,
  },
];
