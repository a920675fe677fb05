/** Guards of what plug-ins keep and sinks get, and how each is switched off. */
import { crowdedExtensions, type Mutant, sinking } from "./mutants-plans.ts";

export const extensionMutants: readonly Mutant[] = [
  {
    name: "extension-unscoped",
    promise: "I12",
    file: "actors/control/extensions/own-rows.ts",
    find: "const found = await rows.called(resource, key, owner);",
    replace: "const found = await rows.called(resource, key);",
    guard: "A row of a plug-in is found by its own project alone.",
    shape: crowdedExtensions,
  },
  {
    name: "extension-limit-unheeded",
    promise: "I3",
    file: "db/memory/apply-rows.ts",
    find: "const name = limitedNameOf(resource, sumOf);",
    replace: "const name = resource.noun;",
    guard: "A limit that operators set for a plug-in's rows is the one that is judged.",
    shape: crowdedExtensions,
  },
  {
    name: "sink-refusal-unheard",
    promise: "I10",
    file: "nodes/sinks/courier.ts",
    find: "await this.#deliver(events, signal);",
    replace: "await this.#deliver(events, signal).catch(() => undefined);",
    guard: "A sink has only what a call of it that has resolved has brought.",
    shape: sinking,
  },
  {
    name: "sink-kept-too-early",
    promise: "I10",
    file: "nodes/sinks/courier.ts",
    find: "const events = firstOf(page.events);",
    replace:
      "const events = firstOf(page.events); this.#save({ ...this.#memory, sequence: events.at(-1)?.sequence ?? sequence });",
    guard: "How far a sink has got is kept after the delivery: a controller may die between the two.",
    shape: sinking,
  },
];
