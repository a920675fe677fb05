/**
 * The command `novact`: where nodes/novact.mjs enters. Compiled code is kept (in node_modules of a checkout,
 * else where Node keeps it), so that a command starts in a fraction of the time from its second run on;
 * everything else is imported after that is set up, hence not at the top.
 */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { isCheckout, treeDirectory } from "../package/program-files.ts";

/** Runs a command line with the process's own streams; answers the exit code. */
export default async function main(argv: readonly string[]): Promise<number> {
  enableCompileCache(isCheckout ? join(treeDirectory, "node_modules/.cache/novact") : undefined);
  const { runCommand } = await import("./command-line.ts");
  const { onProcess } = await import("./on-process.ts");
  return onProcess((terminal, connect) => runCommand(argv, terminal, connect));
}
