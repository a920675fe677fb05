/**
 * Filters and weighers of plug-ins: each gets a coat, which catches throws, and answers that no filter or
 * weigher may give. A filter that fails refuses the host, for one request; a weigher that fails counts 0;
 * both are noted. Nothing of a plug-in may end the scheduler, or place an instance where nobody has looked.
 */
import type { Check, Filter, Refusal, Refuse, RequestFilter } from "./filters/filter.ts";
import type { HostView } from "./state.ts";
import type { Weigher } from "./weighers/weigher.ts";

/** Notes that a filter or weigher of a plug-in has failed, in words. It must not throw. */
export type NoteFault = (name: string, what: string) => void;

/** The filter, in its coat. */
export function guardedFilter(filter: Filter, note: NoteFault): Filter {
  const { name, effort } = filter;
  const [plugin = name] = name.split(".");
  // Without its first facts the filter would pass what they forbid.
  const awaits: Refuse = () => ({
    reason: `what ${plugin} knows of the hosts is not there yet`,
    remedy: `wait a moment; if that does not help, have an operator ask the doctor about ${plugin}`,
  });
  // Tenants read these: how it failed is for operators.
  const failed = (what: string): Refuse => {
    note(name, what);
    return () => ({
      reason: `the filter ${name} failed`,
      remedy: `have an operator mend the plug-in of the filter ${name}, or leave the filter out`,
    });
  };
  const guarded =
    (check: Check): Check =>
    (host) => {
      if (host.factsAwaited.includes(plugin)) return awaits;
      const { value: refuse, thrown } = tried(() => check(host));
      if (refuse === true) return true;
      if (typeof refuse !== "function") return failed(thrown ?? "it answers neither true nor a refusal");
      return (refused) => sentencesOf(refuse, refused, failed);
    };
  // One that looks at the host alone is asked for each request, too: an answer that is kept with the host
  // would keep a fault until the host changes.
  if ("check" in filter)
    return { name, effort, prepare: () => guarded(filter.check) } satisfies RequestFilter;
  return {
    name,
    effort,
    ...(filter.amount === undefined ? {} : { amount: filter.amount }),
    only: (request, members) => {
      const { value, thrown } = tried(() => {
        const ids = filter.only?.(request, members);
        return ids === undefined ? undefined : [...ids];
      });
      if (thrown !== undefined) note(name, thrown);
      // Without a list nothing is restricted: the check decides.
      return value;
    },
    prepare: (request, members, stored) => {
      const { value, thrown } = tried(() => filter.prepare(request, members, stored));
      if (thrown === undefined && value === undefined) return undefined;
      if (typeof value === "function") return guarded(value);
      const refuse = failed(thrown ?? "it prepares no check");
      return () => refuse;
    },
  } satisfies RequestFilter;
}

function sentencesOf(refuse: Refuse, host: HostView, failed: (what: string) => Refuse): Refusal {
  const { value, thrown } = tried(() => {
    const { reason, remedy } = refuse(host);
    return typeof reason === "string" && typeof remedy === "string" ? { reason, remedy } : undefined;
  });
  return value ?? failed(thrown ?? "it refuses without words")(host);
}

/** The weigher, in its coat. A weight is at least -1 and at most 1. */
export function guardedWeigher(weigher: Weigher, note: NoteFault): Weigher {
  const guarded = (weigh: () => number): number => {
    const { value, thrown } = tried(weigh);
    if (typeof value === "number" && value >= -1 && value <= 1) return value;
    note(weigher.name, thrown ?? `it weighs ${textOf(value)}, which is not between -1 and 1`);
    return 0;
  };
  if ("weigh" in weigher) return { ...weigher, weigh: (host) => guarded(() => weigher.weigh(host)) };
  if ("policy" in weigher)
    return { ...weigher, weighCount: (members) => guarded(() => weigher.weighCount(members)) };
  return weigher;
}

interface Tried<T> {
  readonly value?: T;
  /** Undefined: it has not thrown. */
  readonly thrown?: string;
}

function tried<T>(work: () => T): Tried<T> {
  try {
    const value = work();
    return isPromise(value) ? { thrown: unheard(value) } : { value };
  } catch (thrown) {
    return { thrown: textOf(thrown) };
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";

/** A promise that is rejected and that nobody listens to would end the process. */
function unheard(promise: PromiseLike<unknown>): string {
  const nothing = () => undefined;
  promise.then(nothing, nothing);
  return "it answers a promise, and nobody waits for it";
}

/** Never throws, whatever it is. */
function textOf(thrown: unknown): string {
  try {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const line = text.replaceAll(/[^\P{C}]+|\s+/gu, " ").trim();
    return (line === "" ? "without a word" : line).slice(0, wordsMax).toWellFormed();
  } catch {
    // An object whose own text throws has none.
    return "something without words";
  }
}

/** Characters of a plug-in's words in one sentence of ours. */
const wordsMax = 200;
