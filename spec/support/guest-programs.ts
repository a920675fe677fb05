/** Programs for guests with Linux's own network, and how a spec talks with them. */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { ScratchFabric } from "./scratch-fabric.ts";

/** What a guest's program says, line by line. */
export class Lines {
  readonly heard: string[] = [];
  readonly #child: ChildProcess;
  #wake: (() => void) | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).on("line", (line) => {
        this.heard.push(line);
        this.#wake?.();
      });
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Resolves at the first line with this beginning. */
  async next(begin: string): Promise<void> {
    while (!this.heard.some((line) => line.startsWith(begin)))
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }
}

/** A program of the host itself that would hear what a guest sends to it. */
export function dgram(fabric: ScratchFabric, port: number): Lines {
  return new Lines(
    fabric.node(`
      const socket = require("node:dgram").createSocket("udp4");
      socket.on("message", (bytes) => console.log("heard " + bytes));
      socket.bind(${port}, "0.0.0.0", () => console.log("listening"));
    `),
  );
}

/** Answers what it hears at two ports of TCP. */
export const echoes = `
  let listening = 0;
  for (const port of [22, 23])
    require("node:net").createServer((socket) => {
      socket.pipe(socket);
      socket.on("error", () => socket.destroy());
    }).listen(port, "::", () => (listening += 1) === 2 && console.log("listening"));
`;

/** Speaks at both of these ports. */
export const connects = (address: string) => `
  const sockets = new Map([22, 23].map((port) => {
    const socket = require("node:net").connect(port, "${address}", () => console.log("connected " + port));
    socket.on("data", (bytes) => console.log(port + " heard " + bytes));
    socket.on("error", (error) => console.log(port + " failed " + error.code));
    return [String(port), socket];
  }));
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const [port, text] = line.split(" ");
    sockets.get(port).write(text);
  });
`;
