/**
 * The threads of a process according to the kernel, read synchronously from /proc. The guard's process uses
 * this file as well, so it must import nothing large, and read nothing that can wait for a disk.
 */
import { readdirSync, readFileSync } from "node:fs";
import { conditionOf, type ProcessCondition } from "../../actors/node/guard/condition.ts";
import { parseStat } from "./process-stat.ts";

/**
 * The condition of a process at this moment. It counts as stopped only when the threads that are there after
 * all were seen stopped are the same: a thread that ran meanwhile could have begun another.
 */
export function conditionOfTasks(pid: number): ProcessCondition {
  const before = tasksOf(pid);
  const condition = conditionOf(before.map((task) => stateOf(pid, task)));
  if (condition !== "stopped") return condition;
  const known = new Set(before);
  return tasksOf(pid).every((task) => known.has(task)) ? "stopped" : "running";
}

/**
 * The directory in /proc that has what the threads of a process share (arguments, program, descriptors): that
 * of the leader, or, when the leader has ended before the others, of a thread that lives.
 */
export function sharedPartOf(pid: number): string {
  const living = tasksOf(pid).find((task) => !/^[ZXx]$/.test(stateOf(pid, task)));
  return living === undefined || living === String(pid) ? String(pid) : `${pid}/task/${living}`;
}

function tasksOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    // The process has ended.
    return [];
  }
}

function stateOf(pid: number, task: string): string {
  try {
    return parseStat(readFileSync(`/proc/${pid}/task/${task}/stat`, "latin1"))?.state ?? "X";
  } catch {
    // The thread has ended since it was listed.
    return "X";
  }
}
