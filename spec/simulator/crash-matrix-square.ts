/**
 * A square of the crash matrix: one operation, one of its steps, one fault at that step. Also the undisturbed
 * run, which counts the steps. Each run has a clock and a cluster of its own, and no randomness.
 */
import type { Completed, Fact, Invoked, Quiet } from "../../actors/promises/facts.ts";
import type { Act, Operation } from "./crash-matrix-acts.ts";
import { endFault, thingsIn, toldAndBegun } from "./crash-matrix-end.ts";
import { volumeFaults } from "./crash-matrix-volumes-end.ts";
import { applyFault } from "./faults.ts";
import type { CountedStep, StepFault } from "./interposer.ts";
import { nobody } from "./kernel.ts";
import { type Plan, setUpMs } from "./plan.ts";
import type { Parameters } from "./plan-parameters.ts";
import { isUpload } from "./plan-uploads.ts";
import { epochMs } from "./process.ts";
import { type Outcome, runPlan, type ScriptWorld } from "./run.ts";

/** What can happen at a step. Late: the process is back only after its host counts as silent. */
export const numaFaults = {
  crashBefore: { fault: "crashBefore", backMs: 1_000 },
  crashBeforeLate: { fault: "crashBefore", backMs: 12_000 },
  crashAfter: { fault: "crashAfter", backMs: 1_000 },
  crashAfterLate: { fault: "crashAfter", backMs: 12_000 },
  double: { fault: "double", backMs: 0 },
  loseReply: { fault: "loseReply", backMs: 0 },
  delay: { fault: "delay", backMs: 0 },
} as const satisfies Record<string, { readonly fault: StepFault; readonly backMs: number }>;
export type CellFault = keyof typeof numaFaults;
export const cellFaultNames = Object.keys(numaFaults) as readonly CellFault[];

export interface Aimed {
  readonly step: CountedStep;
  readonly fault: CellFault;
}

export interface Red {
  readonly promise: string;
  readonly message: string;
}

export interface CellResult {
  readonly red: Red | undefined;
  readonly counted: readonly CountedStep[];
}

/** Everything is as the operation wants to find it. */
const beginMs = 12_000;
/** Longer than a process that comes back late stays away. */
const faultyMs = beginMs + 20_000;
/** A command about an instance waits until the client has heard of one. */
const lookAgainMs = 20;

const parameters: Parameters = {
  ...{ controllers: 2, hosts: 2, clients: 1, hostVcpus: 4 },
  ...{ latencyMs: 1, lost: 0, doubled: 0, late: 0 },
  ...{ storeLatencyMs: 1, rolledBack: 0, answerLost: 0, slow: 0 },
  ...{ driverLatencyMs: 5, startMs: 50, refused: 0, hang: 0, shutdownMs: 500 },
};

/**
 * Faults that a step of this kind can have: a file has no answer that could be lost, but for the tools that
 * verify one.
 */
export function faultsAt({ what }: CountedStep): readonly CellFault[] {
  const isFile = /^(write|remove)File$|^(begin|write|discard)Upload$/.test(what);
  return cellFaultNames.filter((fault) => !(isFile && fault === "loseReply"));
}

export async function runSquare(
  operation: Operation,
  aimed?: Aimed,
  write?: (line: string) => void,
): Promise<CellResult> {
  const plan: Plan = {
    seed: `crash matrix ${operation.name}`,
    parameters: { ...parameters, ...operation.parameters },
    commands: [],
    faults: [],
    faultyMs,
  };
  const facts: Fact[] = [];
  const outcome = await runPlan(plan, {
    watch: (fact) => {
      if (fact.kind === "invoked" || fact.kind === "completed" || fact.kind === "quiet") facts.push(fact);
    },
    script: (world) => perform(operation, aimed, world),
    ...(write === undefined ? {} : { write }),
  });
  return { red: redOf(outcome, { operation, aimed, facts }), counted: outcome.counted };
}

function perform(operation: Operation, aimed: Aimed | undefined, world: ScriptWorld): void {
  const { kernel, cluster } = world;
  const { interposer } = cluster;
  for (const act of operation.prepare) kernel.after(nobody, act.atMs, "", () => enact(act, world));
  const untilBeginMs = beginMs - setUpMs;
  kernel.after(nobody, untilBeginMs, "", () => {
    const fault = aimed === undefined ? undefined : numaFaults[aimed.fault].fault;
    interposer.begin(
      aimed === undefined || fault === undefined ? undefined : { step: aimed.step.step, fault },
    );
    interposer.onHit = (process) => {
      if (aimed === undefined) return;
      process.onDeath(() => startAgainLater(process.name, numaFaults[aimed.fault].backMs, world));
      kernel.trace.note(kernel.nowMs, process.name, `${aimed.fault} at ${interposer.hit?.what}`);
    };
  });
  for (const act of operation.act) kernel.after(nobody, untilBeginMs + act.atMs, "", () => enact(act, world));
  // What comes now belongs to no operation.
  kernel.after(nobody, faultyMs - setUpMs, "", () => interposer.end());
}

