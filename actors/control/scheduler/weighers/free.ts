/** Spreads: prefers hosts that keep the largest part of their memory, CPUs or disk free. */
import type { FreeWeigher } from "./weigher.ts";

export const freeRam: FreeWeigher = { name: "freeRam", novaName: "ram", multiplier: 1, amount: "memoryMib" };

export const freeCpu: FreeWeigher = { name: "freeCpu", novaName: "cpu", multiplier: 1, amount: "vcpus" };

/** Off by default: overlays use little of the disk that they may grow to. */
export const freeDisk: FreeWeigher = { name: "freeDisk", novaName: "disk", multiplier: 0, amount: "diskGib" };
