/**
 * Copies the root disk of a living guest by QEMU's own backup, as the disk is at the beginning of the job.
 * The source is never changed: whatever ends a job leaves it as it was. There is one job in a guest at a
 * time, and the next one takes away what an agent that died has left of the last. The names of a job are
 * fixed, so that nothing has to be remembered; the job alone tells whether a copy is whole, never its file.
 */
import { relative } from "node:path";
import type { RootCopy } from "../../../actors/ports/hypervisor.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { delay, isAbort, throwIfAborted } from "../waiting.ts";
import { qemuLimits } from "./limits.ts";
import { backends } from "./line/seen.ts";
import type { Plugging } from "./plugging.ts";
import { asObject, QmpRefusal } from "./qmp.ts";

const jobId = "copy";
const nodeName = "copy";

/** `none`: QEMU has no such job, or no more. `failed`: the source is as it was. */
export type CopyJob =
  | { readonly kind: "none" | "done" }
  | { readonly kind: "running"; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: "failed"; readonly why: string };

/** The job in an answer to `query-jobs`. Pure. */
export function copyJobIn(answer: unknown): CopyJob {
  const jobs = Array.isArray(answer) ? answer.map(asObject) : [];
  const job = jobs.find((one) => one?.id === jobId);
  if (job === undefined || job.status === "null") return { kind: "none" };
  if (job.status === "concluded")
    return job.error === undefined ? { kind: "done" } : { kind: "failed", why: String(job.error) };
  const bytes = (value: unknown) => (typeof value === "number" && value > 0 ? value : 0);
  return {
    kind: "running",
    doneBytes: bytes(job["current-progress"]),
    totalBytes: bytes(job["total-progress"]),
  };
}

/** What is asked of QEMU to begin, in this order. Pure. */
export const beginning = ({ path, bytesPerSecond }: Omit<RootCopy, "onProgress">, directory: string) =>
  [
    [
      "blockdev-add",
      {
        driver: "qcow2",
        "node-name": nodeName,
        file: { driver: "file", filename: relative(directory, path), locking: "on" },
      },
    ],
    [
      "blockdev-backup",
      {
        ...{ "job-id": jobId, device: backends.root, target: nodeName, sync: "full", compress: true },
        // A guest's own writes wait for the copy of what they replace: with one worker, and slowly, least.
        ...{ speed: bytesPerSecond, "x-perf": { "max-workers": 1 } },
        ...{ "auto-dismiss": false, "on-target-error": "report" },
      },
    ],
  ] as const;

/** In the guest's turn, with its QMP connection. */
export type OnGuest = <T>(
  signal: AbortSignal,
  work: (plugging: Plugging & { readonly directory: string }) => Promise<T>,
) => Promise<T>;

export interface CopyingRoot extends RootCopy {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onGuest: OnGuest;
}

/**
 * Resolves when the copy is whole, and QEMU has closed it. @throws diskFull, copyLost, hypervisorRefused
 * (its file must stay then: a job may go on writing to it); AbortError: then the job is cancelled
 */
export async function copyRoot({ log, ...copying }: CopyingRoot): Promise<void> {
  const { onGuest, clock } = copying;
  try {
    await makeCopy(copying);
  } catch (error) {
    // Of a guest that is gone by now nothing is left, but its file. The first failure is the one to tell.
    await endCopy(onGuest, clock).catch((thrown: unknown) =>
      log.warn({ err: thrown }, "What was begun of a copy of a root disk could not be ended."),
    );
    throw error;
  }
  await endCopy(onGuest, clock).catch((thrown: unknown) => {
    log.warn({ err: thrown }, "A copy of a root disk could not be closed.");
    throw thrown;
  });
}

async function makeCopy({ clock, signal, onGuest, onProgress, ...copy }: Omit<CopyingRoot, "log">) {
  await onGuest(signal, async (plugging) => {
    await endInTime(plugging, clock);
    for (const [command, data] of beginning(copy, plugging.directory))
      await plugging.qmp.execute(command, data, signal);
  });
  for (;;) {
    const job = await onGuest(signal, ({ qmp }) => lookAt(qmp, signal));
    if (job.kind === "done") return;
    if (job.kind === "failed") throw failureOf(job.why);
    if (job.kind === "none") throw lost();
    if (job.kind === "running") onProgress(job.doneBytes, job.totalBytes);
    await delay(clock, qemuLimits.copyProbeMs, signal);
    throwIfAborted(signal);
  }
}

/** Cancels what there is of a copy, and closes its file. @throws hypervisorRefused when it does not end */
export const endCopy = (onGuest: OnGuest, clock: Clock): Promise<void> => {
  const late = AbortSignal.timeout(qemuLimits.copyEndMs);
  return toldWhenLate(late, () => onGuest(late, (plugging) => endJob(plugging, clock)));
};

/** The same, in a turn that the caller has already. */
function endInTime(plugging: Plugging, clock: Clock): Promise<void> {
  const late = AbortSignal.timeout(qemuLimits.copyEndMs);
  const signal = AbortSignal.any([plugging.signal, late]);
  return toldWhenLate(late, () => endJob({ ...plugging, signal }, clock), plugging.signal);
}

/** The end of the time is no abort of the caller's. */
async function toldWhenLate(
  late: AbortSignal,
  work: () => Promise<void>,
  callers?: AbortSignal,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isAbort(error) || !late.aborted || callers?.aborted === true) throw error;
    const message = "The hypervisor does not end a copy of the disk.";
    throw new StatusError("hypervisorRefused", message, { cause: error });
  }
}

const lookAt = async (qmp: Plugging["qmp"], signal: AbortSignal): Promise<CopyJob> =>
  copyJobIn(await qmp.execute("query-jobs", {}, signal));

async function endJob({ qmp, signal }: Plugging, clock: Clock): Promise<void> {
  for (;;) {
    const job = await lookAt(qmp, signal);
    if (job.kind === "none") break;
    const command = job.kind === "running" ? "job-cancel" : "job-dismiss";
    await unlessRefused(qmp.execute(command, { id: jobId }, signal));
    if (job.kind === "running") await delay(clock, qemuLimits.unplugProbeMs, signal);
    throwIfAborted(signal);
  }
  await unlessRefused(qmp.execute("blockdev-del", { "node-name": nodeName }, signal));
}

/** A job that is ending by itself takes no command, and a node that is not there cannot be removed. */
async function unlessRefused(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof QmpRefusal)) throw error;
  }
}

const lost = () => new StatusError("copyLost", "The copy of the disk was ended by somebody else.");

function failureOf(why: string): StatusError {
  const full = /No space left on device|Disk quota exceeded|File too large/.test(why);
  const message = full
    ? "The host has no room for a copy of the disk."
    : "The hypervisor could not copy the disk.";
  return new StatusError(full ? "diskFull" : "copyLost", message, { detail: why });
}
