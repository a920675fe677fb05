/** The timeline's lanes about faults, processes and commands. Pure. */

import type { Axis, Drawing } from "./axis.ts";
import { callsOf } from "./figures.ts";
import type { FaultRecord, Records } from "./recorder.ts";
import { box, line, words } from "./svg.ts";

const laneHeight = 13;

const byName = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  left < right ? -1 : 1;

/** A lane for each target, and more where marks would overlap; a lasting fault is a bar. */
export function faultLanes(axis: Axis, y: number, { faults }: Records): Drawing {
  const targets = [...Map.groupBy(faults, ({ target }) => target)].sort(byName);
  const parts: string[] = [];
  let top = y;
  for (const [target, records] of targets) {
    parts.push(words(axis.left - 6, top + 9, target, 'text-anchor="end"'));
    for (const row of rowsOf(axis, records)) {
      parts.push(...row.map((record) => faultMark(axis, top, record)));
      top += laneHeight;
    }
  }
  return { height: top - y, text: parts.join("\n") };
}

/** Puts each mark into the first row that has room for it and its word. */
function rowsOf(axis: Axis, records: readonly FaultRecord[]): readonly (readonly FaultRecord[])[] {
  const rows: { records: FaultRecord[]; end: number }[] = [];
  for (const record of [...records].sort((left, right) => left.atMs - right.atMs)) {
    const x = axis.x(record.atMs);
    const text = record.outcome === "done" ? record.kind : `${record.kind} ${record.outcome}`;
    const end = Math.max(axis.x(record.untilMs), x + 3) + text.length * 5 + 6;
    const row = rows.find((one) => one.end <= x);
    if (row === undefined) rows.push({ records: [record], end });
    else {
      row.records.push(record);
      row.end = end;
    }
  }
  return rows.map((row) => row.records);
}

const faultColours: Readonly<Record<string, string>> = {
  kill: "#c0392b",
  wipe: "#6c1f8f",
  restart: "#b9770e",
  pause: "#2471a3",
  cut: "#1e8449",
  blackHole: "#17202a",
  delay: "#7d6608",
  fill: "#884ea0",
  flood: "#b03a6f",
};

const skippedMark = 'fill="none" stroke="#999" stroke-dasharray="1 1"';

function faultMark(axis: Axis, top: number, record: FaultRecord): string {
  const { kind, atMs, untilMs, outcome, note } = record;
  const [x, end] = [axis.x(atMs), axis.x(untilMs)];
  const title = `${kind} ${record.target}, ${outcome}: ${note}`;
  if (outcome !== "done") {
    const mark = box({ x, y: top + 2, width: 3, height: 9 }, skippedMark, title);
    return mark + words(x + 5, top + 9, `${kind} ${outcome}`, 'class="small" font-style="italic"');
  }
  const colour = faultColours[kind] ?? "#333";
  const width = Math.max(3, end - x);
  const label = width > 34 ? ([x + 3, "#fff"] as const) : ([x + width + 2, colour] as const);
  return (
    box({ x, y: top + 1, width, height: laneHeight - 3 }, `fill="${colour}"`, title) +
    words(label[0], top + 9, kind, `fill="${label[1]}" font-size="8.5"`)
  );
}

export function processLanes(axis: Axis, y: number, { lives }: Records): Drawing {
  const lanes = [...Map.groupBy(lives, ({ name }) => name)].sort(byName);
  const text = lanes.flatMap(([name, ofName], index) => {
    const top = y + index * laneHeight;
    const starts = ofName.length - 1;
    return [
      words(axis.left - 6, top + 9, `${name}${starts > 0 ? ` (${starts + 1}×)` : ""}`, 'text-anchor="end"'),
      ...ofName.map(({ pid, atMs, untilMs }, nth) => {
        const x = axis.x(atMs);
        const fill = nth % 2 === 0 ? "#7f9db9" : "#b5c7d9";
        const place = { x, y: top + 3, width: axis.x(untilMs) - x, height: laneHeight - 6 };
        return box(place, `fill="${fill}"`, `${name}, pid ${pid}`);
      }),
    ];
  });
  return { height: lanes.length * laneHeight, text: text.join("\n") };
}

const bins = 140;
const countHeight = 56;
const latencyHeight = 44;

/** The number of commands in each interval by their outcome; below, the latency of the slowest. */
export function commandLanes(axis: Axis, y: number, { facts }: Records): Drawing {
  const calls = callsOf(facts);
  if (calls.length === 0) return { height: 0, text: "" };
  const span = Math.max(1, axis.untilMs - axis.fromMs);
  const binOf = (atMs: number) => Math.min(bins - 1, Math.floor(((atMs - axis.fromMs) / span) * bins));
  const byBin = Map.groupBy(calls, ({ invoked }) => binOf(invoked.atMs));
  const most = Math.max(...[...byBin.values()].map((ones) => ones.length));
  const latencyTop = y + countHeight + 8;
  const parts = [
    words(axis.left - 6, y + 9, `up to ${most} at once`, 'class="small" text-anchor="end"'),
    words(axis.left - 6, y + 30, "answered", 'fill="#5d8a66" text-anchor="end"'),
    words(axis.left - 6, y + 41, "refused (hatched)", 'fill="#8a6d3b" text-anchor="end"'),
    words(axis.left - 6, y + 52, "unknown (black)", 'text-anchor="end"'),
    words(axis.left - 6, latencyTop + 9, "slowest answer", 'text-anchor="end"'),
    words(axis.left - 6, latencyTop + 20, "(waiting apart)", 'class="small" text-anchor="end"'),
    line(
      [axis.left, y + countHeight],
      [axis.left + axis.width, y + countHeight],
      'stroke="#999" stroke-width="0.5"',
    ),
  ];
  for (const [ms, label] of [
    [10, "10 ms"],
    [1_000, "1 s"],
    [60_000, "60 s"],
  ] as const) {
    const at = latencyTop + latencyHeight * (1 - logShare(ms));
    parts.push(line([axis.left, at], [axis.left + axis.width, at], 'stroke="#e5e5e5" stroke-width="0.7"'));
    parts.push(words(axis.left + axis.width + 1, at + 3, label, 'font-size="6" fill="#777"'));
  }
  for (const [bin, ones] of byBin) {
    const x = axis.left + (bin / bins) * axis.width;
    let bottom = y + countHeight;
    for (const [outcome, fill] of [
      ["ok", "#8fbc99"],
      ["failed", "url(#refused)"],
      ["unknown", "#111"],
    ] as const) {
      const amount = ones.filter(({ completed }) => (completed?.outcome ?? "unknown") === outcome).length;
      const height = (amount / most) * countHeight;
      bottom -= height;
      const place = { x, y: bottom, width: axis.width / bins - 0.6, height };
      if (amount > 0) parts.push(box(place, `fill="${fill}"`, `${amount} ${outcome}`));
    }
    const slowest = Math.max(
      0,
      ...ones
        .filter(({ invoked }) => invoked.request.wait !== true)
        .map(({ invoked, completed }) => (completed?.atMs ?? axis.untilMs) - invoked.atMs),
    );
    const height = latencyHeight * logShare(slowest);
    const place = { x, y: latencyTop + latencyHeight - height, width: axis.width / bins - 0.6, height };
    if (slowest > 0) parts.push(box(place, 'fill="#9aa5b1"', `${slowest} ms`));
  }
  return { height: countHeight + 8 + latencyHeight, text: parts.join("\n") };
}

/** Position on a logarithmic scale from 1 ms to 100 s, 0 to 1. */
const logShare = (ms: number): number => Math.min(1, Math.log10(Math.max(1, ms)) / 5);
