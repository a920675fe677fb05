/**
 * The part of a plan that is about networks: subnets so small that they are full, ranges that overlap, ports
 * made and removed at once by several clients, instances in them, and groups with their rules. It has a
 * stream of chance of its own. Pure.
 */
import type { Random } from "./random.ts";

export const networkCommands = [
  "networkCreate",
  "networkDelete",
  "subnetCreate",
  "subnetDelete",
  "portCreate",
  "portDelete",
  "portGroups",
  "portLimits",
  "pluggedCreate",
  "interfaceAttach",
  "interfaceDetach",
  "publishedCreate",
  "publishedDelete",
  "securityGroupCreate",
  "securityGroupDelete",
  "securityRuleCreate",
  "securityRuleDelete",
] as const;
export type NetworkCommand = (typeof networkCommands)[number];

interface PlannedNetwork {
  readonly atMs: number;
  readonly client: number;
  readonly command: NetworkCommand;
  readonly target: number;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly clients: number;
}

/** A network and a subnet for each client at first; then whatever comes, some of it at the same moment. */
export function networksOf(random: Random, span: Span): readonly PlannedNetwork[] {
  const moment = () => Math.round(random.between(span.fromMs, span.untilMs));
  const first = Array.from({ length: span.clients }, (_, client): readonly PlannedNetwork[] => [
    { atMs: span.fromMs, client, command: "networkCreate", target: 0 },
    { atMs: span.fromMs + 800, client, command: "subnetCreate", target: 0 },
  ]);
  const later = Array.from({ length: random.whole(6, 50) }, (): readonly PlannedNetwork[] => {
    const command = random.weighted({
      ...{ networkCreate: 1, networkDelete: 1, subnetCreate: 2, subnetDelete: 1, portCreate: 12 },
      ...{
        portDelete: 6,
        portGroups: 2,
        pluggedCreate: 6,
        publishedCreate: 4,
        publishedDelete: 2,
        securityGroupCreate: 2,
        securityGroupDelete: 1,
        securityRuleCreate: 2,
      },
    });
    const atMs = moment();
    const times = command === "portCreate" && random.chance(0.3) ? random.whole(2, 8) : 1;
    return Array.from({ length: times }, () => ({
      ...{ atMs: atMs + random.whole(0, 20), command, target: random.whole(0, 59) },
      client: random.whole(0, span.clients - 1),
    }));
  });
  const apart = [
    ...[neighbours(random.fork("neighbours"), span), changes(random.fork("changes"), span)],
    ...[revocations(random.fork("revocations"), span), publications(random.fork("publications"), span)],
    limits(random.fork("limits"), span),
  ];
  return [...first.flat(), ...later.flat(), ...apart.flat()];
}

/** Some runs begin with several guests on one network, which send packets to each other until the end. */
function neighbours(random: Random, { fromMs, clients }: Span): readonly PlannedNetwork[] {
  if (random.chance(0.6)) return [];
  return Array.from({ length: random.whole(4, 12) }, (_, at) => ({
    ...{ atMs: fromMs + 2_000 + at * 300, command: "pluggedCreate" as const },
    client: random.whole(0, Math.min(clients - 1, 1)),
    // On one network, with any address.
    target: 4 + 5 * random.whole(0, 11),
  }));
}

/** Interfaces come to instances, and leave them. */
const changes = (random: Random, { fromMs, untilMs, clients }: Span): readonly PlannedNetwork[] =>
  Array.from({ length: random.whole(0, 24) }, () => ({
    command: random.weighted({ interfaceAttach: 3, interfaceDetach: 2 }),
    atMs: Math.round(random.between(fromMs, untilMs)),
    client: random.whole(0, clients - 1),
    target: random.whole(0, 59),
  }));

/** Rules come and go, and ports get other groups, while guests talk. */
function revocations(random: Random, { fromMs, untilMs, clients }: Span): readonly PlannedNetwork[] {
  if (random.chance(0.5)) return [];
  return Array.from({ length: random.whole(2, 16) }, () => ({
    command: random.weighted({ securityRuleCreate: 2, securityRuleDelete: 2, portGroups: 2 }),
    atMs: Math.round(random.between(fromMs + 3_000, untilMs)),
    client: random.whole(0, clients - 1),
    target: random.whole(0, 59),
  }));
}

/** Ports with instances in them get bandwidth limits, others, and none again. */
function limits(random: Random, { fromMs, untilMs, clients }: Span): readonly PlannedNetwork[] {
  if (random.chance(0.5)) return [];
  const client = random.whole(0, clients - 1);
  const target = 12 + 5 * random.whole(0, 3);
  const made = (["portCreate", "portLimits", "pluggedCreate"] as const).map((command, order) => {
    return { atMs: fromMs + 1_600 + 600 * order, client, command, target };
  });
  const changes = Array.from({ length: random.whole(1, 8) }, () => ({
    ...{ client, command: "portLimits" as const, target: target + 60 * random.whole(0, 3) },
    atMs: Math.round(random.between(fromMs + 4_000, untilMs)),
  }));
  return [...made, ...changes];
}

/** A port with an instance in it, and ports of hosts that lead there, again and again. */
function publications(random: Random, { fromMs, untilMs, clients }: Span): readonly PlannedNetwork[] {
  if (random.chance(0.6)) return [];
  const client = random.whole(0, clients - 1);
  // Of an instance in a port of the client's own, and of that port.
  const target = 12 + 5 * random.whole(0, 3);
  const made = (["portCreate", "pluggedCreate"] as const).map((command, order) => {
    return { atMs: fromMs + 1_600 + 800 * order, client, command, target };
  });
  const changes = Array.from({ length: random.whole(2, 10) }, () => ({
    ...{ client, command: random.weighted({ publishedCreate: 3, publishedDelete: 2 }) },
    atMs: Math.round(random.between(fromMs + 5_000, untilMs)),
    target: target + 60 * random.whole(0, 2),
  }));
  return [...made, ...changes];
}
