/**
 * What several processes show of themselves in the same way: loops, file systems and calls, under the names
 * of their metrics.
 */
import type { Space } from "../../protocol/space.ts";
import type { CallMeter } from "../../protocol/wire/transport.ts";
import type { Meter } from "./meter.ts";
import type { LabelsOf } from "./metrics.ts";
import type { Loop } from "./periodic.ts";

/** Shows when each of these loops had its last round. */
export function meterLoops(
  meter: Meter,
  clock: { monotonicMs(): number },
  loops: () => Iterable<Loop>,
): void {
  const each = (read: (last: NonNullable<Loop["last"]>) => number) => () =>
    [...loops()].flatMap(({ name: loop, last }) =>
      last === undefined ? [] : [[{ loop }, read(last)] as const],
    );
  meter.look(
    "novact_loop_ended_seconds",
    each(({ beganAtMs, tookMs }) => (clock.monotonicMs() - beganAtMs - tookMs) / 1_000),
  );
  meter.look(
    "novact_loop_took_seconds",
    each(({ tookMs }) => tookMs / 1_000),
  );
  meter.look(
    "novact_loop_failed",
    each(({ failed }) => Number(failed)),
  );
}

const bytesPerMib = 1024 * 1024;

/** Shows the room on file systems. */
export function meterSpaces(meter: Meter, spaces: () => readonly Space[]): void {
  const each = (read: (space: Space) => number) => () =>
    spaces().map((space) => [{ of: space.of }, read(space)] as const);
  meter.look(
    "novact_file_system_free_bytes",
    each(({ freeMib }) => freeMib * bytesPerMib),
  );
  meter.look(
    "novact_file_system_size_bytes",
    each(({ totalMib }) => totalMib * bytesPerMib),
  );
  meter.look(
    "novact_file_system_full",
    each(({ full }) => Number(full)),
  );
}

/** Counts the calls of one server. */
export function meterCalls(meter: Meter, door: LabelsOf<"novact_calls_kept_out_total">["door"]): CallMeter {
  meter.zero("novact_calls_kept_out_total");
  return {
    answered: (method = "unknown", code, tookMs) => {
      meter.count("novact_calls_total", { method, code });
      meter.time("novact_call_seconds", { method }, tookMs);
    },
    keptOut: (how) => meter.count("novact_calls_kept_out_total", { door, how }),
  };
}
