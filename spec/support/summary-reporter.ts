/**
 * Mocha's own reporter, which also writes counts and the reasons of failures and skips to a file: `npm test`
 * adds them up.
 */
import { writeFileSync } from "node:fs";
import Mocha from "mocha";
import { skipReason } from "./skipped.ts";

/** The file's content, as JSON. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly TitledReason[];
  readonly skipped: readonly TitledReason[];
}

export interface TitledReason {
  readonly title: string;
  readonly reason: string;
}

export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    let passed = 0;
    const failures: TitledReason[] = [];
    const skipped: TitledReason[] = [];
    runner.on("pass", () => {
      passed += 1;
    });
    runner.on("fail", (test, error: Error) => {
      failures.push({ title: test.fullTitle(), reason: firstLine(error.message) });
    });
    runner.on("pending", (test) => {
      skipped.push({ title: test.fullTitle(), reason: skipReason(test.titlePath()) });
    });
    runner.on("end", () => {
      const file: unknown = options.reporterOptions?.summary;
      const summary: Summary = { passed, failed: failures.length, failures, skipped };
      if (typeof file === "string") writeFileSync(file, JSON.stringify(summary));
    });
  }
}

const firstLine = (text: string) => text.trimStart().split("\n", 1)[0] ?? "";
