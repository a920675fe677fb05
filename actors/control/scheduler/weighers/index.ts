/** The weighers there are. A new one is in a file of this folder and in this list. */
import { freeCpu, freeDisk, freeRam } from "./free.ts";
import { softAffinity, softAntiAffinity } from "./group.ts";
import { labelWeight } from "./label.ts";
import { buildFailures, instanceCount, ioLoad } from "./load.ts";
import type { Weigher } from "./weigher.ts";

export const weighers: readonly Weigher[] = [
  freeRam,
  freeCpu,
  freeDisk,
  ioLoad,
  instanceCount,
  buildFailures,
  softAffinity,
  softAntiAffinity,
  labelWeight,
];
