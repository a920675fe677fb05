/** Places where something is counted, and how each is forgotten (mutants.ts). */
import { floodedBy, floodSize } from "./mutants-neighbours.ts";
import type { Mutant } from "./mutants-plans.ts";

export const meterMutants: readonly Mutant[] = [
  {
    name: "uncounted-error",
    promise: "I6",
    file: "protocol/wire/server.ts",
    find: "options.meter?.answered(endpoint?.name, error.code, options.clock.monotonicMs() - startedAtMs);",
    replace: "",
    guard: "A request that was answered with an error is counted, too.",
  },
  {
    name: "uncounted-failure",
    promise: "I6",
    file: "actors/control/request/commits.ts",
    find: 'this.#meter.count("novact_commits_total", { result: "failed" });',
    replace: "",
    guard: "A commit whose result never came is counted, too.",
  },
  {
    name: "counted-whatever-came",
    promise: "I6",
    file: "actors/control/request/commits.ts",
    find: 'this.#meter.count("novact_commits_total", { result: result.kind });',
    replace: 'this.#meter.count("novact_commits_total", { result: "committed" });',
    guard: "A commit is counted by its result, not by what was asked for.",
  },
  {
    name: "uncounted-excess",
    promise: "I6",
    file: "protocol/wire/admission.ts",
    find: 'meter?.keptOut(refuse ? "refused" : "dropped");',
    replace: 'meter?.keptOut("dropped");',
    guard: "What the door refuses is counted apart from what it drops.",
    size: floodSize,
    shape: floodedBy("commands", 12_000),
  },
];
