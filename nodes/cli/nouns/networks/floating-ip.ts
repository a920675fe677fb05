/** novact floating-ip …: addresses of external networks at which instances answer. */
import { Command } from "commander";
import { type FloatingIp, floatingIp } from "../../../../protocol/floating-ip.ts";
import type { Instance } from "../../../../protocol/instance.ts";
import { CommandError } from "../../errors.ts";
import { time } from "../../format.ts";
import { nounCommand } from "../../noun-command.ts";
import { rowId } from "../../resolve.ts";
import type { Invoke, Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import { networkPortOf } from "./network-port.ts";

interface Leading {
  readonly port?: string | false;
  readonly instance?: string;
  readonly target?: string;
}

export function floatingIpCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: floatingIp,
    command: "floating-ip",
    description: "Addresses of external networks at which instances answer.",
    client: (api) => api.floatingIp,
    columns: [
      { title: "ID", value: ({ id }) => id, spare: true },
      { title: "ADDRESS", value: ({ name }) => name },
      { title: "LEADS TO", value: targetText },
      { title: "PORT", value: ({ target }) => target?.portId ?? "-" },
      { title: "NETWORK", value: ({ networkId }) => networkId, spare: true },
    ],
    facts: (one) => [
      ["id", one.id],
      ["address", one.name],
      ["network", one.networkId],
      ["leads to", targetText(one)],
      ["port", one.target?.portId],
      ["router", one.target?.routerId],
      ["created", time(one.createdAtMs)],
    ],
  });
  const create = withTarget(new Command("create"))
    .description("Takes an address of an external network, and lets it lead to an instance.")
    .argument("<network>", "the external network's id or name")
    .option("--address <address>", "this address, and no other; for operators")
    .action((network: string, options: Leading & { readonly address?: string }, typed: Command) =>
      invoke(typed, async (run) => {
        const api = await session(run);
        const target = await targetOf(run, api, options);
        const { address } = options;
        const request = { network, ...(address && { address }), ...(target && { target }) };
        await print(run, await api.floatingIp.create(request, run.call()));
        return 0;
      }),
    );
  const set = withTarget(new Command("set"))
    .description("Lets the address lead to another instance, or nowhere.")
    .argument("<floating-ip>", "its id or address")
    .option("--no-port", "it leads nowhere")
    .action((key: string, options: Leading, typed: Command) =>
      invoke(typed, async (run) => {
        const api = await session(run);
        const target = options.port === false ? null : await targetOf(run, api, options);
        if (target === undefined)
          throw new CommandError("usage", "Say where it is to lead: --instance, --port or --no-port.");
        const id = await rowId(run, api.floatingIp, { resource: floatingIp, key });
        await print(run, await api.floatingIp.set(id, { target }, run.call()));
        return 0;
      }),
    );
  return command.addCommand(create).addCommand(set);
}

const withTarget = (command: Command): Command =>
  command
    .option("--instance <instance>", "lead to the first interface of an instance with an address of IPv4")
    .option("--port <port>", "lead to this port of a network")
    .option("--target <address>", "lead to this address of it");

const targetText = ({ target }: FloatingIp): string => target?.address ?? "-";

/** Undefined: neither an instance nor a port is named. @throws CommandError usage */
async function targetOf(run: Run, api: Session, { port, instance, target }: Leading) {
  const named = typeof port === "string" ? port : undefined;
  if (named !== undefined && instance !== undefined)
    throw new CommandError("usage", "Name an instance or a port, and not both.");
  if (named === undefined && instance === undefined) return undefined;
  const to = named ?? (await networkPortOf(run, api, instance ?? ""));
  return { port: to, ...(target === undefined ? {} : { address: target }) };
}

/** All that lead to an instance. */
export async function floatingOf(
  run: Run,
  api: Session,
  { interfaces }: Pick<Instance, "interfaces">,
): Promise<readonly FloatingIp[]> {
  const own = new Set((interfaces ?? []).map(({ portId }) => portId));
  if (own.size === 0) return [];
  const { floatingIps } = await api.floatingIp.list({ limit: 1_000 }, run.call());
  return floatingIps.filter(({ target }) => target !== null && own.has(target.portId));
}
