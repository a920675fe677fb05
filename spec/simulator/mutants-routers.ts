/** Guards of routers and floating addresses, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import type { Plan, PlannedCommand } from "./plan.ts";

/** Two networks behind a router that leads outside, guests on both, and a floating address to one of them. */
function routedGuests(plan: Plan): Plan {
  const at = (atMs: number, command: PlannedCommand["command"], target: number): PlannedCommand => ({
    ...{ atMs, client: 0, command, target },
  });
  const made = [
    ...[at(3_000, "networkCreate", 0), at(3_000, "networkCreate", 7), at(3_000, "externalCreate", 0)],
    ...[at(4_000, "subnetCreate", 2), at(4_000, "subnetCreate", 7), at(4_000, "externalSubnet", 0)],
    ...[at(5_000, "portCreate", 2), at(5_000, "routerCreate", 0)],
    ...[at(6_000, "routerAdd", 2), at(6_500, "routerAdd", 3)],
    ...[at(7_000, "pluggedCreate", 2), at(7_500, "pluggedCreate", 4), at(8_000, "pluggedCreate", 39)],
    ...[at(12_000, "floatingCreate", 2), at(20_000, "routerRemove", 3)],
  ];
  const parameters = { ...plan.parameters, ...calm, oneVersion: true };
  return { ...plan, parameters, commands: made, faults: [] };
}

export const routerMutants: readonly Mutant[] = [
  {
    name: "router-port-left",
    promise: "N1",
    guard: "The plug of a router's interface goes with the interface, and so does a port made for it.",
    file: "actors/control/catalog/networks/routers.ts",
    find: "  rowRemoved(plug, { id: gate.portId }),\n  ...(gate.deletesPort ? [rowRemoved(port, { id: gate.portId })] : []),\n",
    replace: "",
    shape: routedGuests,
  },
  {
    name: "routers-not-told",
    promise: "N2",
    guard: "Hosts are told of the routers of their guests' networks.",
    file: "actors/control/networking/picture.ts",
    find: "const routers = routersOf(rows);",
    replace: "const routers = routersOf({ ...rows, routers: [] });",
    shape: routedGuests,
  },
  {
    name: "reach-stops-at-guests",
    promise: "N2",
    guard: "Hosts are told of the networks to which routers lead.",
    file: "db/memory/networking-reads.ts",
    find: "const networkIds = reachedFrom(ports, tables);",
    replace: "const networkIds = [...new Set(ports.map(({ networkId }) => networkId))];",
    shape: routedGuests,
  },
  {
    name: "floating-nowhere",
    promise: "N2",
    guard: "The host of an instance has its floating addresses.",
    file: "db/memory/networking-reads.ts",
    find: "floating: floatingOf(stayingOf(ports, tables), tables),",
    replace: "floating: floatingOf([], tables),",
    shape: routedGuests,
  },
];
