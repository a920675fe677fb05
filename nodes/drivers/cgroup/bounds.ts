/**
 * The bounds of a guest's processes, and how each kind of hierarchy is told them. Pure: file names and texts.
 */
import type { MachineSpec } from "../../../protocol/machine.ts";
import { qemuLimits } from "../qemu/limits.ts";
import type { Controller } from "./hierarchies.ts";
import { cgroupLimits } from "./limits.ts";

export interface Bounds {
  readonly memoryMib: number;
  /** Memory that may be swapped out beside: the guest's own. */
  readonly swapMib: number;
  /** Processes and threads. */
  readonly processes: number;
  readonly vcpus: number;
}

export type BoundedSpec = Pick<MachineSpec, "vcpus" | "memoryMib">;

export function boundsOf({ vcpus, memoryMib }: BoundedSpec): Bounds {
  const { overheadMib, vcpuOverheadMib, overheadEveryMib } = cgroupLimits;
  const overhead = overheadMib + vcpus * vcpuOverheadMib + Math.ceil(memoryMib / overheadEveryMib);
  return {
    memoryMib: memoryMib + overhead,
    swapMib: memoryMib,
    processes: qemuLimits.qemuThreadsMax + vcpus,
    vcpus,
  };
}

/**
 * One file of a cgroup, and what is written into it. Optional: not every kernel has it, or takes it (a quota
 * above that of a cgroup around it is refused); a guest runs without it.
 */
export interface Setting {
  readonly file: string;
  readonly text: string;
  readonly optional?: true;
}

/** The settings of a controller for these bounds, in the order in which the kernel takes them. */
export function settingsOf(controller: Controller, version: 1 | 2, bounds: Bounds): readonly Setting[] {
  switch (controller) {
    case "memory":
      return version === 1 ? memoryOf1(bounds) : memoryOf2(bounds);
    case "pids":
      return [{ file: "pids.max", text: String(bounds.processes) }];
    case "cpu":
      return version === 1 ? cpuOf1(bounds) : cpuOf2(bounds);
  }
}

const bytes = (mib: number): string => String(mib * 1024 ** 2);

/** The sum of memory and swap is never below the memory, so it is written second. */
const memoryOf1 = ({ memoryMib, swapMib }: Bounds): readonly Setting[] => [
  { file: "memory.limit_in_bytes", text: bytes(memoryMib) },
  { file: "memory.memsw.limit_in_bytes", text: bytes(memoryMib + swapMib), optional: true },
];

/** All processes of a guest end together: the rest of one is of no use to anybody. */
const memoryOf2 = ({ memoryMib, swapMib }: Bounds): readonly Setting[] => [
  { file: "memory.max", text: bytes(memoryMib) },
  { file: "memory.swap.max", text: bytes(swapMib), optional: true },
  { file: "memory.oom.group", text: "1", optional: true },
];

const periodUs = cgroupLimits.cpuPeriodMs * 1_000;
const quotaUs = (vcpus: number): number => (vcpus + cgroupLimits.spareCpus) * periodUs;

const cpuOf1 = ({ vcpus }: Bounds): readonly Setting[] => [
  { file: "cpu.shares", text: String(sharesOf(vcpus)), optional: true },
  { file: "cpu.cfs_period_us", text: String(periodUs), optional: true },
  { file: "cpu.cfs_quota_us", text: String(quotaUs(vcpus)), optional: true },
];

const cpuOf2 = ({ vcpus }: Bounds): readonly Setting[] => [
  { file: "cpu.weight", text: String(weightOf(vcpus)), optional: true },
  { file: "cpu.max", text: `${quotaUs(vcpus)} ${periodUs}`, optional: true },
];

const sharesOf = (vcpus: number): number =>
  Math.min(cgroupLimits.cpuSharesMax, vcpus * cgroupLimits.cpuSharesPerVcpu);
const weightOf = (vcpus: number): number =>
  Math.min(cgroupLimits.cpuWeightMax, vcpus * cgroupLimits.cpuWeightPerVcpu);

/** File of a cgroup's weight among its neighbours, and the largest weight. */
export const weightFile = (version: 1 | 2) =>
  version === 1
    ? { file: "cpu.shares", most: cgroupLimits.cpuSharesMax, least: cgroupLimits.cpuSharesPerVcpu }
    : { file: "cpu.weight", most: cgroupLimits.cpuWeightMax, least: cgroupLimits.cpuWeightPerVcpu };
