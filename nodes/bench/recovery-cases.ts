/**
 * The cases of the recovery benchmark: faults of a host whose guests others may take over, with the expected
 * result (the guests move once, or not at all). Each case is one fault, the time of its end, and the
 * expectation.
 */
import { leaseLimits } from "../../protocol/limits/lease.ts";
import type { RecoveryWorld } from "./recovery-world.ts";

export interface RecoveryCase {
  readonly summary: string;
  readonly expected: "moves" | "stays";
  readonly guests: number;
  /** True: every other guest has a volume, and those without are compared with. */
  readonly volumes?: boolean;
  inject(world: RecoveryWorld, node: string): Promise<void> | void;
  /** The fault ends after this time; undefined: once the guests count on another host. */
  readonly healAfterMs: number | undefined;
  heal(world: RecoveryWorld, node: string): Promise<void> | void;
}

/** The case of nine nodes, which recovery-third.ts has. */
export const thirdLostName = "thirdLost";

const longAfterMs = leaseLimits.leaseTtlMs * 3;
const brieflyMs = 5_000;

const killed = {
  inject: (world: RecoveryWorld, node: string) => world.killAgent(node),
  heal: (world: RecoveryWorld, node: string) => world.powerBack(node),
};
const stopped = {
  inject: (world: RecoveryWorld, node: string) => world.signalAgent(node, "SIGSTOP"),
  heal: (world: RecoveryWorld, node: string) => world.signalAgent(node, "SIGCONT"),
};
const cutOff = {
  inject: (world: RecoveryWorld, node: string) => world.partition(node, true),
  heal: (world: RecoveryWorld, node: string) => world.partition(node, false),
};

export const recoveryCases = {
  powerLoss: {
    summary: "agent, guard and QEMUs of a host are killed at once",
    expected: "moves",
    guests: 5,
    inject: (world, node) => world.powerLoss([node]),
    healAfterMs: undefined,
    heal: (world, node) => world.powerBack(node),
  },
  powerLossVolumes: {
    summary: "as powerLoss; three of six guests have a volume, and count there too",
    ...{ expected: "moves", guests: 6, volumes: true, healAfterMs: undefined },
    inject: (world, node) => world.powerLoss([node]),
    heal: (world, node) => world.powerBack(node),
  },
  agentKilled: {
    summary: "SIGKILL to the agent, which is away for 30 s",
    ...{ expected: "moves", guests: 2, ...killed, healAfterMs: longAfterMs },
  },
  agentStopped: {
    summary: "SIGSTOP to the agent, SIGCONT after 30 s",
    ...{ expected: "moves", guests: 2, ...stopped, healAfterMs: longAfterMs },
  },
  agentKilledBriefly: {
    summary: "SIGKILL to the agent, which is away for 5 s",
    ...{ expected: "stays", guests: 2, ...killed, healAfterMs: brieflyMs },
  },
  agentStoppedBriefly: {
    summary: "SIGSTOP to the agent, SIGCONT after 5 s",
    ...{ expected: "stays", guests: 2, ...stopped, healAfterMs: brieflyMs },
  },
  partitionShort: {
    summary: "nothing passes between agent and NATS for 6 s",
    ...{ expected: "stays", guests: 2, ...cutOff, healAfterMs: 6_000 },
  },
  partitionLong: {
    summary: "nothing passes between agent and NATS for 25 s",
    ...{ expected: "moves", guests: 2, ...cutOff, healAfterMs: 25_000 },
  },
} as const satisfies Readonly<Record<string, RecoveryCase>>;
