/**
 * A scenario: the load, and the faults injected meanwhile. The schema defines what a scenario file may hold;
 * its descriptions are shown to a person whose file is wrong. Pure: text in, scenario or findings out.
 */

import { type Static, Type } from "@sinclair/typebox";
import { literals } from "../../protocol/wire/schema.ts";
import { check, type Finding } from "../config/explain.ts";
import { type Direction, directions, type LinkServer, linkServers } from "../proxy/link-rules.ts";
import { type ChaosFloodKind, chaosFloodKinds } from "./flood-kinds.ts";
import { type HypervisorChoice, hypervisorChoices } from "./hypervisor-choices.ts";
import { routingCommands } from "./routing-commands.ts";
import { volumeCommands } from "./volume-commands.ts";
import { wiringCommands } from "./wiring-commands.ts";

export const faultKinds = [
  "kill",
  "restart",
  "pause",
  "wipe",
  "cut",
  "blackHole",
  "delay",
  "fill",
  "hang",
  "flood",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** The effect of each fault, for people. */
export const faultMeanings: Readonly<Record<FaultKind, string>> = {
  kill: "SIGKILL; who started it starts it again",
  restart: "SIGTERM: it ends in order, and is started again",
  pause: "SIGSTOP, and SIGCONT after the time",
  wipe: "kills NATS and removes all that JetStream stored",
  cut: "closes the connections of a link, and refuses new ones",
  blackHole: "a link stays open and nothing arrives: a silent partition, also of one direction",
  delay: "what passes a link arrives later",
  fill: "fills a small file system: a node's, that of the state or shared directory, or all of them",
  hang: "a small file system answers nobody who writes: the shared directory's, or the state directory's",
  flood: "a project sends far more than anybody could want",
};

/** What can hang. */
const hangTargets = ["state", "shared"] as const;

/** What can be filled beside the file systems of nodes. */
export const fillTargets = ["state", "shared", "all"] as const;

export const linkFaults: readonly FaultKind[] = ["cut", "blackHole", "delay"];
/** Faults that last for a time and are healed after it. */
export const lastingFaults: readonly FaultKind[] = ["pause", "fill", "hang", "flood", ...linkFaults];

const seconds = (minimum: number, description: string) =>
  Type.Optional(Type.Number({ minimum, maximum: 86_400, description }));
const count = (maximum: number, description: string) => Type.Integer({ minimum: 1, maximum, description });
const milliseconds = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000, description }));

const Fault = Type.Object(
  {
    kind: Type.Unsafe<FaultKind>({
      ...literals(faultKinds),
      description: `what is done: ${faultKinds.join(", ")}`,
    }),
    target: Type.String({
      pattern: "^[A-Za-z0-9_-]{1,64}$",
      description:
        "controller, node, nats, postgres or guest for one by chance, or a process by its name; " +
        "for fill also state, shared or all; for hang state or shared; " +
        "of a flood: project for the last one, or a project by its name",
    }),
    atSeconds: seconds(0, "once, so long after the beginning"),
    everySeconds: seconds(0.5, "again and again, on average after so long"),
    forSeconds: seconds(0.1, "how long it lasts, where it lasts"),
    server: Type.Optional(
      Type.Unsafe<LinkServer>({
        ...literals(linkServers),
        description: "which link of a controller: nats or postgres",
      }),
    ),
    direction: Type.Optional(
      Type.Unsafe<Direction>({
        ...literals(directions),
        description: "of a link: both, toServer or fromServer",
      }),
    ),
    delayMs: milliseconds("of a link: so much later"),
    jitterMs: milliseconds("of a link: and up to so much more, by chance"),
    of: Type.Optional(
      Type.Unsafe<ChaosFloodKind>({
        ...literals(chaosFloodKinds),
        description: `what a flood is made of: ${chaosFloodKinds.join(", ")}; absent: one by chance`,
      }),
    ),
  },
  { additionalProperties: false, description: "a fault" },
);
export type Fault = Static<typeof Fault>;

const loadCommands = [
  "create",
  "start",
  "stop",
  "reboot",
  "pause",
  "unpause",
  "delete",
  "set",
  "get",
  "list",
  ...wiringCommands,
  ...routingCommands,
  ...volumeCommands,
] as const;
export type LoadCommand = (typeof loadCommands)[number];

const weight = Type.Optional(
  Type.Number({ minimum: 0, maximum: 1_000, description: "how often, to the rest" }),
);
const Commands = Type.Unsafe<Partial<Record<LoadCommand, number>>>(
  Type.Object(Object.fromEntries(loadCommands.map((name) => [name, weight])), {
    additionalProperties: false,
    description: `weights of: ${loadCommands.join(", ")}`,
  }),
);

