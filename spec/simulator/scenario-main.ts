/**
 * Performs scenarios by hand: `node spec/simulator/scenario-main.ts [--write] [--trace] [name…]` prints each
 * log, says where it is not the expected one, and with `--write` writes it down as that.
 */
import { firstDifference } from "./scenario-difference.ts";
import { expectOf, readScenario, scenarioNames } from "./scenario-files.ts";
import { performScenario } from "./scenario-run.ts";

const given = process.argv.slice(2);
const [write, trace] = ["--write", "--trace"].map((flag) => given.includes(flag));
const named = given.filter((one) => !one.startsWith("--"));
let failures = 0;

for (const name of named.length > 0 ? named : scenarioNames()) {
  const scenario = readScenario(name);
  const { log, violations } = await performScenario(
    scenario,
    trace ? (line) => console.log(line) : undefined,
  );
  const difference = firstDifference(scenario.expected, log);
  if (named.length > 0) for (const line of log) console.log(line);
  if (write) expectOf(name, log);
  const broken = violations.map(({ promise, message }) => `${promise} is broken: ${message}`);
  const wrong = [...broken, ...(write || difference === undefined ? [] : [difference])];
  console.log(
    `${wrong.length === 0 ? "well " : "WRONG"} ${name}${wrong.map((what) => `\n      ${what}`).join("")}`,
  );
  if (wrong.length > 0) failures += 1;
}
process.exitCode = failures === 0 ? 0 : 1;
