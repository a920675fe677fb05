/**
 * Network namespaces without a name and a mount: they last as long as a process is in them, or has them open,
 * so that no crash leaves anything behind. Only root may make and enter them.
 */
import { spawn } from "node:child_process";
import { type FileHandle, open, readlink } from "node:fs/promises";
import type { Clock } from "../../protocol/wire/transport.ts";
import { driverLimits } from "./limits.ts";
import { toolEnvironment } from "./tool.ts";
import { delay } from "./waiting.ts";

const probePeriodMs = 2;

/** Of this process. */
export const ownNamespace = (): Promise<string> => readlink("/proc/self/ns/net");

/** The network namespace of a process; undefined: it is `own`, or the process has ended. */
export const openNamespaceOf = (pid: number, own: string): Promise<FileHandle | undefined> =>
  openNamespace(`/proc/${pid}/ns/net`, own);

/** The network namespace that a path of /proc leads to; undefined: it is `own`, or none. */
export async function openNamespace(path: string, own: string): Promise<FileHandle | undefined> {
  const name = await readlink(path).catch(() => own);
  if (name === own || !name.startsWith("net:[")) return undefined;
  const handle = await open(path, "r").catch(() => undefined);
  // The number may be another process's by now.
  const opened = handle && (await nameOf(handle));
  if (opened === name) return handle;
  await handle?.close();
  return undefined;
}

/** What the kernel calls an open namespace. */
export const nameOf = ({ fd }: Pick<FileHandle, "fd">): Promise<string> => readlink(`/proc/self/fd/${fd}`);

/** Opens the namespace of a short process that was started in a new one. @throws Error */
export async function makeNamespace(clock: Clock): Promise<FileHandle> {
  const own = await ownNamespace();
  const child = spawn("unshare", ["--net", "cat"], {
    env: toolEnvironment,
    stdio: ["pipe", "ignore", "ignore"],
  });
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  child.once("exit", (code) => {
    failure = new Error(`unshare ended with ${code}.`);
  });
  // The child may have ended before its input is closed.
  child.stdin.on("error", () => undefined);
  try {
    const deadlineMs = clock.monotonicMs() + driverLimits.namespaceTimeoutMs;
    for (;;) {
      const handle = child.pid === undefined ? undefined : await openNamespaceOf(child.pid, own);
      if (handle !== undefined) return handle;
      if (failure !== undefined) throw failure;
      if (clock.monotonicMs() >= deadlineMs) throw new Error("unshare made no network namespace in time.");
      await delay(clock, probePeriodMs);
    }
  } finally {
    child.stdin.end();
  }
}
