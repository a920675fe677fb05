/** Why a guest's process ended, as its cgroups and the signal that ended it tell. For its owner. */
import { basename, dirname, join } from "node:path";
import type { Loss } from "../../../actors/ports/hypervisor.ts";
import { countIn, textOf } from "./control.ts";
import { memoryShortOf } from "./kernel-log.ts";
import type { Place } from "./places.ts";

interface Group {
  readonly place: Pick<Place, "version" | "controllers">;
  readonly directory: string;
}

/** Undefined: nothing in these cgroups tells. Their counts are of this start of the guest alone. */
export function lossOf(groups: readonly Group[]): Loss | undefined {
  const having = (controller: Place["controllers"][number]) =>
    groups.find(({ place }) => place.controllers.includes(controller));
  const [memory, pids] = [having("memory"), having("pids")];
  return (memory && memoryLoss(memory)) ?? (pids && processLoss(pids));
}

/** The kernel counts here whom it killed for memory, at its own bound or because the host had no more. */
function memoryLoss(group: Group): Loss | undefined {
  const { version } = group.place;
  const { directory } = group;
  const kills = countIn(directory, version === 1 ? "memory.oom_control" : "memory.events", "oom_kill") ?? 0;
  if (kills === 0) return undefined;
  const metBound =
    version === 1 ? metBound1(directory) : (countIn(directory, "memory.events", "oom") ?? 0) > 0;
  if (!metBound) {
    const message = "Its host had no memory left, and the kernel ended the guest's process.";
    return { reason: "hostMemoryShort", message };
  }
  const file = version === 1 ? "memory.limit_in_bytes" : "memory.max";
  const mib = Math.round(Number(textOf(join(directory, file)) ?? 0) / 1024 ** 2);
  const message = `The guest's process needed more memory than its bound of ${mib} MiB and was ended by the kernel.`;
  return { reason: "memoryExceeded", message };
}

/**
 * In version 1 the counts prove little: whatever a guest has written and the host still keeps in memory meets
 * the bound as well, and nobody is killed for it; where swap is full, or forbidden, the kernel does not count
 * at all. So its log tells who was short of memory, and the counts have to do where the log does not.
 */
function metBound1(directory: string): boolean {
  const short = memoryShortOf(join(basename(dirname(directory)), basename(directory)));
  if (short !== undefined) return short === "own";
  const counts = ["memory.failcnt", "memory.memsw.failcnt"].map((name) => textOf(join(directory, name)));
  return counts.some((count) => Number(count ?? 0) > 0);
}

/**
 * The loss by the counts and by the signal that ended the process: null, it ended without one; undefined,
 * nobody saw. A thread that it did not get is the reason only when it ended itself, as QEMU does: whom others
 * end may have been without that thread for days.
 */
export function lossByEnd(counted: Loss | undefined, signal: string | null | undefined): Loss | undefined {
  const endedItself = signal === null || ownSignals.includes(signal ?? "");
  if (counted?.reason === "processesExceeded" && !endedItself) return undefined;
  return counted ?? lossBySignal(signal ?? null);
}

/** Of abort(), in QEMU, and of a failed assertion of GLib. */
const ownSignals = ["SIGABRT", "SIGTRAP"];

function processLoss({ directory }: Group): Loss | undefined {
  if ((countIn(directory, "pids.events", "max") ?? 0) === 0) return undefined;
  const most = (textOf(join(directory, "pids.max")) ?? "").trim();
  const message = `The guest's process wanted more than its bound of ${most} processes and threads, and ended.`;
  return { reason: "processesExceeded", message };
}

/** The loss that a signal stands for; undefined: the signal does not tell. */
export function lossBySignal(signal: string | null): Loss | undefined {
  if (signal !== "SIGXFSZ") return undefined;
  const message =
    "The guest's process wrote more into one file than the guest's disk may have, and was ended.";
  return { reason: "fileExceeded", message };
}
