/** The timeline's lanes about instances: the states of each, and all of them summed. Pure. */
import type { Fact } from "../../actors/promises/facts.ts";
import { type InstanceState, instanceStates } from "../../protocol/states.ts";
import type { Axis, Drawing } from "./axis.ts";
import type { Records } from "./recorder.ts";
import { box, hatch, words } from "./svg.ts";

/** Most lanes of single instances; further instances appear in the sum only. */
const lanesMax = 40;
const laneHeight = 11;

/** Passing states are hatched, resting states plain. */
const fills: Readonly<Record<InstanceState, string>> = {
  building: "url(#building)",
  starting: "url(#starting)",
  running: "#8fbc99",
  rebooting: "url(#rebooting)",
  pausing: "url(#pausing)",
  paused: "#a9c4e4",
  unpausing: "url(#unpausing)",
  stopping: "url(#stopping)",
  stopped: "#c9c9c9",
  failed: "#c0392b",
  unknown: "#f4d03f",
  deleting: "url(#deleting)",
  deleted: "#f4f4f4",
};

export const statePatterns = [
  hatch("building", "#fbe3c4", 45),
  hatch("starting", "#cfe6d4", 45),
  hatch("rebooting", "#cfe6d4", 135),
  hatch("pausing", "#d6e4f3", 45),
  hatch("unpausing", "#d6e4f3", 135),
  hatch("stopping", "#dddddd", 45),
  hatch("deleting", "#eeeeee", 135),
  hatch("refused", "#f0d9a8", 45),
].join("");

interface Band {
  readonly state: InstanceState;
  readonly atMs: number;
  readonly untilMs: number;
}

/** The states of each instance in the order of its events, as the operator's watcher received them. */
function bandsOf(facts: readonly Fact[], untilMs: number): ReadonlyMap<string, readonly Band[]> {
  const changes = new Map<string, { state: InstanceState; atMs: number }[]>();
  const change = (id: string, state: unknown, atMs: number) => {
    const known = instanceStates.find((one) => one === state);
    if (known !== undefined) changes.set(id, [...(changes.get(id) ?? []), { state: known, atMs }]);
  };
  for (const fact of facts) {
    if (fact.kind !== "watched" || fact.project !== "admin" || fact.event.noun !== "instance") continue;
    const { id, event, atMs, body } = fact.event;
    if (event === "accepted" && body.command === "create") change(id, "building", atMs);
    if (event === "stateChanged") change(id, body.to, atMs);
  }
  return new Map(
    [...changes].map(([id, states]) => [
      id,
      states.map(({ state, atMs }, index) => {
        return { state, atMs, untilMs: states[index + 1]?.atMs ?? untilMs };
      }),
    ]),
  );
}

/**
 * Instances with real guests first, then those with the most changes: an instance without changes needs no
 * lane.
 */
export function instanceLanes(axis: Axis, y: number, { facts }: Records): Drawing {
  const bands = bandsOf(facts, axis.untilMs);
  const processes = processSpans(facts, axis.untilMs);
  const rank = (id: string) => (processes.has(id) ? 1_000_000 : 0) + (bands.get(id)?.length ?? 0);
  const shown = [...bands.keys()].sort((left, right) => rank(right) - rank(left)).slice(0, lanesMax);
  const parts = shown.flatMap((id, index) => {
    const top = y + index * laneHeight;
    return [
      words(axis.left - 6, top + 8, `…${id.slice(-12)}`, 'font-size="8" text-anchor="end"'),
      ...(bands.get(id) ?? []).map(({ state, atMs, untilMs }) => {
        const x = axis.x(atMs);
        const place = { x, y: top + 1, width: axis.x(untilMs) - x, height: laneHeight - 5 };
        return box(place, `fill="${fills[state]}"`, `${id}: ${state}`);
      }),
      ...(processes.get(id) ?? []).map(({ pid, atMs, untilMs }) => {
        const x = axis.x(atMs);
        const place = { x, y: top + laneHeight - 4, width: Math.max(1, axis.x(untilMs) - x), height: 1.6 };
        return box(place, 'fill="#222"', `QEMU, pid ${pid}`);
      }),
    ];
  });
  const rest = bands.size - shown.length;
  const height = shown.length * laneHeight + (rest > 0 ? 12 : 0);
  if (rest > 0) {
    parts.push(words(axis.left, y + height - 2, `and ${rest} more, in the sum above`, 'class="small"'));
  }
  return { height, text: parts.join("\n") };
}

function processSpans(facts: readonly Fact[], untilMs: number) {
  const spans = new Map<string, { pid: number; atMs: number; untilMs: number }[]>();
  for (const fact of facts) {
    if (fact.kind === "guestStarted") {
      const { instanceId, pid, atMs } = fact;
      spans.set(instanceId, [...(spans.get(instanceId) ?? []), { pid, atMs, untilMs }]);
    }
    if (fact.kind !== "guestEnded") continue;
    const open = spans.get(fact.instanceId)?.findLast(({ pid }) => pid === fact.pid);
    if (open !== undefined) open.untilMs = fact.atMs;
  }
  return spans;
}

const bins = 240;
const sumHeight = 70;
const stacked = instanceStates.filter((state) => state !== "deleted");

/** The number of instances in each state, stacked. */
export function summedLane(axis: Axis, y: number, { facts }: Records): Drawing {
  const bands = [...bandsOf(facts, axis.untilMs).values()].flat();
  if (bands.length === 0) return { height: 0, text: "" };
  const span = Math.max(1, axis.untilMs - axis.fromMs);
  const middles = Array.from({ length: bins }, (_, bin) => axis.fromMs + ((bin + 0.5) / bins) * span);
  const counts = middles.map((atMs) => {
    const now = bands.filter((band) => band.atMs <= atMs && band.untilMs > atMs);
    return stacked.map((state) => now.filter((band) => band.state === state).length);
  });
  const most = Math.max(1, ...counts.map((ofBin) => ofBin.reduce((sum, count) => sum + count, 0)));
  const parts = [words(axis.left - 6, y + 9, `up to ${most}`, 'class="small" text-anchor="end"')];
  for (const [bin, ofBin] of counts.entries()) {
    let bottom = y + sumHeight;
    for (const [index, count] of ofBin.entries()) {
      const height = (count / most) * sumHeight;
      bottom -= height;
      const state = stacked[index];
      if (count === 0 || state === undefined) continue;
      const place = {
        x: axis.left + (bin / bins) * axis.width,
        y: bottom,
        width: axis.width / bins + 0.2,
        height,
      };
      parts.push(box(place, `fill="${fills[state]}"`, `${count} ${state}`));
    }
  }
  return { height: sumHeight, text: parts.join("\n") };
}

export function stateLegend(left: number, y: number, right: number): Drawing {
  let x = left;
  let top = y;
  const parts: string[] = [];
  for (const state of instanceStates) {
    const wide = 26 + state.length * 5.5;
    if (x + wide > right) {
      x = left;
      top += 14;
    }
    parts.push(
      box({ x, y: top, width: 14, height: 9 }, `fill="${fills[state]}" stroke="#999" stroke-width="0.4"`),
    );
    parts.push(words(x + 17, top + 8, state, 'class="small"'));
    x += wide;
  }
  return { height: top - y + 14, text: parts.join("") };
}
