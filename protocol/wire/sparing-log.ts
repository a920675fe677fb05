/**
 * A log for lines that a sender can cause: of each kind only so many are written in a period, and the first
 * of the next period says how many were left out. So nobody can write evidence out of the bounded log files
 * by making the server repeat itself.
 *
 * A kind is a message's constant text; its fields may be anything. Debug lines are not limited: the log level
 * keeps them out unless an operator asks for them.
 */
import { admissionLimits } from "../limits/admission.ts";
import { wireLimits } from "../limits/wire.ts";
import type { Clock, Log } from "./transport.ts";

interface Kind {
  sinceMs: number;
  lines: number;
  leftOut: number;
}

export function sparing(log: Log, clock: Pick<Clock, "monotonicMs">): Log {
  const kinds = new Map<string, Kind>();
  const write =
    (level: keyof Log) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      const nowMs = clock.monotonicMs();
      const kind = kinds.get(message) ?? { sinceMs: nowMs, lines: 0, leftOut: 0 };
      kinds.set(message, kind);
      const { leftOut } = kind;
      if (nowMs - kind.sinceMs >= wireLimits.sameLinePeriodMs)
        Object.assign(kind, { sinceMs: nowMs, lines: 0, leftOut: 0 });
      if (kind.lines >= admissionLimits.linesOfOneKindMax) {
        kind.leftOut += 1;
        return;
      }
      kind.lines += 1;
      const told = kind.lines === 1 && leftOut > 0 ? { ...fields, moreLines: leftOut } : fields;
      log[level](told, message);
    };
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
}
