/** How published ports are typed and shown: `[ADDRESS:]HOSTPORT:PORT[/tcp]`. */
import { networkLimits } from "../../../../protocol/limits/network.ts";
import type { AskedPublication, PublishedPort } from "../../../../protocol/published-port.ts";
import { CommandError } from "../../errors.ts";

const form =
  /^(?:(?<address>[^/\s]+):)?(?<hostPort>[0-9]{1,5}):(?<port>[0-9]{1,5})(?:\/(?<protocol>[a-z]+))?$/;
const { hostPortMin, hostPortMax } = networkLimits;

/** @throws CommandError usage */
export function parsePublication(text: string): AskedPublication {
  const { address, hostPort, port, protocol = "tcp" } = form.exec(text)?.groups ?? {};
  if (hostPort === undefined || port === undefined)
    throw wrong(`${text} is no published port.`, "Write [ADDRESS:]HOSTPORT:PORT, such as 8080:80.");
  if (protocol !== "tcp")
    throw wrong(`Only ports of TCP are published, not of ${protocol}.`, "Leave it out.");
  if (Number(hostPort) < hostPortMin || Number(hostPort) > hostPortMax)
    throw wrong(
      `The port ${hostPort} is not published: low ones need root, and high ones are given to any program.`,
      `Choose one from ${hostPortMin} to ${hostPortMax}.`,
    );
  const asked = { hostPort: Number(hostPort), port: Number(port) };
  return address === undefined ? asked : { ...asked, address };
}

const wrong = (message: string, next: string): CommandError => new CommandError("usage", message, next);

/** `127.0.0.1:8080 to port 80` */
export const publicationWords = ({
  address,
  hostPort,
  port,
}: Pick<PublishedPort, "address" | "hostPort" | "port">): string => `${address}:${hostPort} to port ${port}`;
