/** The scenarios that lie in spec/simulator/scenarios. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseScenario, type Scenario, withExpected } from "./scenario-format.ts";

const directory = new URL("./scenarios", import.meta.url);
const ending = ".scenario";

export interface ScenarioFile {
  readonly name: string;
  readonly scenario: Scenario;
}

export function scenarioNames(): readonly string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();
}

export function readScenario(name: string): Scenario {
  return parseScenario(readFileSync(new URL(name + ending, directory), "utf8"));
}

/** Writes the log down as the one that is expected. */
export function expectOf(name: string, log: readonly string[]): void {
  const file = new URL(name + ending, directory);
  writeFileSync(file, withExpected(readFileSync(file, "utf8"), log));
}
