/** The CLI with streams that record their output, on any bus behind the SDK. */
import { runCommand } from "../../../nodes/cli/command-line.ts";
import type { LoadExtended } from "../../../nodes/cli/extensions/extended.ts";
import type { Connect } from "../../../nodes/cli/session.ts";
import type { Terminal } from "../../../nodes/cli/terminal.ts";
import { systemClock, systemIds } from "../../../nodes/process/clock.ts";
import { clientOf, createClients } from "../../../nodes/sdk/clients.ts";
import { createFollowers } from "../../../nodes/sdk/follow.ts";
import { createImageTransfers } from "../../../nodes/sdk/images.ts";
import type { Bus } from "../../../protocol/wire/transport.ts";

export interface RunOptions {
  readonly tty?: boolean;
  readonly columns?: number;
  readonly env?: Terminal["env"];
  /** What a person types for `novact`; absent: just that. */
  readonly command?: string;
  readonly signal?: AbortSignal;
  /** The wall clock; absent: the computer's. */
  readonly nowMs?: () => number;
  /** The person's answers to one question after the other; absent: there is no person. */
  readonly answers?: readonly string[];
  /** Called with every text that is written to stdout. */
  readonly onOut?: (text: string) => void;
}

export interface Outcome {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `novact` with the words of a line; quotes hold words with spaces together. */
export const commandOn = (connect: Connect, loadExtended?: LoadExtended) =>
  async function novact(line: string, options: RunOptions = {}): Promise<Outcome> {
    const written = { out: "", err: "" };
    const answers = [...(options.answers ?? [])];
    const stream = (name: "out" | "err") => ({
      isTTY: options.tty ?? false,
      columns: options.columns ?? 100,
      write: (text: string) => {
        written[name] += text;
        if (name === "out") options.onOut?.(text);
      },
    });
    const terminal: Terminal = {
      out: stream("out"),
      err: stream("err"),
      env: options.env ?? {},
      command: options.command ?? "novact",
      nowMs: options.nowMs ?? (() => systemClock.nowMs()),
      signal: options.signal ?? new AbortController().signal,
      ask: async (question) => {
        written.err += `${question}\n`;
        return answers.shift();
      },
    };
    const argv = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
    const exit = await runCommand(argv, terminal, connect, loadExtended);
    return { exit, ...written };
  };

/** The SDK's `connect` on an existing bus. Counts connections that were not closed. */
export function connectOn(bus: Bus, cell: string) {
  const open = { connections: 0 };
  const connect: Connect = async ({ project = "demo" }) => {
    open.connections += 1;
    const ids = systemIds(0);
    const world = { bus, clock: systemClock, ids, project, cell, random: Math.random };
    const clients = createClients(world);
    const of = clientOf(world);
    const close = async () => {
      open.connections -= 1;
    };
    const own = { of, project, newRequestId: () => ids.next(), close };
    const more = { ...createFollowers(clients, world), ...createImageTransfers(clients, world) };
    return { ...clients, ...more, ...own };
  };
  return { connect, open };
}

/** For commands that need no cluster. */
export const nowhere: Connect = async () => {
  throw new Error("This command connects to nothing.");
};
