/** The memory that this process keeps once garbage is collected: what was taken, and not what was passing. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export function retainedBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("This Node cannot be told to collect garbage.");
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
