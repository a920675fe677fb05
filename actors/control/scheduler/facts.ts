/**
 * Facts about a host that are derived once when it is read, not for each request: what its aggregates say
 * together, and its features in one spelling. Most hosts are alike, so each distinct list is derived once in
 * a read and shared. Pure but for that.
 */
import { defaultZone } from "../../../protocol/kinds.ts";
import { schedulerLimits } from "./limits.ts";

export interface Aggregate {
  readonly id: string;
  readonly name: string;
  readonly availabilityZone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface AggregateFacts {
  readonly zone: string;
  /** By key, the values in any of the aggregates; a comma separates values, as in Nova. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
  /** The only projects that may be here; undefined: all. */
  readonly projects: ReadonlySet<string> | undefined;
  /** The only flavors that may be here; undefined: all. */
  readonly flavors: ReadonlySet<string> | undefined;
  readonly ioOpsMax: number;
  readonly instancesMax: number;
  /** Multipliers of weighers, by the name before `_weight_multiplier`; undefined: none. */
  readonly multipliers: ReadonlyMap<string, number> | undefined;
}

const noAggregates: AggregateFacts = {
  zone: defaultZone,
  values: new Map(),
  projects: undefined,
  flavors: undefined,
  ioOpsMax: schedulerLimits.hostIoOpsMax,
  instancesMax: schedulerLimits.hostInstancesMax,
  multipliers: undefined,
};

/** Keys of metadata that are read here; aggregate-metadata.ts checks their values when they are written. */
export const multiplierSuffix = "_weight_multiplier";
export const projectsPrefix = "filter_tenant_id";
const ioOpsKey = "max_io_ops_per_host";
const instancesKey = "max_instances_per_host";
export const countKeys: readonly string[] = [ioOpsKey, instancesKey];

function aggregateFactsOf(aggregates: readonly Aggregate[]): AggregateFacts {
  const values = new Map<string, Set<string>>();
  for (const { metadata } of aggregates)
    for (const [key, text] of Object.entries(metadata)) {
      const known = values.get(key) ?? new Set();
      for (const value of text.split(",")) known.add(value.trim());
      values.set(key, known);
    }
  return {
    zone:
      aggregates.find(({ availabilityZone }) => availabilityZone !== null)?.availabilityZone ?? defaultZone,
    values,
    projects: projectsOf(values),
    flavors: values.get("instance_type"),
    ioOpsMax: smallest(values.get(ioOpsKey)) ?? schedulerLimits.hostIoOpsMax,
    instancesMax: smallest(values.get(instancesKey)) ?? schedulerLimits.hostInstancesMax,
    multipliers: multipliersOf(values),
  };
}

/**
 * The projects in all keys `filter_tenant_id…`: one key holds only so many characters, so suffixes make more.
 */
function projectsOf(values: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> | undefined {
  const lists = [...values].filter(([key]) => key.startsWith(projectsPrefix)).map(([, list]) => [...list]);
  const projects = lists.flat().filter((project) => project !== "");
  return projects.length === 0 ? undefined : new Set(projects);
}

function multipliersOf(values: ReadonlyMap<string, ReadonlySet<string>>): AggregateFacts["multipliers"] {
  const found = new Map<string, number>();
  for (const [key, texts] of values) {
    if (!key.endsWith(multiplierSuffix)) continue;
    const multiplier = smallest(texts);
    if (multiplier !== undefined) found.set(key.slice(0, -multiplierSuffix.length), bounded(multiplier));
  }
  return found.size === 0 ? undefined : found;
}

/** Scores are sums of these: two that were infinite would make a score that is no number. */
const bounded = (multiplier: number): number =>
  Math.min(schedulerLimits.multiplierMax, Math.max(-schedulerLimits.multiplierMax, multiplier));

/** The smallest number of several aggregates, as in Nova; a text that is no number is ignored. */
function smallest(texts: ReadonlySet<string> | undefined): number | undefined {
  const numbers = [...(texts ?? [])].filter((text) => text !== "").map(Number);
  const finite = numbers.filter(Number.isFinite);
  return finite.length === 0 ? undefined : Math.min(...finite);
}

/** One spelling for a processor's flag and for Nova's trait of it: `avx512_vnni`, HW_CPU_X86_AVX512VNNI. */
export const featureKey = (name: string): string =>
  name
    .toLowerCase()
    .replace(/^hw_cpu_(?:x86|aarch64|arm)_/, "")
    .replace(/[^a-z0-9]/g, "");

/** Derives the facts of each distinct list once. Lives for one read. */
export class FactsOfRead {
  readonly #aggregates = new Map<string, AggregateFacts>();
  readonly #features = new Map<string, { list: readonly string[]; keys: ReadonlySet<string> }[]>();

  /** Facts by the ids of the aggregates, which do not change within one read. */
  aggregates(list: readonly Aggregate[]): AggregateFacts {
    if (list.length === 0) return noAggregates;
    const key = list.length === 1 ? (list[0]?.id ?? "") : list.map(({ id }) => id).join(" ");
    const known = this.#aggregates.get(key);
    if (known !== undefined) return known;
    const facts = aggregateFactsOf(list);
    this.#aggregates.set(key, facts);
    return facts;
  }

  features(list: readonly string[]): ReadonlySet<string> {
    if (list.length === 0) return noFeatures;
    const bucket = `${list.length} ${list[0]} ${list.at(-1)}`;
    const alike = this.#features.get(bucket) ?? [];
    const known = alike.find((one) => one.list.every((name, index) => name === list[index]));
    if (known !== undefined) return known.keys;
    const keys = new Set(list.map(featureKey));
    this.#features.set(bucket, [...alike, { list, keys }]);
    return keys;
  }
}

const noFeatures: ReadonlySet<string> = new Set();
