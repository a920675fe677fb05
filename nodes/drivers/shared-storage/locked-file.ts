/** Files that are locked as a whole by the tool `flock`: Node has no call for it. */
import { type FileHandle, open } from "node:fs/promises";
import { limits } from "../../../protocol/limits/limits.ts";
import { runTool } from "../tool.ts";

/** flock's answer when another one has it; any that the tool does not use by itself. */
const conflictExitCode = 75;

/**
 * The file, opened and locked; the lock ends with the last process that has it open. Undefined: another
 * process has it. @throws Error when nobody can tell; ENOENT
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
  const timeoutMs = limits.storageLockTimeoutMs;
  const { exitCode, errors } = await runTool("flock", argv, { timeoutMs, descriptor: file.fd });
  if (exitCode === 0 || exitCode === conflictExitCode) return exitCode === 0;
  throw new Error(`flock did not lock ${path}: ${errors.trim()}`);
}
