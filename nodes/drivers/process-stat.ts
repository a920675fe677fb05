/**
 * Parses /proc/PID/stat, and the users in /proc/PID/status. The guard's process uses this file as well, so it
 * must import nothing.
 */

export interface StatFacts {
  readonly state: string;
  readonly startTicks: number;
  /**
   * True: the process has ended and only waits for its exit code to be read; it holds no memory, file or lock
   * any more.
   */
  readonly dead: boolean;
}

/** The facts in /proc/PID/stat. The command's name in it may hold spaces and parentheses. Source: proc(5). */
export function parseStat(stat: string): StatFacts | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0] ?? "";
  const threads = Number(fields[17]);
  const startTicks = Number(fields[19]);
  if (state === "" || !Number.isInteger(startTicks)) return undefined;
  // A zombie with several threads is a process whose first thread has ended before the others: it lives.
  const dead = (state === "Z" && threads <= 1) || state === "X" || state === "x";
  return { state, startTicks, dead };
}

/** The real, effective, saved and file system user in /proc/PID/status; none when there is no such line. */
export function parseUids(status: string): readonly number[] {
  const line = /^Uid:((?:\s+[0-9]+)+)$/m.exec(status)?.[1] ?? "";
  return line.split(/\s+/).slice(1).map(Number);
}
