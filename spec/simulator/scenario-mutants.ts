/**
 * The gauntlet of famous bugs: each scenario with a mutant must fail when its guard is switched off.
 * `node spec/simulator/scenario-mutants.ts [name…]` prints scenario, source, mutant and how it failed.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { readScenario, scenarioNames } from "./scenario-files.ts";

const run = promisify(execFile);
const atOnce = 2;

/** How the scenario failed with its mutant; undefined: it did not. @throws when the mutant does not fit */
export async function failureOf(name: string): Promise<string | undefined> {
  const child = new URL("./scenario-mutant-child.ts", import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [child, name], { timeout: 60_000 });
  return stdout.trim() === "" ? undefined : stdout.trim();
}

async function printTable(names: readonly string[]): Promise<boolean> {
  const left = [...names];
  let well = true;
  const work = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const { source, mutant } = readScenario(name);
      const failure = await failureOf(name).catch((thrown: Error) => `could not run: ${thrown.message}`);
      const killed = failure !== undefined && !failure.startsWith("could not run");
      well &&= killed;
      console.log(
        `${killed ? "killed " : "ALIVE  "} ${name}\n    source  ${source}\n    mutant  ${mutant?.file}`,
      );
      console.log(`    failed  ${failure ?? "not at all"}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return well;
}

if (import.meta.main) {
  const given = process.argv.slice(2);
  const names = given.length > 0 ? given : scenarioNames().filter((name) => readScenario(name).mutant);
  process.exitCode = (await printTable(names)) ? 0 : 1;
}
