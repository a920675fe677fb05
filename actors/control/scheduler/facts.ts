/**
 * What of a host is worked out when it is read and not when it is asked: what its aggregates say together,
 * and its features in one spelling. Most hosts are like many others, so each distinct list is worked out once
 * in a read and shared. Pure but for that.
 */
import { defaultZone } from "../../../protocol/kinds.ts";
import { limits } from "../../../protocol/limits/limits.ts";

export interface Aggregate {
  readonly id: string;
  readonly name: string;
  readonly availabilityZone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface AggregateFacts {
  readonly zone: string;
  /** By key, what any of the aggregates says; a comma separates values, as in Nova. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
  /** The only projects that may be here; undefined: all. */
  readonly projects: ReadonlySet<string> | undefined;
  /** The only flavors that may be here; undefined: all. */
  readonly flavors: ReadonlySet<string> | undefined;
  readonly ioOpsMax: number;
  readonly instancesMax: number;
  /** Of weighers, by their name before `_weight_multiplier`; undefined: none. */
  readonly multipliers: ReadonlyMap<string, number> | undefined;
}

const noAggregates: AggregateFacts = {
  zone: defaultZone,
  values: new Map(),
  projects: undefined,
  flavors: undefined,
  ioOpsMax: limits.hostIoOpsMax,
  instancesMax: limits.hostInstancesMax,
  multipliers: undefined,
};

const multiplierSuffix = "_weight_multiplier";

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
    ioOpsMax: smallest(values.get("max_io_ops_per_host")) ?? limits.hostIoOpsMax,
    instancesMax: smallest(values.get("max_instances_per_host")) ?? limits.hostInstancesMax,
    multipliers: multipliersOf(values),
  };
}

/** Any suffix: one key holds only so many characters. */
function projectsOf(values: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> | undefined {
  const lists = [...values]
    .filter(([key]) => key.startsWith("filter_tenant_id"))
    .map(([, list]) => [...list]);
  const projects = lists.flat().filter((project) => project !== "");
  return projects.length === 0 ? undefined : new Set(projects);
}

function multipliersOf(values: ReadonlyMap<string, ReadonlySet<string>>): AggregateFacts["multipliers"] {
  const found = new Map<string, number>();
  for (const [key, texts] of values) {
    if (!key.endsWith(multiplierSuffix)) continue;
    const multiplier = smallest(texts);
    if (multiplier !== undefined) found.set(key.slice(0, -multiplierSuffix.length), multiplier);
  }
  return found.size === 0 ? undefined : found;
}

/** Of several aggregates the smallest number counts, as in Nova; what is no number counts as not said. */
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

/** Works out each distinct list once. Lives for one read. */
export class FactsOfRead {
  readonly #aggregates = new Map<string, AggregateFacts>();
  readonly #features = new Map<string, { list: readonly string[]; keys: ReadonlySet<string> }[]>();

  /** The same aggregates are the same by their ids: within one read they do not change. */
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