const Load = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z0-9-]{1,20}$", description: "a short name, part of the instances'" }),
    hypervisor: Type.Optional(
      Type.Unsafe<HypervisorChoice>({
        ...literals(hypervisorChoices),
        description: `where its instances may run, one of: ${hypervisorChoices.join(", ")}`,
      }),
    ),
    clients: count(200, "how many clients, each with a connection of its own"),
    instances: count(10_000, "how many instances all of them together keep, more or less"),
    pauseMs: milliseconds("how long a client rests between two commands, on average"),
    operationsMax: Type.Optional(count(1_000_000, "after so many commands all of them together are done")),
    commands: Type.Optional(Commands),
    groups: Type.Optional(count(20, "how many server groups each client has, one of each policy in turn")),
    routers: Type.Optional(
      Type.Boolean({
        description: "whether each client has a network of its own behind a router of its own",
      }),
    ),
    volumes: Type.Optional(count(20, "how many volumes of its own each client has, at most")),
    images: Type.Optional(count(20, "how many more clients send images and fetch them")),
    atOnce: Type.Optional(count(50, "how many instances a create asks for, at most")),
  },
  { additionalProperties: false, description: "a group of clients" },
);
export type Load = Static<typeof Load>;

const ScenarioSchema = Type.Object(
  {
    summary: Type.Optional(Type.String({ maxLength: 200, description: "one sentence" })),
    minutes: Type.Optional(
      Type.Number({ minimum: 0.05, maximum: 1_440, description: "how long it takes without --minutes" }),
    ),
    operatorEverySeconds: seconds(
      0.1,
      "how often an operator sets a quota, moves a host to another zone or evacuates; absent: there is none",
    ),
    load: Type.Array(Load, { minItems: 1, maxItems: 10, description: "the clients" }),
    faults: Type.Array(Fault, { maxItems: 100, description: "what is broken; empty for load alone" }),
  },
  { additionalProperties: false, description: "a scenario" },
);
export type Scenario = Static<typeof ScenarioSchema>;

export const minutesDefault = 5;

export type ParsedScenario =
  | { readonly ok: true; readonly value: Scenario }
  | { readonly ok: false; readonly findings: readonly Finding[] };

export function parseScenario(text: string): ParsedScenario {
  const checked = check<Scenario>(text, ScenarioSchema);
  if (!checked.ok) return checked;
  const findings = checked.value.faults.flatMap((fault, index) =>
    contradictions(fault).map((message) => ({
      line: checked.lineOf(["faults", index]),
      message: `faults.${index}: ${message}`,
    })),
  );
  return findings.length > 0 ? { ok: false, findings } : { ok: true, value: checked.value };
}

/** Words that name one of the cluster's own processes or guests by chance. */
const parties: readonly string[] = ["controller", "node", "nats", "postgres", "guest"];

/** Rules that a schema cannot express. Also used for a fault injected by hand, which has no time. */
export function contradictions(fault: Fault, byHand = false): readonly string[] {
  const { kind, target } = fault;
  const timed = Number(fault.atSeconds !== undefined) + Number(fault.everySeconds !== undefined);
  const isLink = linkFaults.includes(kind);
  return [
    ...(byHand || timed === 1 ? [] : ["write either atSeconds or everySeconds."]),
    ...(kind === "wipe" && target !== "nats" ? ["only nats can be wiped. Write target: nats."] : []),
    ...(kind !== "fill" && kind !== "hang" && fillTargets.some((one) => one === target)
      ? [`${target} is no process: it can only be filled, or hang.`]
      : []),
    ...(kind === "hang" && !hangTargets.some((one) => one === target)
      ? [`what hangs is a file system. Write target: ${hangTargets.join(" or ")}.`]
      : []),
    ...(isLink && ["nats", "postgres", "guest"].includes(target)
      ? ["a link is named by the party that uses it: a controller or a node. Say which server by server."]
      : []),
    ...(!isLink && (fault.server ?? fault.direction ?? fault.delayMs ?? fault.jitterMs) !== undefined
      ? ["server, direction, delayMs and jitterMs are of cut, blackHole and delay only. Remove them."]
      : []),
    ...(kind !== "flood" && fault.of !== undefined ? ["of is of flood only. Remove it."] : []),
    ...(kind === "flood" && fault.target !== "project" && parties.includes(fault.target)
      ? ["a flood comes from a project. Write target: project, or a project's name."]
      : []),
    ...(kind === "delay" && fault.delayMs === undefined ? ["a delay needs delayMs."] : []),
  ];
}
