/** Does jobs side by side, a few at once; each begins in its turn, as soon as there is a place. */

/** Answers what the jobs have answered, in the order of the jobs. */
export async function sideBySide<T>(jobs: readonly (() => Promise<T>)[], atOnce: number): Promise<T[]> {
  const answers: T[] = [];
  const waiting = [...jobs.entries()];
  const place = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, job] = next;
      answers[index] = await job();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, place));
  return answers;
}
