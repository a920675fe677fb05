/**
 * Performs scenarios by hand (`npm run scenarios`): prints each log, says where it is not the expected one,
 * and with `--write` writes it down as that.
 */
import { parseArgs } from "node:util";
import { UsageError } from "./main-options.ts";
import { firstDifference } from "./scenario-difference.ts";
import { expectOf, readScenario, scenarioNames } from "./scenario-files.ts";
import { performScenario } from "./scenario-run.ts";

const usage = `Usage: npm run scenarios -- [options] [NAME ...]

Without a name all scenarios are performed; with names their logs are printed as well.
  --write             writes each log down as the expected one
  --trace             prints the whole trace
  --list              performs nothing: names the scenarios
  --help, -h          this text
`;

const flags = {
  write: { type: "boolean", default: false },
  trace: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** @throws UsageError */
function asked(argv: readonly string[]) {
  const { values, positionals: named } = parsed(argv);
  const known = scenarioNames();
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no scenario ${unknown}; --list names them.`);
  return { ...values, named, known };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags, allowPositionals: true });
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

async function perform({ named, known, write, trace }: ReturnType<typeof asked>): Promise<number> {
  let failures = 0;
  for (const name of named.length > 0 ? named : known) {
    const scenario = readScenario(name);
    const show = trace ? (line: string) => console.log(line) : undefined;
    const { log, violations } = await performScenario(scenario, show);
    const difference = firstDifference(scenario.expected, log);
    if (named.length > 0) for (const line of log) console.log(line);
    if (write) expectOf(name, log);
    const broken = violations.map(({ promise, message }) => `${promise} is broken: ${message}`);
    const wrong = [...broken, ...(write || difference === undefined ? [] : [difference])];
    const verdict = wrong.length === 0 ? "well " : "WRONG";
    console.log(`${verdict} ${name}${wrong.map((what) => `\n      ${what}`).join("")}`);
    if (wrong.length > 0) failures += 1;
  }
  return failures === 0 ? 0 : 1;
}

async function main(argv: readonly string[]): Promise<number> {
  const request = asked(argv);
  if (request.help) process.stdout.write(usage);
  else if (request.list) for (const name of request.known) console.log(name);
  else return perform(request);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  process.stderr.write(`${thrown.message}\n\n${usage}`);
  process.exitCode = 2;
}
