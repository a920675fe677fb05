/**
 * The scenarios that come with novact. Data only; a scenario file may hold all of this and more
 * (scenario.ts).
 */
import { pretendingHypervisor, usualHypervisor } from "../drivers/built-in.ts";
import type { Load, Scenario } from "./scenario.ts";

const real: Load = { name: "real", hypervisor: usualHypervisor, clients: 3, instances: 9, pauseMs: 1_500 };
const pretended: Load = {
  name: "many",
  hypervisor: pretendingHypervisor,
  clients: 12,
  instances: 200,
  pauseMs: 1_200,
};
const both: Load[] = [real, pretended];

/** With all that surrounds instances: members of groups, several at once, routers, volumes, images. */
const grouped: Load[] = [
  { ...real, groups: 2, routers: true, volumes: 4, images: 2 },
  { ...pretended, groups: 4, atOnce: 5, routers: true, volumes: 2 },
];

export const scenarios: Readonly<Record<string, Scenario>> = {
  mixed: {
    summary:
      "All there is: kills, pauses, broken links, wiped NATS, full and hanging disks, floods; volumes, images.",
    operatorEverySeconds: 3,
    load: grouped,
    faults: [
      { kind: "kill", target: "controller", everySeconds: 60 },
      { kind: "kill", target: "node", everySeconds: 50 },
      { kind: "kill", target: "nats", everySeconds: 90 },
      { kind: "kill", target: "postgres", everySeconds: 120 },
      { kind: "kill", target: "guest", everySeconds: 45 },
      { kind: "restart", target: "node", everySeconds: 110 },
      { kind: "restart", target: "controller", everySeconds: 130 },
      { kind: "restart", target: "nats", everySeconds: 240 },
      { kind: "pause", target: "node", everySeconds: 80, forSeconds: 6 },
      { kind: "pause", target: "node", everySeconds: 260, forSeconds: 25 },
      { kind: "pause", target: "controller", everySeconds: 100, forSeconds: 5 },
      { kind: "pause", target: "nats", everySeconds: 150, forSeconds: 3 },
      { kind: "pause", target: "postgres", everySeconds: 170, forSeconds: 4 },
      { kind: "pause", target: "guest", everySeconds: 90, forSeconds: 3 },
      { kind: "cut", target: "node", everySeconds: 70, forSeconds: 5 },
      { kind: "blackHole", target: "node", everySeconds: 90, forSeconds: 8 },
      { kind: "blackHole", target: "node", everySeconds: 300, forSeconds: 25 },
      { kind: "blackHole", target: "controller", direction: "fromServer", everySeconds: 140, forSeconds: 5 },
      { kind: "cut", target: "controller", server: "postgres", everySeconds: 120, forSeconds: 4 },
      {
        kind: "delay",
        target: "controller",
        server: "postgres",
        delayMs: 60,
        jitterMs: 60,
        everySeconds: 110,
        forSeconds: 8,
      },
      { kind: "delay", target: "node", delayMs: 150, jitterMs: 150, everySeconds: 100, forSeconds: 10 },
      { kind: "wipe", target: "nats", everySeconds: 200 },
      { kind: "fill", target: "node", everySeconds: 180, forSeconds: 10 },
      { kind: "fill", target: "shared", everySeconds: 190, forSeconds: 12 },
      { kind: "hang", target: "shared", everySeconds: 140, forSeconds: 8 },
      { kind: "hang", target: "shared", everySeconds: 400, forSeconds: 25 },
      { kind: "flood", target: "project", everySeconds: 120, forSeconds: 10 },
    ],
  },
  "host-kill": {
    summary: "Compute nodes and guests are killed while instances are made and removed.",
    minutes: 2,
    load: both,
    faults: [
      { kind: "kill", target: "node", everySeconds: 12 },
      { kind: "kill", target: "guest", everySeconds: 15 },
    ],
  },
  "nats-wipe": {
    summary: "NATS is killed and its disk wiped again and again during 1,000 commands.",
    minutes: 4,
    load: [
      { ...real, operationsMax: 40 },
      { ...pretended, pauseMs: 400, operationsMax: 1_000 },
    ],
    faults: [{ kind: "wipe", target: "nats", everySeconds: 7 }],
  },
  "pause-below-lease": {
    summary: "Processes stand still for less than the time after which a host counts as silent.",
    minutes: 2,
    load: both,
    faults: [
      { kind: "pause", target: "node", everySeconds: 15, forSeconds: 7 },
      { kind: "pause", target: "controller", everySeconds: 20, forSeconds: 7 },
      { kind: "pause", target: "nats", everySeconds: 40, forSeconds: 5 },
    ],
  },
  partitions: {
    summary: "Links are cut, silent or slow, also in one direction only.",
    minutes: 3,
    load: both,
    faults: [
      { kind: "cut", target: "node", everySeconds: 20, forSeconds: 6 },
      { kind: "blackHole", target: "node", everySeconds: 25, forSeconds: 12 },
      { kind: "blackHole", target: "node", direction: "toServer", everySeconds: 30, forSeconds: 8 },
      { kind: "blackHole", target: "controller", direction: "fromServer", everySeconds: 40, forSeconds: 6 },
      { kind: "blackHole", target: "controller", server: "postgres", everySeconds: 50, forSeconds: 6 },
      { kind: "delay", target: "node", delayMs: 200, jitterMs: 200, everySeconds: 30, forSeconds: 10 },
    ],
  },
  "full-disk": {
    summary:
      "Small file systems are filled: the nodes', and the state and shared directories' where they are.",
    minutes: 2,
    load: [real],
    faults: [
      { kind: "fill", target: "node", everySeconds: 20, forSeconds: 8 },
      { kind: "fill", target: "state", everySeconds: 45, forSeconds: 15 },
      { kind: "fill", target: "shared", everySeconds: 45, forSeconds: 15 },
      { kind: "fill", target: "all", everySeconds: 60, forSeconds: 20 },
    ],
  },
  floods: {
    summary: "A project floods the cluster, with all there is to flood it with, and nothing else is broken.",
    minutes: 3,
    load: both,
    faults: [
      { kind: "flood", target: "project", of: "questions", everySeconds: 40, forSeconds: 10 },
      { kind: "flood", target: "project", of: "large", everySeconds: 40, forSeconds: 10 },
      { kind: "flood", target: "project", of: "small", everySeconds: 40, forSeconds: 10 },
      { kind: "flood", target: "project", of: "connections", everySeconds: 40, forSeconds: 10 },
      { kind: "flood", target: "project", of: "polls", everySeconds: 40, forSeconds: 10 },
    ],
  },
  calm: {
    summary: "The load alone: what the others are compared with.",
    minutes: 2,
    load: both,
    faults: [],
  },
};
