/**
 * Waits, for a bounded time, for user code that should end by itself. It must never swallow what that code
 * throws: a rejection is passed on, as long as somebody still waits for it.
 */
import type { Clock } from "../../protocol/wire/transport.ts";
import { actorLimits } from "./limits.ts";

/** False when the work had not settled after actorLimits.actorStopGraceMs. Rejects as the work does. */
export async function endsInTime(clock: Clock, work: Promise<void>): Promise<boolean> {
  const patience = Promise.withResolvers<false>();
  const timer = clock.after(actorLimits.actorStopGraceMs, () => patience.resolve(false));
  try {
    return await Promise.race([work.then(() => true), patience.promise]);
  } finally {
    timer.cancel();
  }
}
