/**
 * The simulator's command line. A mutation must be installed before the mutated file is loaded, so that
 * product code is never imported here.
 */
import { optionsOf, UsageError, usage } from "./main-options.ts";
import { installMutant, mutantNamed } from "./mutate.ts";

async function main(argv: readonly string[]): Promise<number> {
  const options = optionsOf(argv);
  if (options === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  const { mode, mutant } = options;
  if (mutant !== undefined && isUnknown(mutant)) throw new UsageError(`There is no mutant ${mutant}.`);
  if (mutant !== undefined && mode === "one") installMutant(mutant);
  const { perform } = await import("./main-modes.ts");
  return perform(options);
}

function isUnknown(mutant: string): boolean {
  try {
    return mutantNamed(mutant) === undefined;
  } catch {
    return true;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  process.stderr.write(`${thrown.message}\n\n${usage}`);
  process.exitCode = 2;
}
