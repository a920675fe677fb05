/**
 * Reasons of skipped specs, for the last lines of `npm test`. A reason stands on what was skipped, a test or
 * a suite, as its property `skipReason`: so a package that imports nothing from here can give one as well.
 */

/** Notes the reason for one test, or for everything below a suite. */
export function noteSkip(skipped: Mocha.Runnable | Mocha.Suite, reason: string): void {
  Object.assign(skipped, { skipReason: reason });
}

/** The reason that was given for a test, or for the nearest suite around it. */
export function skipReason(test: Mocha.Runnable): string {
  let scope: Mocha.Runnable | Mocha.Suite | undefined = test;
  for (; scope !== undefined; scope = scope.parent)
    if ("skipReason" in scope && typeof scope.skipReason === "string") return scope.skipReason;
  return "it says no reason";
}
