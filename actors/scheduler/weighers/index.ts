/** The weighers there are. A new one is a file beside this one and a line in this list. */
import { freeCpu } from "./free-cpu.ts";
import { freeRam } from "./free-ram.ts";
import type { Weigher } from "./weigher.ts";

export const weighers: readonly Weigher[] = [freeRam, freeCpu];
