/**
 * Two tenants who ask for little while a third one floods the cluster: a list and a get, in turn, at a fixed
 * pace. The pace does not wait for answers, so that slow answers do not make fewer questions.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Novact, StatusError } from "../sdk/sdk.ts";
import { type Spread, spread } from "./figures.ts";

const perSecond = 20;
const deadlineMs = 10_000;
/** When so many are not answered, no more are asked: the deadline has counted them already. */
const underWayMax = deadlineMs * perSecond * 2;

export interface Suffered {
  readonly asked: number;
  readonly latencyMs: Spread;
  /** Questions without a good answer, by the reason. */
  readonly failed: Readonly<Record<string, number>>;
}

export interface Victim {
  readonly novact: Novact;
  readonly instances: readonly string[];
}

/** Asks until the signal; resolves when everything is answered or its deadline has passed. */
export async function suffer(victims: readonly Victim[], ending: AbortSignal): Promise<Suffered> {
  const samples: number[] = [];
  const failed: Record<string, number> = {};
  const underWay = new Set<Promise<void>>();
  let asked = 0;
  const ask = async ({ novact, instances }: Victim, turn: number): Promise<void> => {
    const startMs = performance.now();
    const id = instances[turn % Math.max(1, instances.length)];
    const options = { timeoutMs: deadlineMs };
    try {
      if (turn % 2 === 0 || id === undefined) await novact.instance.list({ limit: 20 }, options);
      else await novact.instance.get(id, {}, options);
      samples.push(performance.now() - startMs);
    } catch (error) {
      const { reason } = StatusError.from(error, "A victim's question");
      failed[reason] = (failed[reason] ?? 0) + 1;
    }
  };
  const startMs = performance.now();
  for (let turn = 0; !ending.aborted; turn += 1) {
    for (const victim of victims) {
      if (underWay.size >= underWayMax) continue;
      asked += 1;
      const asking = ask(victim, turn);
      underWay.add(asking);
      void asking.finally(() => underWay.delete(asking));
    }
    const dueMs = startMs + ((turn + 1) * 1_000) / perSecond;
    await pause(Math.max(0, dueMs - performance.now()), undefined, { signal: ending }).catch(() => undefined);
  }
  await Promise.all(underWay);
  return { asked, latencyMs: spread(samples), failed };
}
