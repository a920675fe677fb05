/**
 * The recoverer looks for instances that can start elsewhere because their host is fenced, highest priority
 * first, and tells their actors. It decides nothing and proves nothing: the actor's commit rests on the
 * fence. The number of recoveries under way is limited, and none begins while the brake is on.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { StorePart } from "../../ports/store.ts";
import { type PeriodicActor, periodicActor, type Round } from "../../runtime/periodic.ts";
import { fleetLimits } from "./limits.ts";

export interface RecovererOptions {
  readonly store: StorePart<{ instances: "toRecover" }>;
  readonly braked: () => boolean;
  readonly recover: (instanceId: string) => void;
}

export function recovererDefinition(options: RecovererOptions): PeriodicActor<null> {
  return periodicActor<null>({
    name: "recoverer",
    pauseMs: () => fleetLimits.recoveryPeriodMs,
    begin: () => null,
    round: async (_state, { log }, one) => {
      await round(options, { log, ...one });
      return null;
    },
  });
}

interface Around extends Round {
  readonly log: Log;
}

async function round({ store, braked, recover }: RecovererOptions, around: Around): Promise<void> {
  const { log, fail, did, signal } = around;
  if (braked()) return did("nothing: the brake is on");
  try {
    const ids = await store.instances.toRecover(fleetLimits.recoveriesAtOnceMax);
    if (signal.aborted) return;
    for (const id of ids) recover(id);
    did(`${ids.length} instances told to recover`);
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking for instances to recover");
    log.warn({ reason, message }, "a round of the recoverer was cut short");
    fail();
  }
}
