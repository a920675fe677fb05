/**
 * Judges the neighbours of a flood (I11): while one project floods the cluster, no guest of another project
 * is stopped and no host is fenced. Only floods are judged that nothing else was broken beside, or shortly
 * before. Pure.
 */
import type { Fact, Violation } from "../../actors/promises/facts.ts";
import type { FaultRecord } from "./recorder.ts";

/** What a fault has broken may take so long to come back: fences, and starts elsewhere. */
const aftermathMs = 40_000;
/** What waits in line when a flood ends is done within this time. */
const tailMs = 5_000;

export function judgeFloods(facts: readonly Fact[], faults: readonly FaultRecord[]): readonly Violation[] {
  const projects = projectsOf(facts);
  return alone(faults).flatMap((flood) => {
    const within = facts.filter(({ atMs }) => atMs >= flood.atMs && atMs <= flood.untilMs + tailMs);
    return within.flatMap((fact) => {
      const message = suffered(fact, flood, projects);
      return message === undefined ? [] : [{ promise: "I11" as const, atMs: fact.atMs, message }];
    });
  });
}

/** The floods that nothing else was broken beside. */
function alone(faults: readonly FaultRecord[]): readonly FaultRecord[] {
  const done = faults.filter(({ outcome }) => outcome === "done");
  return done
    .filter(({ kind }) => kind === "flood")
    .filter((flood) =>
      done.every(
        (other) =>
          other.kind === "flood" ||
          other.atMs > flood.untilMs + tailMs ||
          other.untilMs + aftermathMs < flood.atMs,
      ),
    );
}

function suffered(
  fact: Fact,
  { target, note }: FaultRecord,
  projects: ReadonlyMap<string, string>,
): string | undefined {
  if (fact.kind === "guestHeld" && projects.get(fact.instanceId) !== target)
    return `The guest of instance ${fact.instanceId} was stopped during a flood (${note}).`;
  if (fact.kind === "watched" && fact.event.noun === "host" && fact.event.event === "fenced")
    return `Host ${fact.event.id} was fenced during a flood (${note}).`;
  return undefined;
}

/** By instance, as the end of the run knows them. */
function projectsOf(facts: readonly Fact[]): ReadonlyMap<string, string> {
  const quiet = facts.findLast((fact) => fact.kind === "quiet");
  return new Map((quiet?.instances ?? []).map(({ id, project }) => [id, project]));
}
