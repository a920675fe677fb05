/** novact port counters: what has passed ports, and what was dropped there. What nobody knows is a dash. */
import { Command } from "commander";
import { port } from "../../../../protocol/port.ts";
import type { PortCounters } from "../../../../protocol/traffic.ts";
import { age, bytes } from "../../format.ts";
import { rowId } from "../../resolve.ts";
import type { Invoke, Run } from "../../run.ts";
import { eachOf } from "../../several/each.ts";
import type { Column } from "../../table.ts";

interface Row {
  readonly name: string;
  readonly atMs: number | null;
  readonly direction: "in" | "out";
  readonly way: PortCounters["ingress"] | PortCounters["egress"];
}

const known = (count: number | null | undefined): string => (typeof count === "number" ? `${count}` : "-");
const dropsOf = ({ way }: Row): Readonly<Record<string, number | null>> => way?.dropped ?? {};

const columns = (nowMs: number): readonly Column<Row>[] => [
  { title: "PORT", value: ({ name }) => name, cut: true },
  { title: "WAY", value: ({ direction }) => direction },
  { title: "PACKETS", value: ({ way }) => known(way?.packets) },
  { title: "SIZE", value: ({ way }) => (way === null ? "-" : bytes(way.bytes)) },
  { title: "BY RULE", value: (row) => known(dropsOf(row).rule) },
  { title: "BY LIMIT", value: (row) => known(dropsOf(row).limit) },
  { title: "FORGED", value: (row) => known(dropsOf(row).forged) },
  { title: "OTHERS", value: (row) => known(dropsOf(row).other) },
  // How long ago the host has read them.
  { title: "AGE", value: ({ atMs }) => (atMs === null ? "-" : age(atMs, nowMs)), passing: true },
];

export const portCountersCommand = (invoke: Invoke): Command =>
  new Command("counters")
    .description("Says what has passed ports, as their guests see it, and what was dropped.")
    .argument("<port...>", "their ids or names")
    .action((keys: string[], _options: object, command: Command) =>
      invoke(command, async (run) => {
        const { port: api } = await run.session();
        const outcomes = await eachOf(keys, async (key) => {
          const id = await rowId(run, api, { resource: port, key });
          return (await api.counters(id, {}, run.call())).counters;
        });
        const found = outcomes.map((outcome, at) => {
          if (outcome.status === "rejected") throw outcome.reason;
          return { name: keys[at] ?? "", counters: outcome.value };
        });
        if (run.json) run.emit(keys.length === 1 ? found[0]?.counters : found.map((one) => one.counters));
        else await print(run, found);
        return 0;
      }),
    );

async function print(
  run: Run,
  found: readonly { readonly name: string; readonly counters: PortCounters }[],
): Promise<void> {
  const { renderTable } = await import("../../table.ts");
  const rows = found.flatMap(({ name, counters: { atMs, ingress, egress } }): readonly Row[] => [
    { name, atMs, direction: "in", way: ingress },
    { name, atMs, direction: "out", way: egress },
  ]);
  run.print(renderTable(columns(run.terminal.nowMs()), rows, run.tableOptions));
  for (const { name, counters } of found)
    if (counters.reason !== undefined) run.remark(`${name}: ${counters.reason}`);
}
