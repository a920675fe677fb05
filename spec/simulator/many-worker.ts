/** A child process that runs plans as they come, one after the other, with one mutation or none. */
import type { Plan } from "./plan.ts";

export interface Job {
  readonly number: number;
  readonly plan: Plan;
}

const [mutant = ""] = process.argv.slice(2);
if (mutant !== "") (await import("./mutate.ts")).installMutant(mutant);
const [{ runPlan }, { brokenReport, reportOf }] = await Promise.all([
  import("./run.ts"),
  import("./report.ts"),
]);

async function perform(plan: Plan) {
  try {
    return reportOf(await runPlan(plan));
  } catch (thrown) {
    return brokenReport(plan, thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  }
}

// Ctrl-C is for the parent, who tells what is known and ends its children.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());
process.on("message", ({ number, plan }: Job) => {
  void perform(plan).then((report) => process.send?.({ number, report }));
});
