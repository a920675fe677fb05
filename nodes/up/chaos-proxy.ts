/**
 * The proxy of nodes/chaos as a part of a cluster that allows chaos: its links, and the ports that each party
 * is told. The ports stay the same as long as the cluster is up, even when the proxy's process is started
 * again.
 */
import { join } from "node:path";
import { controllerUser } from "../bus/users.ts";
import {
  type ClusterConfig,
  connectionOf,
  linkVariables,
  postgresUrlOf,
  statePaths,
} from "../config/config.ts";
import { programFile } from "../package/program-files.ts";
import { systemClock } from "../process/clock.ts";
import { type Link, linkName } from "../proxy/link-rules.ts";
import { type Keeper, keep } from "./keeper.ts";
import { type NodeProcess, startNodeProcess } from "./node-process.ts";
import type { Screen } from "./screen.ts";
import { freePort } from "./server-process.ts";

type Server = keyof typeof linkVariables;

/** Ports of 127.0.0.1, by the name of the link. */
export type LinkPorts = ReadonlyMap<string, number>;

/** Starts the proxy and keeps it running; both servers must be running already. */
export async function keepProxy(
  config: ClusterConfig,
  { say }: Screen,
): Promise<{ readonly keeper: Keeper<NodeProcess>; readonly links: LinkPorts }> {
  const links = await linksOf(config);
  const { log, run, proxySocket: socket } = statePaths(config);
  const start = () =>
    startNodeProcess({
      name: "chaos-proxy",
      entry: programFile("proxy/entry"),
      arguments: [JSON.stringify({ links, socket })],
      identity: { file: join(run, "chaos-proxy.json"), argument: JSON.stringify({ links, socket }) },
      outputFile: join(log, "chaos-proxy.out"),
      nodeArguments: ["--max-semi-space-size=2"],
    });
  const keeper = await keep({ name: "chaos-proxy", start, say, clock: systemClock });
  say(`chaos is allowed: ${links.length} links go through a proxy (pid ${keeper.current()?.pid ?? 0})`);
  return { keeper, links: new Map(links.map(({ name, port }) => [name, port])) };
}

async function linksOf(config: ClusterConfig): Promise<readonly Link[]> {
  const nats = new URL(connectionOf(config, controllerUser).servers[0] ?? "");
  const postgres = new URL(postgresUrlOf(config));
  const controllers = Array.from({ length: config.controllers }, (_, index) => `controller-${index + 1}`);
  const links: Link[] = [];
  const add = async (party: string, server: Server, { hostname, port }: URL) => {
    const serverPort = Number(port || defaultPorts[server]);
    const taken = links.map((link) => link.port);
    let free = await freePort();
    while (taken.includes(free)) free = await freePort();
    links.push({ name: linkName(party, server), port: free, serverHost: hostname, serverPort });
  };
  for (const party of controllers) {
    await add(party, "nats", nats);
    await add(party, "postgres", postgres);
  }
  for (const { name } of config.nodes) await add(name, "nats", nats);
  return links;
}

/** Source: the servers' own documentation. */
const defaultPorts: Readonly<Record<Server, number>> = { nats: 4_222, postgres: 5_432 };

/** Environment variables by which a party connects through its links. */
export function environmentOf(links: LinkPorts, party: string): Readonly<Record<string, string>> {
  const told: Record<string, string> = {};
  for (const server of ["nats", "postgres"] as const) {
    const port = links.get(linkName(party, server));
    if (port !== undefined) told[linkVariables[server]] = String(port);
  }
  return told;
}
