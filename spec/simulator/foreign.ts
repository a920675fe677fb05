/**
 * Plug-ins in a simulated cluster, whose controllers have them as real ones do: rules, which must never wait,
 * and the extension for specs.
 */
import type { NamedExtensions } from "../../actors/control/extensions/definition.ts";
import { efforts } from "../../actors/control/scheduler/filters/filter.ts";
import type { ForeignParts } from "../../actors/control/scheduler/schedule.ts";
import { toyExtensions, toyPlugin } from "../support/toy-services.ts";

/** Filters and weighers of a plug-in, and the labels that every host has for them. */
export interface ForeignRules extends ForeignParts {
  readonly labels?: Readonly<Record<string, string>>;
}

/** The filter of the plug-in for specs: hosts on which work is planned get no instance. */
const toyRules: ForeignRules = {
  filters: [
    {
      name: "acme.open",
      effort: efforts.waiting,
      check: ({ facts }) =>
        facts.acme === undefined ||
        (() => ({ reason: "work is planned there", remedy: "wait until the work is done" })),
    },
  ],
  weighers: [],
};

interface Brought {
  readonly extensions: readonly NamedExtensions[];
  readonly scheduler: { readonly foreign?: ForeignParts };
}

/** What a controller has of plug-ins. With facts and their filter only where the plan asks for these. */
export function pluginOf({ parameters, extended, foreign }: Chosen): Brought {
  const whole = parameters.extended === true;
  const rules = foreign ?? (whole ? toyRules : undefined);
  const plugin = whole ? toyPlugin : toyExtensions;
  return {
    extensions: whole || extended === true ? [plugin] : [],
    scheduler: rules === undefined ? {} : { foreign: rules },
  };
}

interface Chosen {
  readonly parameters: { readonly extended?: true };
  readonly extended?: boolean;
  readonly foreign?: ForeignRules;
}
