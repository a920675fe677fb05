/**
 * Descriptors that a process was started with beside the standard three, such as a pipe of the shell that
 * somebody typed the command into: closed here, so that no process that is started later has them, a guest's
 * least of all.
 */
import { closeSync, readdirSync, readFileSync } from "node:fs";

/** The kernel's O_CLOEXEC, in the octal flags of /proc/PID/fdinfo. */
const closeOnExec = 0o2000000;

/**
 * Closes them. To be called before the process opens anything. Node marks every descriptor of its own, and
 * the first few of those that it was given, as closed in children; those stay open.
 */
export function closeInherited(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    const descriptor = Number(name);
    if (descriptor > 2 && isInheritable(descriptor)) closeSync(descriptor);
  }
}

function isInheritable(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    // The descriptor by which the directory was listed is closed by now.
    return false;
  }
}
