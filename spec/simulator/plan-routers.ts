/**
 * The part of a plan that is about routers: external networks of few addresses, routers between networks of
 * the same names as other clients', and floating addresses that several want to lead to one port. It has a
 * stream of chance of its own. Pure.
 */
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
  readonly command: RouterCommand;
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
  return [...outside, ...first.flat(), ...later];
}
