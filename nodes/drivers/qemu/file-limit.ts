/**
 * The largest file that a living guest's process may write: raised before it gets a volume, or a larger one.
 * The kernel ends a process that writes behind its limit (SIGXFSZ).
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { StatusError } from "../../../protocol/wire/status.ts";
import { driverLimits } from "../limits.ts";
import { runTool } from "../tool.ts";

/** Idempotent; never lowers it. @throws hypervisorRefused when the agent may not */
export async function allowFileBytes(pid: number, bytes: number): Promise<void> {
  if (bytes <= limitIn(await readFile(`/proc/${pid}/limits`, "utf8"))) return;
  const argv = ["--pid", String(pid), `--fsize=${bytes}:${bytes}`];
  const { exitCode, errors } = await runTool("prlimit", argv, { timeoutMs: driverLimits.diskToolTimeoutMs });
  if (exitCode === 0) return;
  const message = "The guest's process may write no file as large as the volume until it is started again.";
  throw new StatusError("hypervisorRefused", message, { detail: errors });
}

/** In the words of /proc/PID/limits; what is not a number there has no limit. Pure. */
export function limitIn(limits: string): number {
  const [, hard = ""] = /^Max file size +\S+ +(\S+)/m.exec(limits) ?? [];
  return /^[0-9]+$/.test(hard) ? Number(hard) : Number.POSITIVE_INFINITY;
}

const sysResource = 24n;

/** Whether this process can raise limits of others: root in a container often cannot (capabilities(7)). */
export function canRaiseLimits(): boolean {
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return effective !== undefined && (BigInt(`0x${effective}`) & (1n << sysResource)) !== 0n;
}