/** As its supervisor would. A client that died does not come back. */
function startAgainLater(name: string, backMs: number, { kernel, cluster }: ScriptWorld): void {
  kernel.after(nobody, backMs, `${name} is started again`, () => {
    const host = cluster.hosts.findIndex(({ machine }) => machine.name === name);
    const controller = cluster.controllers.findIndex(({ process }) => process.name === name);
    if (cluster.hosts[host]?.agent.alive === false) cluster.startAgent(host);
    if (cluster.controllers[controller]?.process.alive === false) cluster.startController(controller);
  });
}

function enact(act: Act, world: ScriptWorld): void {
  const { kernel, cluster, admin, clients, tell } = world;
  const client = clients[0];
  if (client?.process.alive === false && ("command" in act || "ask" in act)) return;
  const known = client?.instances.length ?? 0;
  const early =
    "ofInstance" in act
      ? known <= act.ofInstance
      : "command" in act && act.command !== "create" && !isUpload(act.command) && known === 0;
  if (early && kernel.nowMs < faultyMs) {
    kernel.after(nobody, lookAgainMs, "", () => enact(act, world));
    return;
  }
  // What operators do with instances, this client does with its own.
  const operated = "command" in act && act.command === "evacuate" ? (client?.instances ?? []) : [];
  if ("command" in act) client?.perform({ client: 0, target: 0, ...act }, operated, [...client.images]);
  else if ("ofInstance" in act) client?.ask(act.ask, client.instances[act.ofInstance]?.id ?? "", act.request);
  else if ("ask" in act) (act.operator ? admin : client)?.ask(act.ask, act.id, act.request);
  else if ("fault" in act) applyFault(act, { kernel, cluster, tell, admin: admin.clients });
  else {
    const hit = (_what: string, name: string) => happenTo(name, act, world);
    const at = { kind: "durable", process: undefined, what: act.at, passing: 0, times: 1 } as const;
    cluster.interposer.rules.push({ ...at, fault: undefined, hit });
  }
}

function happenTo(name: string, { happens, forMs }: Extract<Act, { at: RegExp }>, world: ScriptWorld): void {
  const { kernel, cluster } = world;
  const machine = cluster.hosts.find((host) => host.machine.name === name)?.machine;
  kernel.trace.note(kernel.nowMs, name, `${happens} for ${forMs} ms`);
  if (happens === "kill") {
    kernel.after(nobody, 8, "", () => processOf(name, world)?.kill());
    startAgainLater(name, forMs, world);
    return;
  }
  if (machine === undefined) return;
  const set = (on: boolean) => {
    if (happens === "refuse") machine.rates.refused = on ? 1 : 0;
    else machine.diskFull = on;
  };
  set(true);
  kernel.after(nobody, forMs, "", () => set(false));
}

function processOf(name: string, { cluster }: ScriptWorld) {
  const agent = cluster.hosts.find(({ machine }) => machine.name === name)?.agent;
  return agent ?? cluster.controllers.find(({ process }) => process.name === name)?.process;
}

interface Performed {
  readonly operation: Operation;
  readonly aimed: Aimed | undefined;
  readonly facts: readonly Fact[];
}

function redOf({ violations, hit }: Outcome, performed: Performed): Red | undefined {
  const [violation] = violations;
  if (violation !== undefined) return violation;
  const { operation, aimed, facts } = performed;
  if (aimed !== undefined && hit?.what !== aimed.step.what)
    return { promise: "determinism", message: `Counted was ${aimed.step.what}, hit was ${hit?.what}.` };
  const quiet = facts.find((fact): fact is Quiet => fact.kind === "quiet");
  if (quiet === undefined) return { promise: "I6", message: "It did not come to rest." };
  const [volumeFault] = quiet.volumes === undefined ? [] : volumeFaults(quiet.volumes, quiet.guests);
  if (volumeFault !== undefined) return { promise: "volumes", message: volumeFault };
  const told = toldAndBegun(callsIn(facts), quiet);
  const isHost = aimed !== undefined && /^h\d/.test(aimed.step.process);
  const refused = isHost && aimed.fault === "loseReply" && aimed.step.kind === "durable";
  const recovered = quiet.operations.some(({ kind }) => kind === "recover");
  const things = thingsIn(quiet, epochMs + setUpMs);
  // An operation that is refused without any fault would leave every square green, and show nothing.
  const goal = aimed === undefined ? { done: operation.done, undone: [] } : operation;
  const message = endFault({ ...told, refused, recovered, things }, goal);
  return message === undefined ? undefined : { promise: "end", message };
}

/** Those that were made since counting began. */
function callsIn(facts: readonly Fact[]) {
  const completed = new Map(
    facts.filter((fact): fact is Completed => fact.kind === "completed").map((end) => [end.call, end]),
  );
  return facts
    .filter((fact): fact is Invoked => fact.kind === "invoked" && fact.atMs >= beginMs)
    .map((invoked) => ({ invoked, completed: completed.get(invoked.call) }));
}
