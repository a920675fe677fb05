/**
 * Brings one QEMU up (files, process, QMP, CPUs running), or leaves nothing behind. Used for guests, and for
 * the probe that finds out whether KVM works. It does not look whether another process of the guest lives:
 * the driver does.
 */
import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { guestFiles } from "../guest-directory.ts";
import { driverLimits } from "../limits.ts";
import { abortError, delay, isAbort } from "../waiting.ts";
import type { QemuGuest } from "./guest.ts";
import { lastWords, type SpawnedGuest } from "./guest-process.ts";
import { qemuLimits } from "./limits.ts";

/**
 * Period of looking for the socket when the kernel sends no notification, which happens only when its watches
 * are used up.
 */
const socketProbePeriodMs = 20;
/** Period of trying to connect: the socket exists a moment before it listens. */
const listenProbePeriodMs = 1;

export interface BringUpOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called when QEMU answers and the CPUs do not run yet. */
  readonly beforeRun?: () => Promise<void>;
}

/**
 * Waits until the CPUs of a process just started run. When that fails or is aborted, ends the process first.
 * @throws StatusError hypervisorRefused, diskFull; AbortError
 */
export async function bringUp(
  guest: QemuGuest,
  spawned: SpawnedGuest,
  options: BringUpOptions,
): Promise<void> {
  let ended = false;
  void spawned.ended.then(() => {
    ended = true;
  });
  try {
    await connectWhenReady(guest, spawned, options);
    await options.beforeRun?.();
    await guest.resume(options.signal);
    guest.establish();
  } catch (error) {
    // Without the caller's signal, which may be aborted: the process must be gone in any case.
    await guest.halt();
    throw isAbort(error) ? error : await startError(guest, ended, error);
  }
}

/**
 * Repeats the start while the disk is still open in another process: the guard of the disk's last host may
 * not have ended that process yet.
 * @throws StatusError hypervisorRefused when the disk stays open; other errors of the start unchanged
 */
export async function whenUnlocked<T>(
  instanceId: string,
  { clock, signal }: Pick<BringUpOptions, "clock" | "signal">,
  start: () => Promise<T>,
): Promise<T> {
  const deadlineMs = clock.monotonicMs() + driverLimits.diskLockPatienceMs;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!isLocked(error)) throw error;
      if (clock.monotonicMs() < deadlineMs) await delay(clock, driverLimits.diskLockRetryMs, signal);
      else throw stillLocked(instanceId, error);
    }
  }
}

/** QEMU's error for a disk that another process has open. Source: QEMU 7.2, block/file-posix.c. */
const isLocked = (error: unknown): error is StatusError =>
  error instanceof StatusError && /Failed to get (?:shared )?"write" lock/.test(error.detail ?? "");

function stillLocked(instanceId: string, cause: StatusError): StatusError {
  const message = `The disk of instance ${instanceId} is in use by another process.`;
  const detail = cause.detail === undefined ? {} : { detail: cause.detail };
  return new StatusError("hypervisorRefused", message, { cause, ...detail });
}

async function connectWhenReady(guest: QemuGuest, spawned: SpawnedGuest, options: BringUpOptions) {
  const { clock, signal } = options;
  const deadline = clock.monotonicMs() + qemuLimits.qmpGreetingTimeoutMs;
  const changes = new Changes(join(spawned.process.directory, guestFiles.runtime));
  let ended = false;
  void spawned.ended.then(() => {
    ended = true;
    changes.notify();
  });
  try {
    while (!(await tryConnect(guest, signal))) {
      if (ended) throw new Error("The process ended before it could be asked anything.");
      if (clock.monotonicMs() > deadline)
        throw new Error("The process did not offer its QMP socket in time.");
      await changes.next(clock, signal);
      if (signal.aborted) throw abortError();
    }
  } finally {
    changes.close();
  }
}

async function tryConnect(guest: QemuGuest, signal: AbortSignal): Promise<boolean> {
  try {
    await guest.connect(signal);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ECONNREFUSED") return false;
    throw error;
  }
}

/** Resolves when something changed in a directory, at the latest after a probe period. */
class Changes {
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(directory: string) {
    try {
      this.#watcher = watch(directory, () => this.notify());
      this.#watcher.on("error", () => this.close());
    } catch {
      // The kernel's watches are used up: looking every few ms is slower, and otherwise the same.
      this.#watcher = undefined;
    }
  }

  notify(): void {
    this.#changed = true;
    this.#wake?.();
  }

  async next(clock: Clock, signal: AbortSignal): Promise<void> {
    if (this.#changed) {
      this.#changed = false;
      await delay(clock, listenProbePeriodMs, signal);
      return;
    }
    const early = new AbortController();
    this.#wake = () => early.abort();
    await delay(clock, socketProbePeriodMs, AbortSignal.any([signal, early.signal]));
    this.#wake = undefined;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/**
 * The error of a failed start. QEMU's standard error says why, but may hold paths, so it goes to the log
 * only.
 */
async function startError(guest: QemuGuest, ended: boolean, cause: unknown): Promise<StatusError> {
  const { directory, tag } = guest.process;
  const detail = await lastWords(directory);
  const full = /No space left on device/.test(detail);
  const how = ended ? "ended at its start" : "could not be started";
  const message = full
    ? `The hypervisor of instance ${tag.instanceId} has no space left on the host.`
    : `The hypervisor of instance ${tag.instanceId} ${how}.`;
  return new StatusError(full ? "diskFull" : "hypervisorRefused", message, { cause, detail });
}
