/**
 * The command `novact`, entered from nodes/novact.mjs. Compiled code is cached in node_modules, so that a
 * command starts in a fraction of the time from its second run on; all other modules are imported after the
 * cache is set up, hence not at the top.
 */
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

/** Runs a command line with the process's own streams; answers the exit code. */
export default async function main(argv: readonly string[]): Promise<number> {
  enableCompileCache(fileURLToPath(new URL("../../node_modules/.cache/novact", import.meta.url)));
  const { runCommand } = await import("./command-line.ts");
  const { onProcess } = await import("./on-process.ts");
  return onProcess((terminal, connect) => runCommand(argv, terminal, connect));
}
