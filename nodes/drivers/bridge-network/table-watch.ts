/**
 * Hears at once when somebody takes a table of nftables away: packets that the table forbade would pass until
 * the next compare. This file decides nothing. The last word about a table may be half of a change that makes
 * the table anew, so whoever is told looks before acting.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Log } from "../../../protocol/wire/transport.ts";
import { toolEnvironment } from "../tool.ts";

export interface WatchParts {
  /** As `bridge nv`. */
  readonly tables: readonly string[];
  /** Called when the last word about the table was that it is deleted. */
  readonly lost: (table: string) => void;
  readonly log: Log;
}

export class TableWatch {
  readonly #parts: WatchParts;
  #monitor: ChildProcess | undefined;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** Does nothing while it watches. `path`: of the namespace; absent: the agent's own. */
  watch(path: string | undefined): void {
    if (this.#monitor !== undefined) return;
    const enter = path === undefined ? [] : ["nsenter", `--net=${path}`];
    // It ends with the agent, however that ends: else it would hold the namespace.
    const [command = "", ...argv] = [...enter, "setpriv", "--pdeathsig=KILL", "nft", "monitor", "tables"];
    const monitor = spawn(command, argv, { env: toolEnvironment, stdio: ["ignore", "pipe", "ignore"] });
    monitor.unref();
    // Else the pipe alone would keep an agent alive that ends.
    if (monitor.stdout instanceof Socket) monitor.stdout.unref();
    this.#monitor = monitor;
    let rest = "";
    monitor.stdout.on("data", (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString("utf8")}`.split("\n");
      // Nobody makes a table with so long a name that ours would be behind it.
      rest = (lines.pop() ?? "").slice(-256);
      for (const table of deletedIn(lines, this.#parts.tables)) this.#parts.lost(table);
    });
    const ended = (error?: unknown) => {
      if (this.#monitor !== monitor) return;
      // The next compare begins anew.
      this.#monitor = undefined;
      this.#parts.log.warn({ error: String(error ?? "it has ended") }, "nobody hears when rules are removed");
    };
    monitor.once("error", ended);
    monitor.once("exit", () => ended());
  }

  stop(): void {
    const monitor = this.#monitor;
    this.#monitor = undefined;
    monitor?.kill("SIGKILL");
  }
}

/** Of these tables those that are deleted, and not added behind that. Lines are as nft says them. Pure. */
export function deletedIn(lines: readonly string[], tables: readonly string[]): readonly string[] {
  const last = new Map<string, string>();
  for (const line of lines) {
    const [, word = "", table = ""] = /^(add|delete) table (\S+ \S+)/.exec(line) ?? [];
    if (tables.includes(table)) last.set(table, word);
  }
  return [...last].flatMap(([table, word]) => (word === "delete" ? [table] : []));
}
