/**
 * The file that a process of the driver's own says its last words into: bounded over all its lives, so that
 * one that ends again and again fills no disk.
 */
import { constants, fstatSync, ftruncateSync, openSync } from "node:fs";
import { diskError, isDiskFull } from "./durable-file.ts";
import { driverLimits } from "./limits.ts";

const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/** For a child's output. `ignore`: there is no room for a log, and the process matters more. @throws Error */
export function openProcessLog(path: string): number | "ignore" {
  try {
    const log = openSync(path, flags, 0o600);
    if (fstatSync(log).size > driverLimits.processLogBytesMax) ftruncateSync(log);
    return log;
  } catch (error) {
    if (isDiskFull(diskError(error, "Opening the log of a process"))) return "ignore";
    throw error;
  }
}
