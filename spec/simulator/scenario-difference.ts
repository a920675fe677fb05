/** Where a log leaves the expected one. Pure. */
export function firstDifference(expected: readonly string[], log: readonly string[]): string | undefined {
  const [wanted, got] = [expected, log].map((lines) => lines.map((line) => line.trim()));
  const at = Math.max(wanted?.length ?? 0, got?.length ?? 0);
  for (let index = 0; index < at; index += 1) {
    const [one, other] = [wanted?.[index], got?.[index]];
    if (one !== other)
      return `Line ${index + 1} of the log is "${other ?? "missing"}", not "${one ?? "the end"}".`;
  }
  return undefined;
}
