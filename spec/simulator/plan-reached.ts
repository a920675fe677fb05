/**
 * The part of a plan that is about guests who are called from outside, and who reach each other by IPv4 and
 * IPv6 over a router: everything is there early, of two projects with the same ranges, and then addresses are
 * led elsewhere, ports opened and closed, interfaces taken away and put back. Its stream of chance is its
 * own. Pure.
 */
import { reachedTarget } from "./client-reached.ts";
import type { Random } from "./random.ts";

/** What operators ask for. */
export const reachedByOperators = ["reachedOutside"] as const;
export const reachedCommands = ["reached", ...reachedByOperators] as const;
export type ReachedCommand = (typeof reachedCommands)[number];

export interface PlannedReached {
  readonly atMs: number;
  readonly client: number;
  readonly command: ReachedCommand;
  readonly target: number;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly clients: number;
}

/** More clients would be of the same two projects. */
const clientsMax = 2;
/** Stages: mostly one begins when the rows of the stage before are made. */
const made: readonly (readonly string[])[] = [
  ["network 0", "network 1", "group open", "group near"],
  ["range4 0", "range6 0", "range4 1", "range6 1", "rule4 open", "rule6 open", "rule4 near", "rule6 near"],
  ["port 0", "port 1", "port 2", "port 3", "router"],
  ["join4 0", "join6 0", "join4 1", "join6 1"],
  ["plugged 0", "plugged 1", "plugged 2", "plugged 3", "float 0", "float 1", "guest 0", "guest 1"],
  ["float 2"],
];
const stageMs = 1_200;
/** Time for all stages, without faults: few would be reached otherwise. */
export const reachedMs = (made.length + 2) * stageMs;

export const reachedAt = (client: number, atMs: number, step: string, address = 0): PlannedReached => ({
  ...{ atMs, client, command: "reached", target: reachedTarget(step, address) },
});

export const reachedOutside = (fromMs: number): readonly PlannedReached[] =>
  ["outside", "outside range"].map((step, order) => ({
    ...reachedAt(0, fromMs + order * stageMs, step),
    command: "reachedOutside",
  }));

/** The guests of one client, with all that leads to them. */
export const reachedGuests = (client: number, fromMs: number): readonly PlannedReached[] =>
  made.flatMap((stage, order) =>
    stage.map((step, place) => reachedAt(client, fromMs + order * stageMs + place * 10, step)),
  );

export function reachedOf(random: Random, { fromMs, untilMs, clients }: Span): readonly PlannedReached[] {
  const changesFromMs = fromMs + reachedMs;
  const guests = Array.from({ length: Math.min(clients, clientsMax) }, (_, client) => [
    ...reachedGuests(client, fromMs),
    ...changes(random.fork(`changes of ${client}`), client, { fromMs: changesFromMs, untilMs }),
  ]);
  return [...reachedOutside(fromMs), ...guests.flat()];
}

function changes(random: Random, client: number, { fromMs, untilMs }: Omit<Span, "clients">) {
  return Array.from({ length: random.whole(4, 24) }, () => {
    const number = random.whole(0, 3);
    const step = random.weighted({
      ...{ [`lead ${number}`]: 6, [`float ${number}`]: 2, "lead nowhere": 1, unfloat: 1 },
      ...{ [`open ${number}`]: 2, [`close ${number}`]: 2, "router closed": 1, "router open": 2 },
      ...{ [`part4 ${number % 2}`]: 1, [`join4 ${number % 2}`]: 2 },
      ...{ [`part6 ${number % 2}`]: 2, [`join6 ${number % 2}`]: 3, [`plugged ${number}`]: 2 },
    });
    return reachedAt(client, Math.round(random.between(fromMs, untilMs)), step, random.whole(0, 5));
  });
}
