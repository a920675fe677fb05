/**
 * What the threads of a cluster have counted, as one text in Prometheus's exposition format, version 0.0.4.
 * Each sample says by its labels `process` and `thread` whose it is. Pure.
 *
 * Source of the format: "Exposition formats" of Prometheus's documentation.
 */
import type { Measured, Series } from "../../actors/runtime/counting-meter.ts";
import {
  boundsOf,
  type Definition,
  definitions,
  type Kind,
  type MetricName,
} from "../../actors/runtime/metrics.ts";

/** What one thread has counted. */
export interface Part {
  readonly process: string;
  readonly thread: string;
  readonly measured: readonly Measured[];
}

/** A counter or gauge without labels, for a part that no meter of ours has counted. */
export const plain = (name: MetricName, value: number): Measured => ({
  name,
  series: [{ labels: [], value, sum: 0, buckets: [] }],
});

export const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** Every metric that has a sample, in the order of the definitions: all samples of one stand together. */
export function pageText(parts: readonly Part[]): string {
  const lines = [...definitions].flatMap(([name, definition]) => {
    const samples = parts.flatMap((part) => samplesOf(name, definition, part));
    if (samples.length === 0) return [];
    return [
      `# HELP ${name} ${escaped(definition.help)}`,
      `# TYPE ${name} ${types[definition.kind]}`,
      ...samples,
    ];
  });
  return lines.map((line) => `${line}\n`).join("");
}

const types: Readonly<Record<Kind, string>> = {
  counter: "counter",
  gauge: "gauge",
  time: "histogram",
  size: "histogram",
};

type Pair = readonly [label: string, value: string];

function samplesOf(name: string, { kind, labels }: Definition, part: Part): readonly string[] {
  const { process, thread, measured } = part;
  const found = measured.find((one) => one.name === name);
  const names = Object.keys(labels);
  return (found?.series ?? []).flatMap((series) => {
    const own = names.map((label, at): Pair => [label, series.labels[at] ?? ""]);
    const pairs: readonly Pair[] = [["process", process], ["thread", thread], ...own];
    const bounds = boundsOf(kind);
    return bounds.length === 0
      ? [sample(name, pairs, series.value)]
      : histogram({ name, pairs, bounds, series });
  });
}

interface Histogram {
  readonly name: string;
  readonly pairs: readonly Pair[];
  readonly bounds: readonly number[];
  readonly series: Series;
}

function histogram({ name, pairs, bounds, series }: Histogram): readonly string[] {
  let sum = 0;
  const buckets = bounds.map((bound, at) => {
    sum += series.buckets[at] ?? 0;
    return sample(`${name}_bucket`, [...pairs, ["le", String(bound)]], sum);
  });
  return [
    ...buckets,
    sample(`${name}_bucket`, [...pairs, ["le", "+Inf"]], series.value),
    sample(`${name}_sum`, pairs, series.sum),
    sample(`${name}_count`, pairs, series.value),
  ];
}

const sample = (name: string, pairs: readonly Pair[], value: number): string =>
  `${name}{${pairs.map(([label, text]) => `${label}="${quoted(text)}"`).join(",")}} ${value}`;

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const quoted = (text: string): string => escaped(text).replaceAll('"', '\\"');
