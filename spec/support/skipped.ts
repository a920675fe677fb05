/**
 * Reasons of skipped specs: recorded when a spec is skipped (services.ts), read when they are counted
 * (summary-reporter.ts).
 */
const reasons = new Map<string, string>();

/** Remembers the reason for everything below a suite, or for one test. */
export function noteSkip(title: string, reason: string): void {
  reasons.set(title, reason);
}

/** The reason that was given for a test or for a suite around it; `titles` from the outermost to the test. */
export function skipReason(titles: readonly string[]): string {
  for (let length = titles.length; length > 0; length -= 1) {
    const reason = reasons.get(titles.slice(0, length).join(" "));
    if (reason !== undefined) return reason;
  }
  return "it says no reason";
}
