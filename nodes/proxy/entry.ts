/**
 * The process of the proxy, which `up` starts between the servers and the parties when chaos is allowed. It
 * takes its links and the path of its socket as JSON, and ends when `up` says so or is gone.
 */
import type { ChildMessage } from "../process/messages.ts";
import { isShutdown } from "../process/messages.ts";
import { listenForRules } from "./control.ts";
import type { Link } from "./link-rules.ts";
import { startProxy } from "./proxy.ts";

interface Options {
  readonly links: readonly Link[];
  readonly socket: string;
}

const tell = (message: ChildMessage): void => void process.send?.(message);

try {
  const options = JSON.parse(process.argv[2] ?? "{}") as Options;
  const proxy = await startProxy(options.links);
  const control = await listenForRules(options.socket, proxy);
  const end = async (): Promise<void> => {
    await control.close();
    process.exit(0);
  };
  process.on("message", (message) => {
    if (isShutdown(message)) void end();
  });
  process.on("disconnect", () => void end());
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end());
  tell({ kind: "ready" });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  tell({ kind: "failed", code: "INTERNAL", message });
  process.exit(1);
}
