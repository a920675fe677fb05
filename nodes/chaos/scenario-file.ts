/** Reads and checks a scenario, given by its name or its file. */
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { parseScenario, type Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

/** The scenario does not exist or is wrong; the message is for people and names file and line. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
  readonly code = "INVALID_ARGUMENT";
}

/** The scenario of that name or file. @throws ScenarioError */
export function scenarioOf(named: string): { readonly name: string; readonly scenario: Scenario } {
  const known = scenarios[named];
  if (known !== undefined) return { name: named, scenario: known };
  const file = resolve(named);
  if (!existsSync(file)) {
    const names = Object.keys(scenarios).join(", ");
    throw new ScenarioError(`${named} is neither a file nor a scenario. There are: ${names}.`);
  }
  const parsed = parseScenario(readFileSync(file, "utf8"));
  if (parsed.ok) return { name: basename(file), scenario: parsed.value };
  throw new ScenarioError(
    parsed.findings.map(({ line, message }) => `${named}:${line}: ${message}`).join("\n"),
  );
}
