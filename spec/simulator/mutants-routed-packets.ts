/** Guards of packets over routers, and from outside, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import type { Plan, PlannedCommand } from "./plan.ts";

const at =
  (client: number) =>
  (atMs: number, command: PlannedCommand["command"], target: number): PlannedCommand => ({
    ...{ atMs, client, command, target },
  });

/** Two networks behind a router that leads outside, with guests on both. */
function routed(client: number): readonly PlannedCommand[] {
  const own = at(client);
  const external = [own(3_000, "externalCreate", 0), own(4_000, "externalSubnet", 0)];
  return [
    ...(client === 0 ? external : []),
    ...[own(3_000, "networkCreate", 0), own(3_000, "networkCreate", 7)],
    ...[own(4_000, "subnetCreate", 2), own(4_000, "subnetCreate", 7)],
    ...[own(5_000, "portCreate", 2), own(5_000, "portCreate", 8), own(5_500, "routerCreate", 0)],
    ...[own(6_500, "routerAdd", 2), own(7_000, "routerAdd", 3)],
    ...[own(8_000, "pluggedCreate", 2), own(8_300, "pluggedCreate", 32)],
    ...[own(8_600, "pluggedCreate", 39), own(8_900, "pluggedCreate", 79)],
  ];
}

const shaped = (plan: Plan, hosts: number, commands: readonly PlannedCommand[]): Plan => {
  const parameters = { ...plan.parameters, ...calm, hosts, clients: 2, hostVcpus: 16, oneVersion: true };
  return { ...plan, parameters, commands: [...commands], faults: [] };
};

/** On one host; then the router leads to one of both networks no more. */
const detached = (plan: Plan): Plan => shaped(plan, 1, [...routed(0), at(0)(20_000, "routerRemove", 3)]);

/** Two projects have the same ranges. */
const twoProjects = (plan: Plan): Plan => shaped(plan, 1, [...routed(0), ...routed(1)]);

/** A guest of a group that lets nobody in. */
const closed = (hosts: number) => (plan: Plan) =>
  shaped(plan, hosts, [
    ...routed(0),
    ...[at(0)(5_500, "securityGroupCreate", 2), at(0)(6_500, "portGroups", 2)],
    at(0)(12_000, "floatingCreate", 2),
  ]);
const closedHere = (plan: Plan): Plan => closed(1)(plan);
const closedThere = (plan: Plan): Plan => closed(2)(plan);

/** A floating address is led from one guest to another, of the same host; everybody may call. */
const ledElsewhere = (plan: Plan): Plan =>
  shaped(plan, 1, [
    ...routed(0),
    at(0)(5_500, "securityGroupCreate", 2),
    ...[5, 11, 17].map((target) => at(0)(6_500, "securityRuleCreate", target)),
    ...[at(0)(7_300, "portGroups", 2), at(0)(7_300, "portGroups", 8)],
    ...[at(0)(12_000, "floatingCreate", 2), at(0)(20_000, "floatingSet", 8)],
  ]);

export const routedPacketMutants: readonly Mutant[] = [
  {
    name: "detached-route-left",
    promise: "N4",
    guard: "A router leads only to subnets that it has an interface in now.",
    file: "nodes/switch/routing/plan-routers.ts",
    find: "  return picture.interfaces.flatMap(",
    replace: [
      "  const one = (gatesOf.one ??= new Map());",
      "  one.set(picture.id, [...(one.get(picture.id) ?? []), ...picture.interfaces]);",
      "  return one.get(picture.id).flatMap(",
    ].join("\n"),
    shape: detached,
  },
  {
    name: "routers-have-one-table",
    promise: "N4",
    guard: "A router leads only to subnets of its own, whatever ranges others have.",
    file: "nodes/switch/routing/plan-routers.ts",
    find: "const routes: Route[] = [];",
    replace: "const routes = (pictures.one ??= []);",
    shape: twoProjects,
  },
  {
    name: "routed-not-judged",
    promise: "N2",
    guard: "What is routed passes only where the rules of both ends allow it.",
    file: "nodes/switch/routing/route.ts",
    find: "  if (refusal !== undefined) return refusal;\n  const { mtuBytes } = gate.network;",
    replace: "  const { mtuBytes } = gate.network;",
    shape: closedHere,
  },
  {
    name: "routed-from-afar-not-judged",
    promise: "N2",
    guard: "What another host has routed is let in only by the rules of who gets it.",
    file: "nodes/switch/routing/route.ts",
    find: "const refusal = refusalOf(memory, { from: back.port, to, ...read }, nowMs);",
    replace: "const refusal = undefined;",
    shape: closedThere,
  },
  {
    name: "calls-not-judged",
    promise: "N2",
    guard: "Calls from outside are let in only by the rules of who gets them.",
    file: "nodes/switch/routing/outside.ts",
    find: "const refusal = refusalOf(world.memory, { from: exit, to: way.port, ...read }, nowMs);",
    replace: "const refusal = undefined;",
    shape: closedHere,
  },
  {
    name: "floating-to-former-guest",
    promise: "N5",
    guard: "A floating address leads to the guest alone that the applied picture says.",
    file: "spec/simulator/packet-crossings.ts",
    find: ".map(({ portId, target }) => ({ place, routerId, portId, target })),",
    replace: [
      ".map(({ portId, target }) => {",
      "  const one = (answeringAt.one ??= new Map());",
      "  if (!one.has(address)) one.set(address, { portId, target });",
      "  return { place, routerId, ...one.get(address) };",
      "}),",
    ].join("\n"),
    shape: ledElsewhere,
  },
  {
    name: "lent-where-none-is",
    promise: "N3",
    guard: "A router without SNAT lends nobody the address of the host.",
    file: "spec/simulator/packet-crossings.ts",
    find: "return router?.outside?.snat === true ? null : undefined;",
    replace: "return router === undefined ? undefined : null;",
    shape: ownFaces,
  },
];

/** One guest has a floating address, and the router lends none. */
function ownFaces(plan: Plan): Plan {
  const later = [at(0)(12_000, "floatingCreate", 2), at(0)(14_000, "routerSet", 2)];
  return shaped(plan, 1, [...routed(0), ...later]);
}
