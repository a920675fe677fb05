/**
 * The command `novact`, entered from nodes/novact.mjs. Compiled code is cached (a checkout's in its
 * node_modules, else where Node keeps it), so that a command starts in a fraction of the time from its second
 * run on; all other modules are imported after the cache is set up, hence not at the top.
 */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { isCheckout, treeDirectory } from "../package/program-files.ts";
import type { LoadExtended } from "./extensions/extended.ts";

/** Runs a command line with the process's own streams; answers the exit code. */
export default async function main(argv: readonly string[]): Promise<number> {
  enableCompileCache(isCheckout ? join(treeDirectory, "node_modules/.cache/novact") : undefined);
  const { runCommand } = await import("./command-line.ts");
  const { onProcess } = await import("./on-process.ts");
  return onProcess((terminal, connect) => runCommand(argv, terminal, connect, loadExtended));
}

/** Loaded only when a word may be a command of a plug-in. */
const loadExtended: LoadExtended = async (config) => {
  const { existsSync } = await import("node:fs");
  const { configFileOf, loadCluster } = await import("../plugins/load.ts");
  const file = configFileOf(config);
  return existsSync(file) ? (await loadCluster(file)).plugins.loaded : [];
};
