/** What hosts say to an instance, as a table with what would help. Prints; asks nobody. */
import type { HostVerdict } from "../../../protocol/instance.ts";
import type { Run } from "../run.ts";
import { remediesOf, remedyColumns, verdictColumns } from "./instance-view.ts";

/** Most remedies that are shown: hosts that lack different amounts have a remedy each. */
const remediesMax = 10;
/** Most facts of plug-ins that are shown. */
const factsMax = 20;

export async function printVerdicts(run: Run, hosts: readonly HostVerdict[]): Promise<void> {
  const { indented, renderTable } = await import("../table.ts");
  const width = run.width === undefined ? undefined : run.width - 2;
  run.print(run.paint("bold", "hosts, as the scheduler sees them now"));
  run.print(indented(renderTable(verdictColumns, hosts, { paint: run.paint, width })));
  const told = hosts.flatMap(({ hostName, facts = {} }) =>
    Object.entries(facts).map(([plugin, fact]) => `${hostName}, ${plugin}: ${JSON.stringify(fact)}`),
  );
  if (told.length > 0) {
    run.print(`\n${run.paint("bold", "what plug-ins say of them")}`);
    run.print(indented(told.slice(0, factsMax).join("\n")));
    if (told.length > factsMax) run.remark(`And ${told.length - factsMax} more: --json has all.`);
  }
  const remedies = remediesOf(hosts);
  if (remedies.length === 0) return;
  run.print(`\n${run.paint("bold", "what would make more of them fit")}`);
  const shown = remedies.slice(0, remediesMax);
  run.print(indented(renderTable(remedyColumns, shown, { paint: run.paint, width })));
  if (remedies.length > remediesMax) run.remark(`And ${remedies.length - remediesMax} more: --json has all.`);
}
