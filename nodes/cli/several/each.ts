/** Does the same for many, a few at a time. Pure but for what it is given to do. */
import { commandLimits } from "../limits.ts";

/** The outcomes, in the order of the items. One that fails stops no other. */
export async function eachOf<I, A>(
  items: readonly I[],
  deed: (item: I) => Promise<A>,
): Promise<readonly PromiseSettledResult<Awaited<A>>[]> {
  const outcomes: PromiseSettledResult<Awaited<A>>[] = [];
  const left = items.entries();
  const work = async (): Promise<void> => {
    for (const [at, item] of left) {
      const [outcome] = await Promise.allSettled([deed(item)]);
      outcomes[at] = outcome;
    }
  };
  await Promise.all(Array.from({ length: commandLimits.requestsAtOnce }, work));
  return outcomes;
}
