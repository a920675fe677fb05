/**
 * What processes count agrees with what happened. Every run of the simulator is checked for it (run.ts);
 * here the sums of a calm run are those of the store, and a run with faults has something to count.
 */
import { expect } from "chai";
import type { Committed } from "../../actors/promises/facts.ts";
import type { CountingMeter } from "../../actors/runtime/counting-meter.ts";
import type { MetricName } from "../../actors/runtime/metrics.ts";
import { silentLog } from "../support/silent-log.ts";
import type { Cluster } from "./cluster.ts";
import { type Plan, planOf } from "./plan.ts";
import { runPlan } from "./run.ts";
import { Tally } from "./tally.ts";

const timeoutMs = 60_000;

/** Without any fault, and nothing lost on the way. */
function calm(seed: string): Plan {
  const plan = planOf(seed, { controllers: 2, hosts: 2 });
  const quiet = { lost: 0, doubled: 0, late: 0, rolledBack: 0, answerLost: 0, slow: 0, refused: 0, hang: 0 };
  return { ...plan, parameters: { ...plan.parameters, ...quiet }, faults: [] };
}

async function runOf(plan: Plan) {
  const commits: Committed[] = [];
  let cluster: Cluster | undefined;
  const { violations } = await runPlan(plan, {
    watch: (fact) => {
      if (fact.kind === "committed") commits.push(fact);
    },
    script: (world) => {
      cluster = world.cluster;
    },
  });
  return { commits, violations, meters: cluster?.tallies.map(({ meter }) => meter) ?? [] };
}

/** The sum of a metric over all threads, by one of its labels. */
function sumsOf(meters: readonly CountingMeter[], name: MetricName, label = 0): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of meters.flatMap((meter) => meter.read(name))) {
    const key = labels[label] ?? "";
    if (value > 0) sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

describe("meters of a simulated cell", () => {
  it("have counted every commit of the store by its result, when nothing was lost", async () => {
    const { commits, meters, violations } = await runOf(calm("3"));
    expect(violations).to.deep.equal([]);
    const happened: Record<string, number> = {};
    for (const { result } of commits) happened[result.kind] = (happened[result.kind] ?? 0) + 1;
    expect(happened.committed).to.be.greaterThan(20);
    expect(sumsOf(meters, "novact_commits_total")).to.deep.equal(happened);
  }).timeout(timeoutMs);

  it("have counted reports, commands and the questions to hosts, turns, and guests that run", async () => {
    const { meters } = await runOf(calm("3"));
    const methods = sumsOf(meters, "novact_calls_total");
    expect(methods).to.include.keys("instance.create", "report.heartbeat", "host-agent.ensure");
    const timed = sumsOf(meters, "novact_call_seconds");
    expect(timed).to.deep.equal(methods);
    expect(sumsOf(meters, "novact_actor_turns_total")[""]).to.be.greaterThan(100);
    expect(sumsOf(meters, "novact_lease_renewals_total")[""]).to.be.greaterThan(10);
    expect(sumsOf(meters, "novact_commits_total").failed).to.equal(undefined);
  }).timeout(timeoutMs);
});

describe("a tally", () => {
  it("says what was counted otherwise than it happened, and nothing else", () => {
    const tally = new Tally(silentLog);
    tally.committed({ kind: "conflict" });
    tally.answered({ body: new Uint8Array(), headers: {} });
    expect(tally.differences).to.deep.equal([
      "1 commits were conflict, and the meter counted 0",
      "1 answers were OK, and the meter counted 0",
    ]);
    tally.meter.count("novact_commits_total", { result: "conflict" });
    tally.meter.count("novact_calls_total", { method: "a.b", code: "OK" });
    expect(tally.differences).to.deep.equal([]);
    tally.meter.count("novact_calls_kept_out_total", { door: "report", how: "dropped" });
    expect(tally.differences).to.deep.equal(["0 messages kept out were dropped, and the meter counted 1"]);
  });
});
