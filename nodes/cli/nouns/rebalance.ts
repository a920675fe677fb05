/** novact rebalance: proposes moves that would make the hosts' loads more even; for operators. */
import { Command } from "commander";
import type { Rebalance } from "../../../protocol/host.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import { parsePositive } from "../format.ts";
import type { Invoke } from "../run.ts";
import type { Column } from "../table.ts";
import { plain } from "../terminal.ts";

type Move = Rebalance["moves"][number];

const columns: readonly Column<Move>[] = [
  { title: "INSTANCE", value: ({ instanceId }) => instanceId },
  { title: "NAME", value: ({ instanceName }) => instanceName, cut: true },
  { title: "FROM", value: ({ fromHostName }) => fromHostName },
  { title: "TO", value: ({ toHostName }) => toHostName },
  { title: "GAIN", value: ({ gain }) => gain.toFixed(4) },
];

export function rebalanceCommand(invoke: Invoke): Command {
  return new Command("rebalance")
    .description("Proposes moves that would make the hosts' loads more alike. It makes none.")
    .option("--dry-run", "said by default: moves are only proposed, and never made")
    .option("--moves <n>", "at most so many", parsePositive)
    .action(({ moves }: { readonly moves?: number }, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const request = moves === undefined ? {} : { moves };
        const { rebalance } = await session.host.rebalance(request, run.call());
        if (run.json) {
          run.emit(rebalance);
          return 0;
        }
        if (rebalance.moves.length > 0) await run.list(rebalance.moves, columns);
        run.print(summary(rebalance));
        for (const { why, instances } of rebalance.unmovable)
          run.print(`${instances} ${instances === 1 ? "stays" : "stay"}: ${plain(why)}.`);
        return 0;
      }),
    );
}

function summary({ spreadBefore, spreadAfter, moves, end }: Rebalance): string {
  const spread = `Spread of the loads: ${spreadBefore.toFixed(4)} now, ${spreadAfter.toFixed(4)} after`;
  const more = end === "movesMax" ? "; there are more worth making" : "";
  return `${spread} ${counted(moves.length, "move")}${more}.`;
}
