/**
 * One switch for each directory: whoever holds the lock on a file in it is the switch, until its process
 * ends, however it ends. Two would connect to the same guests in turn.
 */
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, openSync, statSync } from "node:fs";

const conflict = 9;

export interface Lock {
  /** False: the directory was removed, or is another one. */
  isThere(): boolean;
}

/**
 * Undefined: another process has it. The tool locks the file that it inherits, and the lock stays with our
 * descriptor when the tool has ended (flock(2)). @throws Error when the tool does not run
 */
export function takeLock(path: string): Lock | undefined {
  const file = openSync(path, "a", 0o600);
  const argv = ["--nonblock", "--conflict-exit-code", String(conflict), "3"];
  const { status, error } = spawnSync("flock", argv, { stdio: ["ignore", "ignore", "ignore", file] });
  if (status === 0) return { isThere: () => isSame(file, path) };
  closeSync(file);
  if (status === conflict) return undefined;
  throw new Error(`flock did not lock ${path}`, { cause: error });
}

function isSame(file: number, path: string): boolean {
  const [own, there] = [fstatSync(file), statSync(path, { throwIfNoEntry: false })];
  return there !== undefined && own.ino === there.ino && own.dev === there.dev;
}
