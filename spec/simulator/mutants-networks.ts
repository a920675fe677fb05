/** Guards of networks, and how each is switched off. */
import type { Mutant } from "./mutants-plans.ts";
import type { Plan, PlannedCommand } from "./plan.ts";

/** Everybody wants addresses of a few small subnets at once, from two controllers. */
function crowdedNetworks(plan: Plan): Plan {
  const made: readonly PlannedCommand[] = [
    { atMs: 3_000, client: 0, command: "networkCreate", target: 0 },
    ...[0, 1, 2].map((target) => ({ atMs: 4_000, client: 0, command: "subnetCreate", target }) as const),
  ];
  const ports = Array.from({ length: 40 }, (_, index): readonly PlannedCommand[] => {
    const [atMs, target] = [6_000 + index * 700, index];
    return [
      ...[0, 6, 12].map(
        (more) => ({ atMs, client: 0, command: "portCreate", target: target + more }) as const,
      ),
      { atMs: atMs + 400, client: 0, command: "portDelete", target },
    ];
  });
  return { ...plan, commands: [...made, ...ports.flat()], faults: [] };
}

/** Instances on a small subnet, each of which is deleted again while it is built. */
function pluggedInstances(plan: Plan): Plan {
  const made: readonly PlannedCommand[] = [
    { atMs: 3_000, client: 0, command: "networkCreate", target: 0 },
    { atMs: 4_000, client: 0, command: "subnetCreate", target: 0 },
  ];
  const instances = Array.from({ length: 20 }, (_, index): readonly PlannedCommand[] => [
    { atMs: 6_000 + index * 1_000, client: 0, command: "pluggedCreate", target: 4 },
    { atMs: 6_700 + index * 1_000, client: 0, command: "delete", target: index },
  ]);
  return { ...plan, commands: [...made, ...instances.flat()], faults: [] };
}

/** Guests of one network, on several hosts. */
function spreadInstances(plan: Plan): Plan {
  const { commands } = pluggedInstances(plan);
  return { ...plan, commands: commands.filter(({ command }) => command !== "delete"), faults: [] };
}

/** Guests of two networks with the same addresses, one of them in a group that lets nobody in. */
function neighbours(plan: Plan): Plan {
  const at = (atMs: number, command: PlannedCommand["command"], target: number): PlannedCommand => ({
    ...{ atMs, client: 0, command, target },
  });
  const made = [
    ...[at(3_000, "networkCreate", 0), at(3_000, "networkCreate", 7), at(4_000, "subnetCreate", 0)],
    ...[at(4_000, "subnetCreate", 7), at(5_000, "portCreate", 0), at(5_000, "securityGroupCreate", 0)],
    ...[at(6_000, "portGroups", 0), at(7_000, "pluggedCreate", 12)],
  ];
  const guests = [4, 9, 39].map((target, order) => at(7_500 + order * 300, "pluggedCreate", target));
  return { ...plan, commands: [...made, ...guests], faults: [] };
}

/** A guest with a port of its own, whose groups get rules while its host hears nothing. */
function changingGroups(plan: Plan): Plan {
  const at = (atMs: number, command: PlannedCommand["command"], target: number): PlannedCommand => ({
    ...{ atMs, client: 0, command, target },
  });
  const made = [
    ...[at(3_000, "networkCreate", 0), at(4_000, "subnetCreate", 0), at(5_000, "portCreate", 0)],
    ...[at(5_000, "securityGroupCreate", 0), at(6_000, "pluggedCreate", 12), at(20_000, "portGroups", 0)],
  ];
  const rules = [3, 9].map((target) => at(25_000 + target * 1_000, "securityRuleCreate", target));
  const faults = [0, 1, 2, 3].map(
    (target) => ({ atMs: 33_500, fault: "isolate", target, forMs: 3_000 }) as const,
  );
  return { ...plan, commands: [...made, ...rules], faults };
}

/** Instances to which interfaces come and from which they go, while their agents die and hear nothing. */
function rewiredInstances(plan: Plan): Plan {
  const at = (atMs: number, command: PlannedCommand["command"], target: number): PlannedCommand => ({
    ...{ atMs, client: 0, command, target },
  });
  const made = [
    ...[at(3_000, "networkCreate", 0), at(4_000, "subnetCreate", 0)],
    ...[at(5_000, "pluggedCreate", 4), at(5_500, "pluggedCreate", 14)],
  ];
  const changes = Array.from({ length: 60 }, (_, index) => [
    at(10_000 + index * 700, "interfaceAttach", 10 + (index % 2)),
    at(10_250 + index * 700, "interfaceDetach", index),
  ]);
  const faults = Array.from({ length: 12 }, (_, target): Plan["faults"][number] => {
    const atMs = 11_000 + target * 3_300;
    return { atMs, target, fault: target % 2 === 0 ? "killAgent" : "isolate", forMs: 1_500 };
  });
  const parameters = { ...plan.parameters, oneVersion: true };
  return { ...plan, parameters, commands: [...made, ...changes.flat()], faults };
}

/** One port of hosts that several instances want at the same moment, again and again. */
function crowdedPublications(plan: Plan): Plan {
  const made: readonly PlannedCommand[] = [
    { atMs: 3_000, client: 0, command: "networkCreate", target: 0 },
    { atMs: 4_000, client: 0, command: "subnetCreate", target: 0 },
  ];
  const rounds = Array.from({ length: 15 }, (_, index): readonly PlannedCommand[] => {
    const atMs = 6_000 + index * 2_000;
    const wanted = [0, 1, 2].map(() => ({ atMs, client: 0, command: "pluggedCreate", target: 9 }) as const);
    const deleted = [0, 1].map(
      (one) => ({ atMs: atMs + 1_500, client: 0, command: "delete", target: index + one }) as const,
    );
    return [...wanted, { atMs: atMs + 1_000, client: 0, command: "publishedDelete", target: 9 }, ...deleted];
  });
  return { ...plan, commands: [...made, ...rounds.flat()], faults: [] };
}

