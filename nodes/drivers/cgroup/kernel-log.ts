/**
 * What the kernel's log tells of a process that was ended for want of memory: whether its own cgroup had met
 * its bound, or whether somebody around it had no more (a cgroup above, or the whole computer). Counts of
 * version 1 do not tell the one from the other. It must never wait: the log is read as it is now.
 */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { codeOf } from "./control.ts";
import { cgroupLimits } from "./limits.ts";

/** Whose memory was short. */
type ShortOf = "own" | "around";

/**
 * `group`: the last two names of the cgroup's path (`novact.<host>/<guest>`), which no other of the computer
 * has. Undefined: nothing in the log is about it, or the log cannot be read.
 */
export const memoryShortOf = (group: string): ShortOf | undefined => shortOfIn(readKernelLog(), group);

/**
 * The same, from the lines of the log: the last one counts. Source: dump_oom_summary() and
 * mem_cgroup_print_oom_context() of Linux 5.0 and later; both paths are those of the whole hierarchy.
 */
export function shortOfIn(lines: readonly string[], group: string): ShortOf | undefined {
  const isGroup = (path: string | undefined) => path?.endsWith(`/${group}`) === true;
  for (const line of lines.toReversed()) {
    if (!line.includes("oom-kill:constraint=")) continue;
    if (!isGroup(/,task_memcg=([^,]*)/.exec(line)?.[1])) continue;
    return isGroup(/,oom_memcg=([^,]*)/.exec(line)?.[1]) ? "own" : "around";
  }
  return undefined;
}

/** The lines that the kernel still has, oldest first; none where this process may not read them. */
function readKernelLog(): readonly string[] {
  let log: number;
  try {
    log = openSync("/dev/kmsg", constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // Not root, or a container without the file: the counts have to do.
    return [];
  }
  try {
    return linesOf(log);
  } finally {
    closeSync(log);
  }
}

/** Each read answers one line. EPIPE: lines were overwritten in between, and the next read goes on after. */
function linesOf(log: number): readonly string[] {
  const lines: string[] = [];
  const buffer = Buffer.alloc(cgroupLimits.kernelLineBytesMax);
  for (let reads = 0; reads < cgroupLimits.kernelLinesMax; reads += 1) {
    try {
      const length = readSync(log, buffer);
      if (length === 0) return lines;
      lines.push(buffer.toString("latin1", 0, length));
    } catch (error) {
      if (codeOf(error) === "EPIPE") continue;
      return lines;
    }
  }
  return lines;
}
