/**
 * The timeline of a run: faults, lives of processes, outcomes of commands, and states of instances on one
 * time axis. Pure: records in, SVG out.
 */
import type { Violation } from "../../actors/promises/facts.ts";
import type { Axis, Drawing } from "./axis.ts";
import { instanceLanes, stateLegend, statePatterns, summedLane } from "./instance-lanes.ts";
import { commandLanes, faultLanes, processLanes } from "./lanes.ts";
import type { Records } from "./recorder.ts";
import { escaped, line, words } from "./svg.ts";

export interface TimelineOptions {
  readonly title: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly records: Records;
  readonly violations: readonly Violation[];
}

const width = 1_280;
const left = 150;
const right = 20;
const gap = 26;

export function timeline({ title, fromMs, untilMs, records, violations }: TimelineOptions): string {
  const axis: Axis = {
    ...{ fromMs, untilMs, left, width: width - left - right },
    x: (atMs) => {
      const share = (atMs - fromMs) / Math.max(1, untilMs - fromMs);
      return left + Math.min(1, Math.max(0, share)) * (width - left - right);
    },
  };
  const sections: readonly (readonly [string, (y: number) => Drawing])[] = [
    ["What was broken", (y) => faultLanes(axis, y, records)],
    ["Processes (a gap: it did not live)", (y) => processLanes(axis, y, records)],
    ["Commands, by the time they were given", (y) => commandLanes(axis, y, records)],
    ["Instances by state, all of them", (y) => summedLane(axis, y, records)],
    ["Single instances (the dark line below: its QEMU process)", (y) => instanceLanes(axis, y, records)],
  ];
  let y = 58;
  const parts: string[] = [];
  for (const [name, draw] of sections) {
    const drawn = draw(y + 18);
    if (drawn.height === 0) continue;
    parts.push(words(8, y + 8, name, 'class="head"'), drawn.text);
    y += 18 + drawn.height + gap - 10;
  }
  const legend = stateLegend(left, y + 6, width - right);
  const height = y + legend.height + 30;
  const grid = gridOf(axis, 40, y - 8);
  const broken = violations.map(({ atMs, promise, message }) =>
    violationMark(axis, atMs, { promise, message }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ' font-family="Helvetica, Arial, sans-serif" font-size="10" fill="#222" role="img">',
    `<title>${escaped(title)}</title>`,
    "<style>.head{font-weight:bold;font-size:11px}.small{font-size:9px;fill:#555}</style>",
    `<defs>${statePatterns}</defs>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    words(8, 18, title, 'font-size="14" font-weight="bold"'),
    grid,
    ...parts,
    ...broken,
    legend.text,
    "</svg>",
  ].join("\n");
}

const stepsMs = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600].map((seconds) => seconds * 1_000);

function gridOf(axis: Axis, top: number, bottom: number): string {
  const span = axis.untilMs - axis.fromMs;
  const step = stepsMs.find((ms) => span / ms <= 16) ?? span;
  const parts: string[] = [];
  for (let atMs = 0; atMs <= span; atMs += step) {
    const x = axis.x(axis.fromMs + atMs);
    parts.push(line([x, top], [x, bottom], 'stroke="#ddd" stroke-width="0.7"'));
    parts.push(words(x, top - 4, clock(atMs), 'class="small" text-anchor="middle"'));
  }
  return parts.join("");
}

/** Minutes and seconds since the beginning of the run. */
function clock(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function violationMark(
  axis: Axis,
  atMs: number,
  { promise, message }: { readonly promise: string; readonly message: string },
): string {
  const x = axis.x(atMs);
  return (
    `<g><title>${escaped(`${promise}: ${message}`)}</title>` +
    `<path d="M${x - 6} 44 L${x + 6} 44 L${x} 56 Z" fill="#c00000"/>` +
    words(x, 53, "!", 'fill="#fff" font-size="8" text-anchor="middle"') +
    "</g>"
  );
}
