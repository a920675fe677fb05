/**
 * The meter that keeps what it is told, in memory: what processes show to Prometheus, and what specs and the
 * simulator compare with what happened. Its memory is bounded by the closed lists of labels, and by the
 * number of names that a label without such a list may have.
 */
import type { Log } from "../../protocol/wire/transport.ts";
import type { Meter, Reading } from "./meter.ts";
import {
  boundsOf,
  type CounterName,
  type Definition,
  definitions,
  type GaugeName,
  type LabelsOf,
  type MetricName,
} from "./metrics.ts";

/** What a meter has kept, as plain data that can be sent to another thread or process. */
export interface Measured {
  readonly name: string;
  readonly series: readonly Series[];
}

/** One combination of the values of a metric's labels. */
export interface Series {
  /** The values, in the order of the definition. */
  readonly labels: readonly string[];
  /** Of a time or size: how many were noted. */
  readonly value: number;
  /** Of a time, in seconds, or of a size; 0 for others. */
  readonly sum: number;
  /** How many were noted at most as large as each bound and larger than the one before; empty for others. */
  readonly buckets: readonly number[];
}

/** A series while it is being counted. */
interface Counted extends Series {
  value: number;
  sum: number;
  readonly buckets: number[];
}

type Labels = Readonly<Record<string, string>>;

/** All names of a label beyond those that are told apart. */
const otherName = "other";

/** One metric. */
class Family {
  readonly bounds: readonly number[];
  readonly #names: readonly string[];
  readonly #labels: Definition["labels"];
  /** The names seen so far of each label that has no closed list. */
  readonly #seen = new Map<string, Set<string>>();
  readonly #series = new Map<string, Counted>();

  constructor({ kind, labels }: Definition) {
    this.bounds = boundsOf(kind);
    this.#labels = labels;
    this.#names = Object.keys(labels);
  }

  at(labels: Labels): Counted {
    return this.#series.get(this.#keyOf(labels)) ?? this.#add(labels);
  }

  get series(): readonly Counted[] {
    return [...this.#series.values()];
  }

  /** Every combination of the labels; none where a label has no closed list. */
  get combinations(): readonly Labels[] {
    return Object.entries(this.#labels).reduce<readonly Labels[]>(
      (all, [name, values]) =>
        "most" in values ? [] : all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
      [{}],
    );
  }

  #keyOf(labels: Labels): string {
    const [first, second] = this.#names;
    if (first === undefined) return "";
    if (second === undefined) return labels[first] ?? "";
    return this.#names.map((name) => labels[name]).join("\n");
  }

  /** A new series, unless the names are too many already. */
  #add(labels: Labels): Counted {
    const bounded = Object.fromEntries(
      this.#names.map((name) => [name, this.#known(name, labels[name] ?? "")]),
    );
    const key = this.#keyOf(bounded);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const buckets = this.bounds.map(() => 0);
    const made = { labels: Object.values(bounded), value: 0, sum: 0, buckets };
    this.#series.set(key, made);
    return made;
  }

  #known(label: string, name: string): string {
    const values = this.#labels[label];
    if (values === undefined || !("most" in values)) return name;
    let seen = this.#seen.get(label);
    if (seen === undefined) {
      seen = new Set();
      this.#seen.set(label, seen);
    }
    if (!seen.has(name) && seen.size >= values.most) return otherName;
    seen.add(name);
    return name;
  }
}

type Look = () => Iterable<readonly [labels: Labels, value: number]>;

export class CountingMeter implements Meter {
  readonly on = true;
  readonly #log: Pick<Log, "warn">;
  readonly #families = new Map([...definitions].map(([name, one]) => [name, new Family(one)]));
  readonly #looks = new Map<string, Look[]>();

  /** The log hears of values that could not be read. */
  constructor(log: Pick<Log, "warn">) {
    this.#log = log;
  }

  count<N extends CounterName>(name: N, labels: LabelsOf<N>, by = 1): void {
    const series = this.#families.get(name)?.at(labels);
    if (series !== undefined) series.value += by;
  }

  time(name: MetricName, labels: Labels, ms: number): void {
    this.#note(name, labels, ms / 1_000);
  }

  size(name: MetricName, labels: Labels, amount: number): void {
    this.#note(name, labels, amount);
  }

  look<N extends GaugeName | CounterName>(name: N, read: () => Iterable<Reading<N>>): void {
    const looks = this.#looks.get(name) ?? [];
    this.#looks.set(name, [...looks, read]);
  }

  zero(...names: readonly CounterName[]): void {
    for (const name of names) {
      const family = this.#families.get(name);
      for (const labels of family?.combinations ?? []) family?.at(labels);
    }
  }

  /** Everything that was counted, and what can be read now; metrics without a value are left out. */
  measure(): readonly Measured[] {
    return [...this.#families.keys()].flatMap((name) => {
      const series = this.read(name);
      return series.length === 0 ? [] : [{ name, series }];
    });
  }

  /** What was counted of one metric, and what can be read of it now. */
  read(name: string): readonly Series[] {
    const counted = this.#families.get(name)?.series ?? [];
    return [...counted.map((one) => ({ ...one, buckets: [...one.buckets] })), ...this.#looked(name)];
  }

  /** The value of one counter or gauge, or how many of a time or size were noted; 0 when there is none. */
  valueOf<N extends MetricName>(name: N, labels: LabelsOf<N>): number {
    const wanted = Object.values<string>(labels).join("\n");
    return this.read(name).find((one) => one.labels.join("\n") === wanted)?.value ?? 0;
  }

  #note(name: string, labels: Labels, amount: number): void {
    const family = this.#families.get(name);
    if (family === undefined) return;
    const series = family.at(labels);
    series.value += 1;
    series.sum += amount;
    const bucket = family.bounds.findIndex((bound) => amount <= bound);
    if (bucket >= 0) series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
  }

  /** What the readers of a metric say now. */
  #looked(name: string): readonly Series[] {
    const definition = definitions.get(name);
    const looks = this.#looks.get(name);
    if (definition === undefined || looks === undefined) return [];
    // Made anew each time: what is no longer there must not be shown with its last value.
    const family = new Family(definition);
    for (const look of looks)
      try {
        for (const [labels, value] of look()) if (Number.isFinite(value)) family.at(labels).value += value;
      } catch (error) {
        this.#log.warn({ error, metric: name }, "a value could not be read for the meter");
      }
    return family.series;
  }
}
