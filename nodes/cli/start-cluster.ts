/**
 * Starts the process that runs a cluster, and waits for it. It is a separate process because it handles
 * signals itself and lives long.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { programFile } from "../package/program-files.ts";
import type { Run } from "./run.ts";

/**
 * Runs a cluster; answers the exit code of its process. From here on signals are the cluster's: a terminal
 * sends Ctrl-C to both processes by itself, any other signal reaches only this process and is passed on. What
 * a repeated signal means is for the cluster to judge.
 */
export function startCluster(run: Run, argv: readonly string[]): Promise<number> {
  const config = run.config === undefined ? [] : [`--config=${run.config}`];
  const child = spawn(process.execPath, [programFile("main"), "up", ...config, ...argv], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]),
    );
  });
}
