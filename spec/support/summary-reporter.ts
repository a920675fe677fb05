/**
 * Mocha's own reporter, which also writes counts and the reasons of skips to a file: `npm test` adds them up.
 */
import { writeFileSync } from "node:fs";
import Mocha from "mocha";
import { skipReason } from "./skipped.ts";

/** The file's content, as JSON. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly title: string; readonly reason: string }[];
}

export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    let passed = 0;
    let failed = 0;
    const skipped: { title: string; reason: string }[] = [];
    runner.on("pass", () => {
      passed += 1;
    });
    runner.on("fail", () => {
      failed += 1;
    });
    runner.on("pending", (test) => {
      skipped.push({ title: test.fullTitle(), reason: skipReason(test.titlePath()) });
    });
    runner.on("end", () => {
      const file: unknown = options.reporterOptions?.summary;
      const summary: Summary = { passed, failed, skipped };
      if (typeof file === "string") writeFileSync(file, JSON.stringify(summary));
    });
  }
}
