/**
 * The part of a plan that is about routers: external networks of few addresses, routers between networks of
 * the same names as other clients', and floating addresses that several want to lead to one port. It has a
 * stream of chance of its own. Pure.
 */
import type { NetworkCommand } from "./plan-networks.ts";
import type { Random } from "./random.ts";

/** What operators ask for. */
export const externalCommands = ["externalCreate", "externalSubnet"] as const;
export const routerCommands = [
  "routerCreate",
  "routerDelete",
  "routerSet",
  "routerAdd",
  "routerRemove",
  "floatingCreate",
  "floatingSet",
  "floatingDelete",
] as const;
export type RouterCommand = (typeof routerCommands)[number] | (typeof externalCommands)[number];

interface PlannedRouting {
  readonly atMs: number;
  readonly client: number;
  readonly command: RouterCommand | NetworkCommand;
  readonly target: number;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly clients: number;
}

/** The network outside and a router for each client at first, behind the networks; then whatever comes. */
export function routersOf(random: Random, { fromMs, untilMs, clients }: Span): readonly PlannedRouting[] {
  const outside: readonly PlannedRouting[] = [
    { atMs: fromMs, client: 0, command: "externalCreate", target: 0 },
    { atMs: fromMs + 800, client: 0, command: "externalSubnet", target: 0 },
  ];
  const first = Array.from({ length: clients }, (_, client): readonly PlannedRouting[] => [
    { atMs: fromMs + 1_600, client, command: "routerCreate", target: 0 },
    { atMs: fromMs + 2_400, client, command: "routerAdd", target: 0 },
  ]);
  const later = Array.from({ length: random.whole(6, 40) }, (): PlannedRouting => {
    const command = random.weighted({
      ...{ routerCreate: 1, routerDelete: 1, routerSet: 2, routerAdd: 6, routerRemove: 3 },
      ...{ floatingCreate: 6, floatingSet: 6, floatingDelete: 3 },
    });
    const atMs = Math.round(random.between(fromMs + 2_500, untilMs));
    return { atMs, client: random.whole(0, clients - 1), command, target: random.whole(0, 59) };
  });
  const guests = guestsBehind(random.fork("guests behind routers"), { fromMs, untilMs, clients });
  return [...outside, ...first.flat(), ...later, ...guests];
}

/** As client-networks.ts calls them: each is a port of its own, with an instance in it. */
const ports = { first: 2, second: 47 } as const;
/** Rules of that port's group that let everybody in, each at one port of UDP. */
const open = [5, 11, 17] as const;
/** Guests with any address on one network, and on the other. */
const anywhere = { first: [4, 14], second: [39, 79] } as const;
/** The second network's own range, and its subnet. */
const second = { network: 7, range: 23, subnet: 3 } as const;

/**
 * Some runs begin with guests on two networks of a router, who send packets to each other until the end; of
 * two projects, which have the same ranges. Then a subnet and the floating addresses come and go.
 */
function guestsBehind(random: Random, { fromMs, untilMs, clients }: Span): readonly PlannedRouting[] {
  if (random.chance(0.4)) return [];
  return Array.from({ length: Math.min(clients, 2) }, (_, client): readonly PlannedRouting[] => {
    const at = (afterMs: number, command: PlannedRouting["command"], target: number): PlannedRouting => ({
      ...{ atMs: fromMs + afterMs, client, command, target },
    });
    const made = [
      ...[at(100, "networkCreate", second.network), at(900, "subnetCreate", second.range)],
      ...[at(1_700, "portCreate", ports.first), at(1_700, "portCreate", ports.second)],
      ...[at(2_500, "pluggedCreate", ports.first), at(2_500, "pluggedCreate", ports.second)],
      ...[at(1_700, "securityGroupCreate", ports.first), at(2_400, "portGroups", ports.first)],
      ...open.map((target) => at(2_300, "securityRuleCreate", target)),
      ...[at(3_200, "routerAdd", second.subnet), at(4_000, "floatingCreate", ports.first)],
    ];
    const guests = [...anywhere.first, ...anywhere.second].map((target, order) =>
      at(2_600 + order * 200, "pluggedCreate", target),
    );
    const changes = Array.from({ length: random.whole(0, 10) }, () => {
      const command = random.weighted({ routerRemove: 2, routerAdd: 3, floatingSet: 3, portGroups: 1 });
      const isOfRouters = command === "routerAdd" || command === "routerRemove";
      const target = isOfRouters ? second.subnet : random.pick([ports.first, ports.second]);
      return at(Math.round(random.between(8_000, untilMs - fromMs)), command, target);
    });
    return [...made, ...guests, ...changes];
  }).flat();
}
