/**
 * Hands over to the process that runs a cluster. A process of its own: it has its own signals, and its own
 * long life.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import type { Run } from "./run.ts";

/** Its exit code. Ctrl-C reaches it by itself, being in the same terminal; this process only waits for it. */
export function startCluster(run: Run, argv: readonly string[]): Promise<number> {
  const script = fileURLToPath(new URL("../main.ts", import.meta.url));
  const config = run.config === undefined ? [] : ["--config", run.config];
  const child = spawn(process.execPath, [script, "up", ...config, ...argv], { stdio: "inherit" });
  const terminate = () => child.kill("SIGTERM");
  process.on("SIGTERM", terminate);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      process.off("SIGTERM", terminate);
      resolve(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0));
    });
  });
}
