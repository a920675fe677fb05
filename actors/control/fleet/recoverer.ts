/**
 * Looks for instances that can start elsewhere because their host is fenced, the most important first, and
 * tells their actors. It decides nothing and proves nothing: the actor's commit rests on the fence. Only so
 * many are under way at once, and none while the brake is on.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Store } from "../../ports/store.ts";
import type { ActorContext, ActorDefinition } from "../../runtime/system.ts";

export interface RecovererOptions {
  readonly store: Pick<Store, "listToRecover">;
  readonly braked: () => boolean;
  readonly recover: (instanceId: string) => void;
}

interface Tick {
  readonly kind: "tick";
}

export function recovererDefinition(options: RecovererOptions): ActorDefinition<null, Tick> {
  return {
    name: "recoverer",
    init: async (context) => {
      tickLater(context);
      return null;
    },
    receive: async (_state, _message, context) => {
      await round(options, context);
      tickLater(context);
      return null;
    },
  };
}

function tickLater(context: ActorContext<Tick>): void {
  const cancel = () => timer.cancel();
  const timer = context.clock.after(limits.recoveryPeriodMs, () => {
    context.signal.removeEventListener("abort", cancel);
    if (!context.signal.aborted) context.self.tell({ kind: "tick" });
  });
  context.signal.addEventListener("abort", cancel, { once: true });
}

async function round({ store, braked, recover }: RecovererOptions, { log }: ActorContext<Tick>) {
  if (braked()) return;
  try {
    for (const id of await store.listToRecover(limits.recoveriesAtOnceMax)) recover(id);
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking for instances to recover");
    log.warn({ reason, message }, "a round of the recoverer was cut short");
  }
}
