/**
 * How much of what a process has freed it keeps: options of Node and variables of the C library, by role. It
 * must never bound what is in use: whoever needs more gets it.
 */
import { upLimits } from "./limits.ts";

export type MemoryRole = "controller" | "compute";

export interface NodeMemory {
  readonly nodeArguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const nursery = (mib: number): readonly string[] => [`--max-semi-space-size=${mib}`];

export const nodeMemory: Readonly<Record<MemoryRole, NodeMemory>> = {
  // What comes in is for others to decide. Left to itself, V8's nursery takes four times as much under a
  // flood and stays so, and the C library keeps large buffers that were freed for the next ones: the first
  // that is freed raises its threshold, unless that is set. Source: mallopt(3), M_MMAP_THRESHOLD.
  controller: {
    nodeArguments: nursery(upLimits.controllerNurseryMib),
    environment: { MALLOC_MMAP_THRESHOLD_: `${upLimits.controllerBufferKeptBytesMax}` },
  },
  // A compute node makes little garbage.
  compute: { nodeArguments: nursery(upLimits.computeNurseryMib), environment: {} },
};