/** An instance with a published port, whose host is asked for nothing else. */
function publishedInstance(plan: Plan): Plan {
  const { commands } = crowdedPublications(plan);
  return { ...plan, commands: commands.slice(0, 3), faults: [] };
}

export const networkMutants: readonly Mutant[] = [
  {
    name: "address-twice",
    promise: "N1",
    file: "db/memory/apply-rows.ts",
    find: "if (unique.some((fields) => others.some((other) => alike(other, fields)))) return true;",
    replace: "",
    guard: "What no two rows may have alike is refused to the second one.",
    shape: crowdedNetworks,
  },
  {
    name: "subnets-overlap",
    promise: "N1",
    file: "db/rules/subnet/memory.ts",
    find: "return other.id !== row.id && other.networkId === networkId && both && overlap(range, its);",
    replace: "return both && other.id === row.id && overlap(range, its);",
    guard: "A subnet whose range another one of its network has is refused.",
    shape: crowdedNetworks,
  },
  {
    name: "port-let-go-early",
    promise: "N1",
    file: "actors/control/instance/interfaces.ts",
    find: "return claims.length === 0 ? all : [];",
    replace: "return all;",
    guard: "A deleted instance lets go of its ports only when no host has anything of it.",
    shape: pluggedInstances,
  },
  {
    name: "port-never-let-go",
    promise: "N1",
    file: "actors/control/instance/interfaces.ts",
    find: "return claims.length === 0 ? all : [];",
    replace: "return [];",
    guard: "A deleted instance lets go of its ports in the end.",
    shape: pluggedInstances,
  },
  {
    name: "port-left-on-host",
    promise: "I7",
    file: "actors/node/machine/effects.ts",
    find: "await releaseKept(others, spec, signal);",
    replace: "",
    guard: "What a host has of a guest's ports goes with the machine.",
    shape: pluggedInstances,
  },
  {
    name: "picture-kept-as-it-was",
    promise: "N2",
    file: "actors/control/networking/picture.ts",
    find: 'createHash("sha256").update(text)',
    replace: 'createHash("sha256").update(picture.id)',
    guard: "A part of a picture that has changed is said again.",
    shape: pluggedInstances,
  },
  {
    name: "far-ports-left-out",
    promise: "N2",
    file: "actors/node/host/networking.ts",
    find: "...(far === undefined ? {} : { far: partsOf(far, parts) }),",
    replace: "",
    guard: "A host applies the ports of other hosts together with its own.",
    shape: spreadInstances,
  },
  {
    name: "ingress-not-judged",
    promise: "N2",
    file: "nodes/switch/filter/judge.ts",
    find: 'return to.isFiltered && !allows(to.rules.ingress, carried, source) ? "ingressRule" : undefined;',
    replace: "return undefined;",
    guard: "A packet passes only when the receiver's rules let it in.",
    shape: neighbours,
  },
  {
    name: "any-guest-answers-dhcp",
    promise: "N3",
    file: "nodes/switch/filter/anti-spoofing.ts",
    find: 'flow.protocol === protocols.udp && isServers ? "dhcpServer" : undefined',
    replace: "flow.protocol === 0 && isServers ? undefined : undefined",
    guard: "No guest passes for a DHCP server.",
    shape: neighbours,
  },
  {
    name: "networks-have-one-table",
    promise: "N4",
    file: "nodes/switch/plan.ts",
    find: "const network = draftOf(picture);",
    replace: "const network = { ...draftOf(picture), byMac: plugged };",
    guard: "A MAC is looked for among the ports of the sender's network only.",
    shape: neighbours,
  },
  {
    name: "host-port-twice",
    promise: "N1",
    file: "protocol/published-port.ts",
    find: '["hostPort", "protocol"],',
    replace: "",
    guard: "A port of hosts is published for one instance of the cell.",
    shape: crowdedPublications,
  },
  {
    name: "published-left-out",
    promise: "N2",
    file: "actors/control/networking/picture.ts",
    find: "...leading,",
    replace: "",
    guard: "A host is told which of its guests' ports are published.",
    shape: publishedInstance,
  },
  {
    name: "picture-asked-for-once",
    promise: "N6",
    file: "actors/node/host/networking.ts",
    find: "? networkPullPeriodMs : networkRetryMs",
    replace: "? 1_000_000_000 : networkRetryMs",
    guard: "A host asks for its picture again, though nobody told it of a change.",
    shape: changingGroups,
  },
  {
    name: "interface-let-go-without-a-word",
    promise: "N1",
    file: "actors/control/instance/interfaces.ts",
    find: "return ports?.includes(portId) === false;",
    replace: "return ports?.includes(portId) !== true;",
    guard: "A host that does not know which ports it has has not let go of one.",
    shape: rewiredInstances,
  },
  {
    name: "interface-left-on-host",
    promise: "N1",
    file: "actors/node/machine/interfaces.ts",
    find: "  await releaseOthers(network, spec, signal);\n  if (!isUp) return;\n",
    replace: "  if (!isUp) return;\n",
    guard: "A host lets go of a port before it says so.",
    shape: rewiredInstances,
  },
];
