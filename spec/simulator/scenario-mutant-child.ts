/**
 * One scenario with its mutant: the text of one file is changed as it is loaded, in this process only, then
 * the scenario is performed. Says in one line how it failed, and nothing when it did not.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { firstDifference } from "./scenario-difference.ts";
import { readScenario } from "./scenario-files.ts";
import { mutated } from "./scenario-format.ts";

const name = process.argv[2] ?? "";
const scenario = readScenario(name);
const { mutant } = scenario;
if (mutant === undefined) throw new Error(`The scenario ${name} has no mutant.`);
const url = new URL(`../../${mutant.file}`, import.meta.url);
const source = mutated(mutant, readFileSync(url, "utf8"));
registerHooks({
  load: (loaded, context, next) =>
    loaded === pathToFileURL(url.pathname).href
      ? { format: "module-typescript", source, shortCircuit: true }
      : next(loaded, context),
});

const { performScenario } = await import("./scenario-run.ts");
const { log, violations } = await performScenario(scenario);
const [violation] = violations;
const difference = firstDifference(scenario.expected, log);
if (violation !== undefined) console.log(`${violation.promise} is broken: ${violation.message}`);
else if (difference !== undefined) console.log(difference);
