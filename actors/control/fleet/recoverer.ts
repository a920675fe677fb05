/**
 * The recoverer looks for instances that can start elsewhere because their host is fenced, highest priority
 * first, and tells their actors. It decides nothing and proves nothing: the actor's commit rests on the
 * fence. The number of recoveries under way is limited, and none begins while the brake is on.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import { type PeriodicActor, periodicActor, type Round } from "../../runtime/periodic.ts";
import { fleetLimits } from "./limits.ts";

export interface RecovererOptions {
  readonly store: Pick<Store, "listToRecover">;
  readonly braked: () => boolean;
  readonly recover: (instanceId: string) => void;
}

export function recovererDefinition(options: RecovererOptions): PeriodicActor<null> {
  return periodicActor<null>({
    name: "recoverer",
    periodMs: fleetLimits.recoveryPeriodMs,
    begin: () => null,
    round: async (_state, { log }, { fail }) => {
      await round(options, { log, fail });
      return null;
    },
  });
}

interface Around extends Round {
  readonly log: Log;
}

async function round({ store, braked, recover }: RecovererOptions, { log, fail }: Around): Promise<void> {
  if (braked()) return;
  try {
    for (const id of await store.listToRecover(fleetLimits.recoveriesAtOnceMax)) recover(id);
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking for instances to recover");
    log.warn({ reason, message }, "a round of the recoverer was cut short");
    fail();
  }
}
