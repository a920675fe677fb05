/**
 * Reads a password from a file that holds nothing else. A file that others can read, or that somebody else
 * owns, is refused: it keeps no secret. The password must never reach a message, a log or a process's
 * arguments.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { processLimits } from "./limits.ts";

/**
 * A password file that is refused. The message says what to type, and names the file; for an operator only.
 */
export class SecretFileError extends Error {
  override readonly name = "SecretFileError";
}

/** The only line of the file. @throws SecretFileError */
export function readSecretFile(path: string): string {
  const descriptor = open(path);
  try {
    const fault = faultOf(fstatSync(descriptor), path);
    if (fault !== undefined) throw new SecretFileError(fault);
    const secret = readFileSync(descriptor, "utf8").replace(/\r?\n$/, "");
    if (secret === "") throw new SecretFileError("is empty. Write the password into it, as its only line.");
    if (/[\r\n\0]/.test(secret)) {
      throw new SecretFileError("has more than one line. Write the password into it, as its only line.");
    }
    return secret;
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string): number {
  try {
    // Non-blocking: a pipe of that name must not keep us waiting.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "is not there" : `cannot be opened (${code ?? "unknown"})`;
    throw new SecretFileError(`${what}. Write the password into it, then type: chmod 600 ${path}`);
  }
}

function faultOf(stats: Stats, path: string): string | undefined {
  if (!stats.isFile()) return "is not a file. Name a file that holds the password as its only line.";
  if (stats.size > processLimits.secretFileBytesMax) {
    return `is larger than ${processLimits.secretFileBytesMax} bytes. Write only the password into it.`;
  }
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8);
    return `can be used by others than its owner (its mode is ${mode}). Type: chmod 600 ${path}`;
  }
  const own = process.getuid?.();
  if (own !== undefined && stats.uid !== own && stats.uid !== 0) {
    return `belongs to another user (${stats.uid}). Type: chown ${own} ${path}`;
  }
  return undefined;
}
