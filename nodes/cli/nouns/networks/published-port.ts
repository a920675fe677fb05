/** novact published-port …: ports of hosts at which guests answer. */
import { Command } from "commander";
import type { Instance } from "../../../../protocol/instance.ts";
import { type PublishedPort, publishedPort } from "../../../../protocol/published-port.ts";
import { time } from "../../format.ts";
import { nounCommand } from "../../noun-command.ts";
import type { Invoke, Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import { networkPortOf } from "./network-port.ts";
import { parsePublication, publicationWords } from "./publication-words.ts";

export function publishedPortCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: publishedPort,
    command: "published-port",
    description: "Ports of hosts at which guests answer.",
    client: (api) => api.publishedPort,
    columns: [
      { title: "ID", value: ({ id }) => id, spare: true },
      { title: "HOST PORT", value: ({ name }) => name },
      { title: "ADDRESS", value: ({ address }) => address },
      { title: "PORT", value: ({ port }) => String(port) },
      { title: "NETWORK PORT", value: ({ portId }) => portId, cut: true },
    ],
    facts: (one) => [
      ["id", one.id],
      ["leads", publicationWords(one)],
      ["network port", one.portId],
      ["created", time(one.createdAtMs)],
    ],
  });
  const create = new Command("create")
    .description("Publishes a port of an instance at its host, whatever its security groups say.")
    .argument("<instance>", "its id or name")
    .argument("<port>", "HOSTPORT:PORT, such as 8080:80")
    .action((key: string, text: string, _options: object, typed: Command) =>
      invoke(typed, async (run) => {
        const asked = parsePublication(text);
        const api = await session(run);
        const networkPort = await networkPortOf(run, api, key);
        await print(run, await api.publishedPort.create({ networkPort, ...asked }, run.call()));
        return 0;
      }),
    );
  return command.addCommand(create);
}

/** All that lead to an instance. */
export async function publishedOf(
  run: Run,
  api: Session,
  { interfaces }: Pick<Instance, "interfaces">,
): Promise<readonly PublishedPort[]> {
  const lists = (interfaces ?? []).map(({ portId }) => api.publishedPort.list({ portId }, run.call()));
  return (await Promise.all(lists)).flatMap(({ publishedPorts }) => publishedPorts);
}
