/**
 * How much more has passed all ports of a host since the reading before, as sums. A count that is lower than
 * before has begun anew with its port or its switch; a port that was not there has begun at zero. What nobody
 * counts is in no sum. Pure.
 */
import type { PortTraffic } from "../../../protocol/traffic.ts";

/** As the guests see it. */
export type Direction = "in" | "out";
export type DropWhy = "rule" | "limit" | "forged" | "other";

export interface Rises {
  readonly packets: readonly (readonly [Direction, number])[];
  readonly bytes: readonly (readonly [Direction, number])[];
  readonly dropped: readonly (readonly [Direction, DropWhy, number])[];
}

const whys = ["rule", "limit", "forged", "other"] as const satisfies readonly DropWhy[];

export function risesOf(before: readonly PortTraffic[], now: readonly PortTraffic[]): Rises {
  const known = new Map(before.map((one) => [one.portId, one]));
  const sum = (read: (port: PortTraffic) => number | null): number | null => {
    const rises = now.flatMap((port) => riseOf(read(port), known.get(port.portId), read) ?? []);
    return rises.length === 0 ? null : rises.reduce((all, one) => all + one, 0);
  };
  const each = (field: "packets" | "bytes") => [
    ...pair(
      "in" as const,
      sum(({ ingress }) => ingress[field]),
    ),
    ...pair(
      "out" as const,
      sum(({ egress }) => egress[field]),
    ),
  ];
  return {
    ...{ packets: each("packets"), bytes: each("bytes") },
    dropped: whys.flatMap((why) => [
      ...triple("in", why, why === "forged" ? null : sum(({ ingress }) => ingress.dropped[why])),
      ...triple(
        "out",
        why,
        sum(({ egress }) => egress.dropped[why]),
      ),
    ]),
  };
}

function riseOf(
  count: number | null,
  before: PortTraffic | undefined,
  read: (port: PortTraffic) => number | null,
): number | undefined {
  if (count === null) return undefined;
  const last = (before === undefined ? 0 : read(before)) ?? 0;
  return count >= last ? count - last : count;
}

const pair = (direction: Direction, by: number | null) => (by === null ? [] : [[direction, by] as const]);
const triple = (direction: Direction, why: DropWhy, by: number | null) =>
  by === null ? [] : [[direction, why, by] as const];
