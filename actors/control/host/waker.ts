/**
 * The waker looks for hosts that are drained, or have an operation under way, and tells their actors to go
 * on. It decides nothing. A controller that dies is missed by nobody: the wakers of the others find its
 * hosts.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { StorePart } from "../../ports/store.ts";
import { type PeriodicActor, periodicActor, type Round } from "../../runtime/periodic.ts";
import { hostLimits } from "./limits.ts";

export interface WakerOptions {
  readonly store: StorePart<{ hosts: "atWork" }>;
  readonly wake: (hostId: string) => void;
}

export function wakerDefinition(options: WakerOptions): PeriodicActor<null> {
  return periodicActor<null>({
    name: "waker",
    pauseMs: () => hostLimits.wakePeriodMs,
    begin: () => null,
    round: async (_state, { log }, one) => {
      await round(options, { log, ...one });
      return null;
    },
  });
}

async function round(
  { store, wake }: WakerOptions,
  { log, fail, did, signal }: Round & { readonly log: Log },
): Promise<void> {
  let woken = 0;
  try {
    const limit = wireLimits.pageLengthMax;
    for (let marker: string | undefined = ""; marker !== undefined; ) {
      const ids: readonly string[] = await store.hosts.atWork({ limit, marker });
      if (signal.aborted) return;
      for (const id of ids) wake(id);
      woken += ids.length;
      marker = ids.length < limit ? undefined : ids.at(-1);
    }
    did(`${woken} hosts woken`);
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking for hosts at work");
    log.warn({ reason, message }, "a round of the waker was cut short");
    fail();
  }
}
