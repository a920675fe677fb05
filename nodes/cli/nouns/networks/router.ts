/** novact router …: ways between subnets, and outside. */
import { Command } from "commander";
import { type Router, router } from "../../../../protocol/router.ts";
import { CommandError } from "../../errors.ts";
import { time } from "../../format.ts";
import { nounCommand } from "../../noun-command.ts";
import { rowId } from "../../resolve.ts";
import type { Invoke } from "../../run.ts";
import type { Column, Fact } from "../../table.ts";
import { collect, pairAround } from "./words.ts";

interface Settings {
  readonly name?: string;
  /** False: none. */
  readonly external?: string | false;
  readonly snat?: boolean;
  /** False: none. */
  readonly route?: readonly string[] | false;
}

interface Leading {
  readonly port?: string;
}

function addressesOf({ interfaces }: Router): string {
  return interfaces.length === 0 ? "-" : interfaces.map(({ address }) => address).join(", ");
}

const columns: readonly Column<Router>[] = [
  { title: "ID", value: ({ id }) => id, spare: true },
  { title: "NAME", value: ({ name }) => name, cut: true },
  { title: "EXTERNAL", value: ({ externalNetworkId }) => externalNetworkId ?? "-" },
  { title: "ADDRESSES", value: addressesOf, cut: true },
];

const facts = (one: Router): readonly Fact[] => [
  ["id", one.id],
  ["name", one.name],
  ["external", one.externalNetworkId ?? "none"],
  ["SNAT", one.snat ? "yes" : "no"],
  ...one.interfaces.map(
    ({ address, subnetId, portId }): Fact => [
      "interface",
      `${address} of subnet ${subnetId}, port ${portId}`,
    ],
  ),
  ["routes", one.routes.length === 0 ? "none" : routesOf(one)],
  ["created", time(one.createdAtMs)],
];

export function routerCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: router,
    command: "router",
    description: "Ways between subnets, and outside.",
    client: (api) => api.router,
    columns,
    facts,
  });
  const create = new Command("create")
    .description("Makes a router; lead it to subnets next: add-interface.")
    .argument("<name>", "what it is called")
    .option("--external <network>", "the external network to which it leads")
    .option("--no-snat", "guests without a floating address reach nobody outside")
    .action((name: string, { external, snat }: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const api = await session(run);
        const outside = typeof external === "string" ? { externalNetwork: external } : {};
        const request = { name, ...outside, ...(snat === false ? { snat } : {}) };
        await print(run, await api.router.create(request, run.call()));
        return 0;
      }),
    );
  const set = new Command("set")
    .description("Renames a router, or changes where it leads.")
    .argument("<router>", "its id or name")
    .option("--name <name>", "its new name")
    .option("--external <network>", "the external network to which it leads")
    .option("--no-external", "it leads nowhere outside")
    .option("--snat", "guests without a floating address are seen with one of their host")
    .option("--no-snat", "they reach nobody outside")
    .option("--route <range=address>", "a range and the neighbour that leads there; repeatable", collect)
    .option("--no-route", "take all of its routes away")
    .action((key: string, options: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const { router: api } = await session(run);
        const id = await rowId(run, api, { resource: router, key });
        await print(run, await api.set(id, settingsOf(options), run.call()));
        return 0;
      }),
    );
  const leading = (method: "addInterface" | "removeInterface", name: string, description: string) =>
    new Command(name)
      .description(description)
      .argument("<router>", "its id or name")
      .argument("[subnet]", "the subnet's id or name")
      .option("--port <port>", "the interface's port instead of the subnet")
      .action((key: string, subnet: string | undefined, { port }: Leading, typed: Command) =>
        invoke(typed, async (run) => {
          const { router: api } = await session(run);
          if ((subnet === undefined) === (port === undefined))
            throw new CommandError(
              "usage",
              "Name a subnet, or a port by --port.",
              `novact router ${name} --help`,
            );
          const id = await rowId(run, api, { resource: router, key });
          const asked = port === undefined ? { subnet: subnet ?? "" } : { port };
          await print(run, await api[method](id, asked, run.call()));
          return 0;
        }),
      );
  return command
    .addCommand(create)
    .addCommand(set)
    .addCommand(leading("addInterface", "add-interface", "Makes the router the gateway of a subnet."))
    .addCommand(leading("removeInterface", "remove-interface", "Leads to a subnet no more."));
}

const routesOf = ({ routes }: Router): string =>
  routes.map(({ destination, nextHop }) => `${destination} by ${nextHop}`).join(", ");

/** An option with a --no- form is true when it was not given. */
function settingsOf({
  name,
  external,
  snat,
  route,
}: Settings & { external?: string | boolean; route?: unknown }) {
  const routes = Array.isArray(route) ? (route as readonly string[]) : undefined;
  return {
    ...(name === undefined ? {} : { name }),
    ...(external === false ? { externalNetwork: null } : {}),
    ...(typeof external === "string" ? { externalNetwork: external } : {}),
    ...(snat === undefined ? {} : { snat }),
    ...(route === false ? { routes: [] } : {}),
    ...(routes === undefined
      ? {}
      : { routes: routes.map((text) => pairAround(text, "=", "--route", ["destination", "nextHop"])) }),
  };
}
