/**
 * The control socket of the proxy: a unix socket that only its owner may open, with one JSON value per line.
 * Rules end with the connection that asked for them unless they are told to stay: a run that is killed leaves
 * none.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { type LinkName, type ProxyAnswer, parseRequest, passing } from "./link-rules.ts";
import type { LinkProxy } from "./proxy.ts";

/** The kernel's longest path of a unix socket. Source: unix(7). */
const socketPathBytesMax = 107;

/** Listens on the socket. @throws Error when the path is too long for a socket */
export async function listenForRules(path: string, proxy: LinkProxy): Promise<{ close(): Promise<void> }> {
  if (Buffer.byteLength(path) > socketPathBytesMax) {
    throw new Error(`${path} is too long for a unix socket: choose a shorter stateDirectory, or no chaos.`);
  }
  rmSync(path, { force: true });
  const server = createServer((socket) => serve(socket, proxy));
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return {
    close: () => {
      rmSync(path, { force: true });
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function serve(socket: Socket, proxy: LinkProxy): void {
  const mine = new Set<LinkName>();
  // A client that breaks off is noticed by the close event.
  socket.on("error", () => undefined);
  createInterface({ input: socket }).on("line", (line) => {
    socket.write(`${JSON.stringify(answerTo(line, proxy, mine))}\n`);
  });
  socket.on("close", () => {
    for (const name of mine) proxy.set(name, passing);
  });
}

function answerTo(line: string, proxy: LinkProxy, mine: Set<LinkName>): ProxyAnswer {
  const request = parseRequest(line);
  if (request === undefined) return { ok: false, message: "That is no request." };
  try {
    if ("heal" in request) proxy.heal();
    if ("set" in request) {
      proxy.set(request.set, request.rules);
      if (request.stays) mine.delete(request.set);
      else mine.add(request.set);
    }
    return { ok: true, links: proxy.show() };
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}
