/**
 * Proposes a rebalance of hosts as just read, apart from the scheduler's actor: it may compute for seconds,
 * and no placement shall wait for that. Pure.
 */
import type { HostRecord } from "../../records/host.ts";
import { decide } from "./decide.ts";
import { type Rebalance, type RebalanceQuestion, rebalance } from "./rebalance.ts";
import type { Scheduler } from "./schedule.ts";
import { emptyState } from "./state.ts";

export interface Proposing extends Pick<RebalanceQuestion, "instances" | "limits"> {
  readonly hosts: readonly HostRecord[];
}

export function proposal(
  scheduler: Scheduler,
  { hosts, instances, limits }: Proposing,
  now: { readonly atMs: number; readonly wallMs: number },
): Rebalance {
  const { atMs, wallMs } = now;
  const read = { kind: "refresh", hosts, readAtMs: atMs, wallMs } as const;
  const state = decide(scheduler, emptyState(), read, atMs).next;
  return rebalance({ scheduler, state, instances, limits, atMs });
}
