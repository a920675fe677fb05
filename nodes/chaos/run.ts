/**
 * One run of a scenario, from the check of the permission to the report: load, faults, healing, quiet,
 * judgement, clean-up. However it ends, nothing stays broken.
 */
import { join } from "node:path";
import { type ClusterConfig, loadConfig } from "../config/config.ts";
import { connect, type Novact } from "../sdk/sdk.ts";
import { removeAll } from "./clean-up.ts";
import { conduct, healAll } from "./conductor.ts";
import type { World } from "./faults.ts";
import { figuresOf } from "./figures.ts";
import { judgeFacts } from "./judgement.ts";
import { openLinks } from "./links.ts";
import { driveLoad, runKey, usableGroups } from "./load.ts";
import { makeOffer, type Offer } from "./offer.ts";
import { partiesOf } from "./parties.ts";
import { assertAllowed } from "./permission.ts";
import { planOf } from "./plan.ts";
import { takeDown, untilSettled } from "./quiet.ts";
import { openRecorder, type Recorder } from "./recorder.ts";
import { type Summary, writeReport } from "./report.ts";
import { minutesDefault, type Scenario } from "./scenario.ts";
import { volumesAtEnd } from "./volumes-end.ts";
import { startWitness } from "./witness.ts";

export interface RunOptions {
  /** Path of cluster.yaml; absent: the default one. */
  readonly config?: string;
  readonly name: string;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly minutes?: number;
  readonly report?: string;
  readonly keep: boolean;
  readonly say: (text: string) => void;
  /** Aborted: the run ends early, heals and judges. */
  readonly signal: AbortSignal;
}

/** Time after the faults until every operation has ended and every instance rests. */
const settleWithinMs = 180_000;
/** Time for the watchers to receive the last event. */
const watchersWithinMs = 30_000;

/** Runs a scenario. @throws NotAllowed before anything is touched */
export async function runChaos(options: RunOptions): Promise<Summary> {
  const config = loadConfig(options.config);
  assertAllowed(config);
  const run = Math.floor(Date.now() / 1_000).toString(36);
  const directory = options.report ?? join(process.cwd(), `chaos-${run}`);
  await using admin = await connect({ config: config.file, project: "admin" });
  const recorder = openRecorder(directory);
  const links = await openLinks(config);
  const world: World = { config, links, stays: false };
  try {
    return await inWorld({ ...options, run, directory, admin, recorder, world, cluster: config });
  } finally {
    await healAll(world);
    links?.close();
    await recorder.close();
  }
}

interface Running extends Omit<RunOptions, "config"> {
  readonly run: string;
  readonly directory: string;
  readonly admin: Novact;
  readonly recorder: Recorder;
  readonly world: World;
  readonly cluster: ClusterConfig;
}

async function inWorld(running: Running): Promise<Summary> {
  const { cluster, admin, recorder, run, say, scenario, seed, directory, signal } = running;
  const { usable, remarks } = usableGroups(cluster, scenario.load);
  for (const remark of remarks) say(remark);
  const startedAtMs = Date.now();
  const { last: after } = await admin.event.list({});
  const offer = await makeOffer(cluster, admin, run);
  const projects = await Promise.all(
    cluster.projects.slice(0, 2).map((project) => connect({ config: cluster.file, project })),
  );
  const witness = startWitness({ config: cluster, recorder, watchers: [admin, ...projects], after });
  say(`run ${run}, seed ${seed}, report in ${directory}`);
  let moving: readonly string[];
  let faultsEndedAtMs: number;
  try {
    await breakThings(running, usable, offer);
    faultsEndedAtMs = Date.now();
    say("everything is healed and every call is answered; waiting until nothing moves");
    moving = await untilSettled(admin, settleWithinMs);
    for (const sentence of moving) say(`still moves: ${sentence}`);
    await watchersCaughtUp(witness, admin);
  } finally {
    await witness.stop();
    for (const project of projects) await project.close();
  }
  recorder.tell(await takeDown({ config: cluster, admin, after }));
  recorder.tell(await volumesAtEnd(cluster, admin));
  if (!running.keep) await removeAll({ admin, key: runKey, run, offer, say });
  const judgement = judgeFacts(recorder.facts, recorder.faults);
  const summary: Summary = {
    run,
    scenario: running.name,
    seed,
    startedAtMs,
    faultsEndedAtMs,
    endedAtMs: Date.now(),
    interrupted: signal.aborted,
    settled: moving.length === 0,
    stillMoving: moving,
    remarks,
    ...judgement,
    directory,
    figures: figuresOf(recorder.facts, recorder.faults),
  };
  writeReport(directory, { summary, ...recorder });
  return summary;
}

/**
 * Runs load and faults together until the time is over; resolves when all faults are healed and all calls
 * answered.
 */
async function breakThings(running: Running, groups: Scenario["load"], offer: Offer): Promise<void> {
  const { admin, cluster, recorder, run, say, scenario, seed, signal, world } = running;
  const minutes = running.minutes ?? scenario.minutes ?? minutesDefault;
  const durationMs = minutes * 60_000;
  const plan = planOf(scenario, { seed, durationMs, parties: partiesOf(cluster) });
  const over = new AbortController();
  const loadEnding = AbortSignal.any([signal, over.signal]);
  const timer = setTimeout(() => over.abort(), durationMs);
  const load = driveLoad({
    ...{ config: cluster, groups, seed, run, recorder, offer },
    ...(scenario.operatorEverySeconds === undefined
      ? {}
      : { operator: { admin, everyMs: scenario.operatorEverySeconds * 1_000 } }),
    ending: loadEnding,
  });
  // When the number of commands is used up before the time is, no more faults are injected.
  const faultsEnding = new AbortController();
  const stopFaults = () => faultsEnding.abort();
  signal.addEventListener("abort", stopFaults);
  void load.then(stopFaults, stopFaults);
  try {
    await Promise.all([load, conduct(plan, { world, recorder, say, ending: faultsEnding.signal })]);
  } finally {
    clearTimeout(timer);
    over.abort();
    await healAll(world);
  }
}

async function watchersCaughtUp(witness: { lastSeen(): number }, admin: Novact): Promise<void> {
  const { last } = await admin.event.list({});
  const deadlineMs = performance.now() + watchersWithinMs;
  while (witness.lastSeen() < last && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
