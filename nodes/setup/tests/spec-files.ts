/** The specs of the project by mocha's configuration: those that mocha runs, and those that it ignores. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const project = join(import.meta.dirname, "..", "..", "..");

export interface MochaConfig {
  readonly spec: readonly string[];
  readonly ignore: readonly string[];
  readonly [option: string]: unknown;
}

/** The project's own. */
export const mochaConfig = (): MochaConfig =>
  JSON.parse(readFileSync(join(project, ".mocharc.json"), "utf8"));

const matching = (patterns: readonly string[], without: readonly string[]): readonly string[] =>
  globSync([...patterns], { cwd: project, exclude: ["**/node_modules/**", ...without] }).sort();

/** Specs without servers. */
export const specFiles = ({ spec, ignore }: MochaConfig): readonly string[] => matching(spec, ignore);

/** Specs with real servers and guests. */
export const liveFiles = ({ ignore }: MochaConfig): readonly string[] =>
  matching(
    ignore.map((pattern) => join(pattern, "*.spec.ts")),
    [],
  );
