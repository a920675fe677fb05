/**
 * The client of the proxy between the parties of a cluster: sets and removes the rules of its links. Rules
 * end with this connection unless they are told to stay, so a run that is killed leaves none.
 */
import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import type { LinkName, LinkState, ProxyAnswer, ProxyRequest, Rules } from "../proxy/link-rules.ts";

export interface Links {
  set(link: LinkName, rules: Rules, stays: boolean): Promise<void>;
  /** Lets everything pass again. Harmless when the proxy is gone, and its rules with it. */
  heal(): Promise<void>;
  show(): Promise<readonly LinkState[]>;
  close(): void;
}

/** Connects to the proxy; undefined where there is none: `npm start` starts it when chaos is allowed. */
export async function openLinks(config: ClusterConfig): Promise<Links | undefined> {
  const path = statePaths(config).proxySocket;
  if (!existsSync(path)) return undefined;
  const socket = await opened(path);
  if (socket === undefined) return undefined;
  const waiting: { resolve: (answer: ProxyAnswer) => void; reject: (error: Error) => void }[] = [];
  createInterface({ input: socket }).on("line", (line) => {
    waiting.shift()?.resolve(JSON.parse(line) as ProxyAnswer);
  });
  const gone = () => {
    for (const { reject } of waiting.splice(0)) reject(new Error("The proxy of the links has gone away."));
  };
  socket.on("close", gone).on("error", gone);
  const ask = async (request: ProxyRequest): Promise<readonly LinkState[]> => {
    const answer = await new Promise<ProxyAnswer>((resolve, reject) => {
      if (socket.destroyed) return reject(new Error("The proxy of the links has gone away."));
      waiting.push({ resolve, reject });
      socket.write(`${JSON.stringify(request)}\n`);
    });
    if (!answer.ok) throw new Error(answer.message);
    return answer.links;
  };
  return {
    set: async (link, rules, stays) => void (await ask({ set: link, rules, stays })),
    heal: async () => {
      if (!socket.destroyed) await ask({ heal: true });
    },
    show: () => ask({ show: true }),
    close: () => socket.destroy(),
  };
}

/** The open connection; undefined when nothing listens there any more. */
function opened(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}
