/** What became of work, for who goes on with other work first, and throws afterwards. */
export interface Result<T> {
  readonly value?: T;
  readonly error?: unknown;
}

export const resultOf = <T>(act: Promise<T>): Promise<Result<T>> =>
  act.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
