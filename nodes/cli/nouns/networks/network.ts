/** novact network …: Ethernet segments on which guests reach each other. */
import { Command, Option } from "commander";
import { network } from "../../../../protocol/network.ts";
import { time } from "../../format.ts";
import { nounCommand } from "../../noun-command.ts";
import { rowId } from "../../resolve.ts";
import type { Invoke } from "../../run.ts";
import { explainPassageCommand } from "./explain.ts";
import { wholeNumber } from "./words.ts";

interface Settings {
  readonly name?: string;
  readonly mtu?: number;
  readonly shared?: boolean;
  readonly external?: boolean;
  readonly physicalNetwork?: string;
}

export function networkCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: network,
    command: "network",
    description: "Ethernet segments on which guests reach each other.",
    client: (api) => api.network,
    columns: [
      { title: "ID", value: ({ id }) => id, spare: true },
      { title: "NAME", value: ({ name }) => name, cut: true },
      { title: "SEGMENT", value: ({ number }) => String(number ?? "-") },
      { title: "MTU", value: ({ mtuBytes }) => String(mtuBytes) },
      { title: "SUBNETS", value: ({ subnetIds }) => String(subnetIds.length) },
      { title: "FOR", value: whoseIs },
    ],
    facts: (one) => [
      ["id", one.id],
      ["name", one.name],
      ["project", one.project],
      ["segment", String(one.number ?? "-")],
      ["MTU", `${one.mtuBytes} bytes`],
      ["physical network", one.physicalNetwork ?? undefined],
      ["for", whoseIs(one)],
      ["subnets", one.subnetIds.length === 0 ? "none" : one.subnetIds.join(", ")],
      ["created", time(one.createdAtMs)],
    ],
  });
  const create = withSettings(new Command("create"))
    .description("Makes a network; give it a subnet next.")
    .argument("<name>", "what it is called")
    .option("--physical-network <name>", "the operator's network that it is; for operators")
    .action((name: string, options: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const api = await session(run);
        await print(
          run,
          await api.network.create({ ...settingsOf(options), name, ...physicalOf(options) }, run.call()),
        );
        return 0;
      }),
    );
  const set = withSettings(new Command("set"))
    .description("Renames a network, or changes its MTU or who may use it.")
    .argument("<network>", "its id or name")
    .option("--name <name>", "its new name")
    .addOption(new Option("--no-shared", "its project alone may use it"))
    .addOption(new Option("--no-external", "it leads outside no more"))
    .action((key: string, options: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const { network: api } = await session(run);
        const id = await rowId(run, api, { resource: network, key });
        await print(run, await api.set(id, settingsOf(options), run.call()));
        return 0;
      }),
    );
  return command.addCommand(create).addCommand(set).addCommand(explainPassageCommand(invoke));
}

const physicalOf = ({ physicalNetwork }: Settings) => ({
  ...(physicalNetwork === undefined ? {} : { physicalNetwork }),
});

const whoseIs = ({ shared, external }: { readonly shared: boolean; readonly external: boolean }): string =>
  external ? "outside" : shared ? "all projects" : "its project";

const withSettings = (command: Command): Command =>
  command
    .option("--mtu <bytes>", "the largest packet", wholeNumber)
    .option("--shared", "every project may use it; for operators")
    .option("--external", "it leads outside; for operators");

function settingsOf({ name, mtu, shared, external }: Settings) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(mtu === undefined ? {} : { mtuBytes: mtu }),
    ...(shared === undefined ? {} : { shared }),
    ...(external === undefined ? {} : { external }),
  };
}
