/** Files that are locked as a whole by the tool `flock`: Node has no call for locks. */
import { type FileHandle, open } from "node:fs/promises";
import { runTool } from "../tool.ts";
import { lockLimits } from "./limits.ts";

/** flock's exit code when another process has the lock; a value that the tool does not use by itself. */
const conflictExitCode = 75;

/**
 * Opens and locks a file; the lock ends with the last process that has the file open. Undefined: another
 * process has the lock. @throws Error when that cannot be determined; ENOENT
 */
export async function openLocked(
  path: string,
  flags: number,
  how: "shared" | "exclusive",
): Promise<FileHandle | undefined> {
  const file = await open(path, flags, 0o600);
  try {
    if (await lock(file, path, how)) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

async function lock(file: FileHandle, path: string, how: "shared" | "exclusive"): Promise<boolean> {
  const argv = ["--nonblock", "--conflict-exit-code", String(conflictExitCode), `--${how}`, "3"];
  const timeoutMs = lockLimits.storageLockTimeoutMs;
  const { exitCode, errors } = await runTool("flock", argv, { timeoutMs, descriptor: file.fd });
  if (exitCode === 0 || exitCode === conflictExitCode) return exitCode === 0;
  throw new Error(`flock did not lock ${path}: ${errors.trim()}`);
}
