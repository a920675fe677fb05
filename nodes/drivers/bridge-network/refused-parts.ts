/**
 * Finds the few parts for which the kernel refuses a script that is about many: it is asked about halves of
 * those that it refuses. Which question is asked of the kernel is its caller's.
 */

/** What the kernel says of a script about these parts; undefined: it takes the script. */
export type Trial<T> = (parts: readonly T[]) => Promise<string | undefined>;

/**
 * The parts that are refused, and what was said of them. Parts with one cause should be neighbours. After so
 * many questions those that were not told apart count as refused together.
 */
export async function refusedParts<T>(
  all: readonly T[],
  trial: Trial<T>,
  trialsMax: number,
): Promise<ReadonlyMap<T, string>> {
  const refused = new Map<T, string>();
  const halves = [all];
  for (let asked = 0; ; ) {
    const parts = halves.shift();
    if (parts === undefined) return refused;
    const isAsked = parts.length > 0 && asked < trialsMax;
    if (isAsked) asked += 1;
    const why = isAsked ? await trial(parts) : "It was not told apart from others that are refused.";
    if (why === undefined || parts.length === 0) continue;
    if (parts.length === 1 || !isAsked) for (const part of parts) refused.set(part, why);
    else halves.push(...halvesOf(parts));
  }
}

function halvesOf<T>(parts: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(parts.length / 2);
  return [parts.slice(0, middle), parts.slice(middle)];
}
