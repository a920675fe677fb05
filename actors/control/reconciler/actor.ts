/**
 * Finds what is not as it was asked for, and nudges its actor. It takes no input and decides nothing: an
 * instance that is not settled, or has an operation under way, is told to look at itself. Lost messages,
 * crashed actors, restarted controllers and passed deadlines all end here. Every controller runs one; doing
 * it twice is harmless.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Store } from "../../ports/store.ts";
import type { ActorContext, ActorDefinition } from "../../runtime/system.ts";

export interface ReconcilerOptions {
  readonly store: Pick<Store, "listUnsettled" | "prune">;
  readonly nudge: (instanceId: string) => void;
}

type ReconcilerMessage = { readonly kind: "tick" };

interface ReconcilerState {
  /** Where the next round begins; undefined: at the beginning. */
  readonly marker: string | undefined;
  readonly prunedAtMs: number;
}

export function reconcilerDefinition(
  options: ReconcilerOptions,
): ActorDefinition<ReconcilerState, ReconcilerMessage> {
  return {
    name: "reconciler",
    init: async (context) => {
      tickLater(context);
      return { marker: undefined, prunedAtMs: context.clock.monotonicMs() };
    },
    receive: async (state, _message, context) => {
      const next = await round(state, options, context);
      tickLater(context);
      return next;
    },
  };
}

function tickLater(context: ActorContext<ReconcilerMessage>): void {
  const cancel = () => timer.cancel();
  const timer = context.clock.after(limits.reconcilePeriodMs, () => {
    context.signal.removeEventListener("abort", cancel);
    if (!context.signal.aborted) context.self.tell({ kind: "tick" });
  });
  context.signal.addEventListener("abort", cancel, { once: true });
}

async function round(
  state: ReconcilerState,
  { store, nudge }: ReconcilerOptions,
  context: ActorContext<ReconcilerMessage>,
): Promise<ReconcilerState> {
  try {
    const marker = state.marker === undefined ? {} : { marker: state.marker };
    const ids = await store.listUnsettled({ limit: limits.reconcileBatchMax, ...marker });
    for (const id of ids) nudge(id);
    const more = ids.length === limits.reconcileBatchMax;
    return { marker: more ? ids.at(-1) : undefined, prunedAtMs: await pruned(state, store, context) };
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking for unsettled instances");
    context.log.warn({ reason, message }, "a round of the reconciler was cut short");
    return state;
  }
}

async function pruned(
  { prunedAtMs }: ReconcilerState,
  store: ReconcilerOptions["store"],
  { clock, log }: ActorContext<ReconcilerMessage>,
): Promise<number> {
  const nowMs = clock.monotonicMs();
  if (nowMs - prunedAtMs < limits.prunePeriodMs) return prunedAtMs;
  const rows = await store.prune(clock.nowMs());
  if (rows > 0) log.info({ rows }, "old rows were removed");
  return nowMs;
}
