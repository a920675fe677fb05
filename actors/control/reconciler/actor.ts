/**
 * The reconciler: finds instances that are not as they were asked for, and nudges their actors. It takes no
 * input and decides nothing: an instance that is not settled, or has an operation under way, is told to look
 * at itself. Lost messages, crashed actors, restarted controllers and passed deadlines all end here. Every
 * controller runs a reconciler; nudging an instance twice is harmless.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Store, StorePart } from "../../ports/store.ts";
import { type PeriodicActor, periodicActor, type Round, type Tick } from "../../runtime/periodic.ts";
import type { ActorContext } from "../../runtime/system.ts";
import { reconcilerLimits } from "./limits.ts";

export interface ReconcilerOptions {
  readonly store: StorePart<{ instances: "unsettled" }> & Pick<Store, "prune">;
  readonly nudge: (instanceId: string) => void;
}

interface ReconcilerState {
  /** Where the next round begins; undefined: at the beginning. */
  readonly marker: string | undefined;
  readonly prunedAtMs: number;
}

export function reconcilerDefinition(options: ReconcilerOptions): PeriodicActor<ReconcilerState> {
  return periodicActor<ReconcilerState>({
    name: "reconciler",
    pauseMs: () => reconcilerLimits.reconcilePeriodMs,
    begin: ({ clock }) => ({ marker: undefined, prunedAtMs: clock.monotonicMs() }),
    round: (state, { clock, log }, one) => round(state, options, { clock, log, ...one }),
  });
}

interface Around extends Pick<ActorContext<Tick>, "clock" | "log">, Round {}

async function round(
  state: ReconcilerState,
  { store, nudge }: ReconcilerOptions,
  around: Around,
): Promise<ReconcilerState> {
  try {
    const marker = state.marker === undefined ? {} : { marker: state.marker };
    const ids = await store.instances.unsettled({ limit: reconcilerLimits.reconcileBatchMax, ...marker });
    if (around.signal.aborted) return state;
    for (const id of ids) nudge(id);
    around.did(`${ids.length} instances nudged`);
    const more = ids.length === reconcilerLimits.reconcileBatchMax;
    return { marker: more ? ids.at(-1) : undefined, prunedAtMs: await pruned(state, store, around) };
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking for unsettled instances");
    around.log.warn({ reason, message }, "a round of the reconciler was cut short");
    around.fail();
    return state;
  }
}

async function pruned(
  { prunedAtMs }: ReconcilerState,
  store: ReconcilerOptions["store"],
  { clock, log }: Around,
): Promise<number> {
  const nowMs = clock.monotonicMs();
  if (nowMs - prunedAtMs < reconcilerLimits.prunePeriodMs) return prunedAtMs;
  const rows = await store.prune(clock.nowMs());
  if (rows > 0) log.info({ rows }, "old rows were removed");
  return nowMs;
}
