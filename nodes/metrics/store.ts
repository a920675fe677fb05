/** Gives the names of metrics to what the store on PostgreSQL says of itself. */
import type { Meter } from "../../actors/runtime/meter.ts";
import type { StoreMeter } from "../../db/postgres/store-meter.ts";

/** Undefined: nobody counts. */
export function meterStore(meter: Meter): StoreMeter | undefined {
  if (!meter.on) return undefined;
  return {
    sent: (waitedMs) => {
      for (const ms of waitedMs) meter.time("novact_commit_line_seconds", {}, ms);
    },
    answered: (commits, tookMs) => {
      meter.size("novact_commit_batch_commits", {}, commits);
      meter.time("novact_commit_batch_seconds", {}, tookMs);
    },
    look: (read) => {
      meter.look("novact_commits_waiting", () => [[{}, read().commitsWaiting]]);
      meter.look("novact_postgres_waiting", () => [[{}, read().statementsWaiting]]);
      meter.look("novact_postgres_connections", () => {
        const { connectionsUsed, connectionsIdle } = read();
        return [
          [{ state: "used" }, connectionsUsed],
          [{ state: "idle" }, connectionsIdle],
        ];
      });
    },
  };
}
