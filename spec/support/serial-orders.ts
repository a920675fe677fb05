/**
 * The serial orders of what several writers did at once: each writer's waves one after the other, the members
 * of one wave in any order, and the writers in between each other.
 */

/** Members by writer and wave. */
export type History<T> = readonly (readonly (readonly T[])[])[];

/** Every order, one after the other; there are many: histories must be small. */
export function* serialOrders<T>(history: History<T>): Generator<readonly T[]> {
  const open = history.map((waves) => waves.filter((wave) => wave.length > 0));
  if (open.every((waves) => waves.length === 0)) yield [];
  for (const [writer, waves] of open.entries()) {
    const [wave = [], ...later] = waves;
    for (const [n, first] of wave.entries()) {
      const rest = open.with(writer, [wave.toSpliced(n, 1), ...later]);
      for (const order of serialOrders(rest)) yield [first, ...order];
    }
  }
}
