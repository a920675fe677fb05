/**
 * Judges a history: by the checkers of the promises, which judge the simulator as well, and by the one check
 * that only a client can make: the state that it asked for last is the state at the end. Pure: facts in,
 * violations out, so a history can be judged again later, or on another computer.
 */
import { promisedBy } from "../../actors/promises/calls.ts";
import type { Completed, Fact, Invoked, Quiet, Violation } from "../../actors/promises/facts.ts";
import { allCheckers, createJudge } from "../../actors/promises/judge.ts";
import type { DesiredPower } from "../../protocol/states.ts";
import { judgeAddresses } from "./addresses-judged.ts";
import { judgeFloods } from "./flood-judgement.ts";
import { judgeLooks } from "./looks-judged.ts";
import type { FaultRecord } from "./recorder.ts";
import { judgeVolumes } from "./volumes-judged.ts";

export interface Judgement {
  readonly violations: readonly Violation[];
  /** Number of facts that were judged. */
  readonly facts: number;
  /** False: the run did not come to its end, and promises about the end were not judged. */
  readonly complete: boolean;
}

/** Most violations in a judgement: more of them say nothing new. */
const violationsMax = 1_000;

/** `faults`: what was broken when; floods are judged by it. */
export function judgeFacts(facts: readonly Fact[], faults: readonly FaultRecord[] = []): Judgement {
  const judge = createJudge(allCheckers());
  const violations: Violation[] = [];
  for (const fact of facts) violations.push(...judge.see(fact));
  const quiet = facts.findLast((fact) => fact.kind === "quiet");
  if (quiet !== undefined) violations.push(...notAsAsked(facts, quiet));
  violations.push(
    ...judgeFloods(facts, faults),
    ...judgeAddresses(facts),
    ...judgeLooks(facts),
    ...judgeVolumes(facts),
  );
  return {
    violations: violations.slice(0, violationsMax),
    facts: facts.length,
    complete: quiet !== undefined,
  };
}

const wantedAfter: Readonly<Record<string, DesiredPower>> = {
  "instance.create": "running",
  "instance.start": "running",
  "instance.reboot": "running",
  "instance.unpause": "running",
  "instance.pause": "paused",
  "instance.stop": "stopped",
  "instance.delete": "deleted",
};

/** I4 as a client sees it: the last command that was acknowledged, and not replaced since, holds. */
function notAsAsked(facts: readonly Fact[], quiet: Quiet): readonly Violation[] {
  const asked = lastAsked(facts);
  const rows = new Map(quiet.instances.map((row) => [row.id, row]));
  return [...asked].flatMap(([id, { method, call, client }]): readonly Violation[] => {
    const row = rows.get(id);
    const wanted = wantedAfter[method];
    if (row === undefined || wanted === undefined || row.desired === wanted) return [];
    const message =
      `Instance ${id} is wanted ${row.desired}, but the last command that ${client} was told is accepted ` +
      `is call ${call}, ${method}.`;
    return [{ promise: "I4", atMs: quiet.atMs, message }];
  });
}

/** The last accepted command by instance; instances are left out where it is not known. */
function lastAsked(facts: readonly Fact[]): ReadonlyMap<string, Invoked> {
  const open = new Map<number, Invoked>();
  const asked = new Map<string, Invoked>();
  for (const fact of facts) {
    if (fact.kind === "invoked") open.set(fact.call, fact);
    if (fact.kind !== "completed") continue;
    const invoked = open.get(fact.call);
    if (invoked === undefined || !(invoked.method in wantedAfter)) continue;
    if (fact.outcome === "failed") continue;
    for (const id of invoked.id === "" ? instancesOf(fact) : [invoked.id]) {
      if (fact.outcome === "unknown") asked.delete(id);
      else asked.set(id, invoked);
    }
  }
  return asked;
}

/** All that a create of many made. */
const instancesOf = ({ answer = {} }: Completed): readonly string[] =>
  promisedBy(answer).map(({ instanceId }) => instanceId);
