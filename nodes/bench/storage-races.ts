/**
 * Two instances on two hosts ask for one volume at once, again and again: one has it, the other hears who.
 * What is not so is told, not thrown.
 */
import type { Novact } from "../sdk/sdk.ts";
import { round, spread } from "./figures.ts";

export interface RacesOptions {
  readonly demo: Novact;
  /** Two, each on a host of its own. */
  readonly instanceIds: readonly string[];
  readonly races: number;
}

export async function races({ demo, instanceIds, races: count }: RacesOptions) {
  const { volume } = await demo.volume.create({ name: "raced-for", sizeGib: 1 });
  const problems: string[] = [];
  const wins: Record<string, number> = {};
  const tookMs: number[] = [];
  for (let race = 0; race < count; race += 1) {
    const startMs = performance.now();
    const { winner, found } = await raceOnce(demo, volume.id, instanceIds);
    tookMs.push(round(performance.now() - startMs));
    problems.push(...found.map((problem) => `race ${race + 1}: ${problem}`));
    if (winner === undefined) break;
    wins[winner] = (wins[winner] ?? 0) + 1;
    await demo.instance.volumeDetach(winner, { volume: volume.id, wait: true });
  }
  return { races: tookMs.length, wins: Object.values(wins), problems, tookMs: spread(tookMs) };
}

/** The winner has the volume attached. Undefined: nobody has it. */
async function raceOnce(demo: Novact, volumeId: string, instanceIds: readonly string[]) {
  const asked = await Promise.allSettled(
    instanceIds.map((id) => demo.instance.volumeAttach(id, { volume: volumeId, wait: true })),
  );
  const winners = instanceIds.filter((_, index) => asked[index]?.status === "fulfilled");
  const [winner] = winners;
  const found: string[] = [];
  if (winners.length !== 1) found.push(`${winners.length} of ${instanceIds.length} had it`);
  for (const one of asked) {
    if (one.status === "fulfilled" && one.value.operation.state !== "done")
      found.push(`the winner's attach is ${JSON.stringify(one.value.operation)}`);
    if (one.status === "fulfilled") continue;
    const { reason, message } = Object(one.reason);
    if (reason !== "inUse" || winner === undefined || !String(message).includes(winner))
      found.push(`the other heard ${reason}: ${message}`);
  }
  const { volume } = await demo.volume.get(volumeId, {});
  if (volume.instanceId !== (winner ?? null)) found.push(`its row has ${volume.instanceId}, not ${winner}`);
  return { winner, found };
}
