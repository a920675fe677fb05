/**
 * Control over one living guest: its QMP connection, its state, and its end. Made for a process that was just
 * started, or for one that was found; from then on there is no difference. The connection may break and be
 * opened again; events are lost meanwhile, so the state is read anew, and a change is reported as if it had
 * just happened. The guest is gone only when the kernel says that its process is.
 */
import { join } from "node:path";
import type { Guest, GuestEvent, GuestStatus, Loss } from "../../../actors/ports/hypervisor.ts";
import { networkLimits } from "../../../protocol/limits/network.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { guestFiles } from "../guest-directory.ts";
import { isAlive, signalProcess, waitGone } from "../process-table.ts";
import { delay, isAbort, throwIfAborted } from "../waiting.ts";
import { type Change, isFull, isOfFullDisk, meaningOf, placeLeft, statusOf } from "./guest-events.ts";
import { type GuestProcess, lastWords } from "./guest-process.ts";
import { parseGuestName } from "./guest-tag.ts";
import { qemuLimits } from "./limits.ts";
import type { Plugging } from "./plugging.ts";
import { asObject, QmpConnection, type QmpEvent, QmpSilence } from "./qmp.ts";
import { type Card, type Placed, type Rewiring, rewireGuest, unplugOthers } from "./rewiring.ts";

export interface GuestOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** False while its start is under way: then its end is reported to the starter only. */
  readonly established: boolean;
  readonly emit: (event: GuestEvent) => void;
  /** Why the process ended; asked when it is proved gone, and before `onGone`. Absent: nobody can tell. */
  readonly whyLost?: () => Promise<Loss | undefined>;
  /** Called once, when the process is proved gone. */
  readonly onGone: () => void;
}

export class QemuGuest {
  readonly process: GuestProcess;
  readonly #options: GuestOptions;
  #qmp: QmpConnection | undefined;
  #status: GuestStatus = "paused";
  /** The full disk that it last waited for has not let it go on since. */
  #isFull = false;
  /** When it was last let go on. */
  #retriedAtMs = Number.NEGATIVE_INFINITY;
  /** Number of our commands under way: QEMU's events about them are not news. */
  #commanded = 0;
  #halting = false;
  #released = false;
  #gone = false;
  #recovering = false;
  #established: boolean;

  constructor(process: GuestProcess, options: GuestOptions) {
    this.process = process;
    this.#options = options;
    this.#established = options.established;
  }

  /** Marks the start as successful. @throws Error when the process has ended in the meantime */
  establish(): void {
    if (this.#gone) throw new Error("The process ended during its start.");
    this.#established = true;
  }

  get facts(): Guest {
    const { tag, pid, startedAtMs } = this.process;
    const { instanceId, ownerEpoch } = tag;
    const isFull = this.#isFull && this.#status === "paused";
    const why = isFull ? { pausedBy: "diskFull" as const } : {};
    return { instanceId, ownerEpoch, pid, startedAtMs, status: this.#status, ...why };
  }

  /** Opens the QMP connection. @throws QmpSilence, QmpRefusal, AbortError, or the socket's error */
  async connect(signal?: AbortSignal): Promise<void> {
    const path = join(this.process.directory, guestFiles.qmp);
    let current: QmpConnection | undefined;
    const qmp = await QmpConnection.open(path, {
      clock: this.#options.clock,
      log: this.#options.log,
      greetingTimeoutMs: qemuLimits.qmpGreetingTimeoutMs,
      signal,
      onEvent: (event) => this.#take(event),
      onClose: () => {
        if (current === this.#qmp) this.#qmp = undefined;
        if (current !== undefined) this.recover();
      },
    });
    try {
      await this.#prove(qmp, signal);
      const answer = await qmp.execute("query-status", {}, signal);
      const status = statusOf(answer);
      if (qmp.closed) throw new QmpSilence("The connection to QEMU ended.");
      current = qmp;
      this.#qmp = qmp;
      this.#status = status;
      this.#isFull = isFull(answer);
    } catch (error) {
      qmp.close();
      throw error;
    }
  }

  /** Proves that the listener is exactly this guest of this owner epoch: a socket is only a name. */
  async #prove(qmp: QmpConnection, signal?: AbortSignal): Promise<void> {
    const [uuid, name] = await Promise.all([
      qmp.execute("query-uuid", {}, signal),
      qmp.execute("query-name", {}, signal),
    ]);
    const tag = parseGuestName(String(asObject(name)?.name));
    const { instanceId, ownerEpoch } = this.process.tag;
    if (
      asObject(uuid)?.UUID === instanceId &&
      tag?.instanceId === instanceId &&
      tag.ownerEpoch === ownerEpoch
    )
      return;
    throw new QmpSilence("Something else listens on the guest's QMP socket.");
  }

  /**
   * Tries to connect again until the connection is back, or the process is gone. Idempotent, never throws.
   */
  recover(): void {
    if (this.#recovering || this.#released || this.#gone) return;
    this.#recovering = true;
    void this.#recover().finally(() => {
      this.#recovering = false;
    });
  }

  async #recover(): Promise<void> {
    let backoffMs: number = qemuLimits.qmpReconnectBackoffMsMin;
    while (!this.#released && !this.#halting) {
      if (!(await isAlive(this.process))) return this.#end();
      const before = this.#status;
      try {
        await this.connect();
        if (this.#released) this.#qmp?.close();
        else {
          this.#tellChange(before);
          this.#tellEjected({});
        }
        return;
      } catch (error) {
        this.#options.log.debug({ error: String(error), ...this.process.tag }, "a guest does not answer");
      }
      await delay(this.#options.clock, backoffMs);
      backoffMs = Math.min(backoffMs * 2, qemuLimits.qmpReconnectBackoffMsMax);
    }
  }

  #tellChange(before: GuestStatus): void {
    if (before === this.#status) return;
    const kind = this.#status === "running" ? "resumed" : this.#status;
    this.#options.emit(this.#told(kind));
  }

  /** While nobody listened, any of its volumes may have gone. */
  #tellEjected(which: { readonly place?: number }): void {
    const { instanceId } = this.process.tag;
    if (this.#established) this.#options.emit({ kind: "ejected", instanceId, ...which });
  }

  /** Called when the process is proved gone. */
  #end(): void {
    if (this.#gone || this.#released) return;
    this.#gone = true;
    this.#qmp?.close();
    const why = this.#options.whyLost?.();
    this.#options.onGone();
    if (this.#established && !this.#halting) void this.#tellLoss(why);
  }

  async #tellLoss(asked: Promise<Loss | undefined> | undefined): Promise<void> {
    const { instanceId } = this.process.tag;
    const why = await asked?.catch((error: unknown) => {
      this.#options.log.warn({ instanceId, error: String(error) }, "why a guest ended could not be read");
      return undefined;
    });
    this.#options.emit({ kind: "lost", instanceId, ...(why === undefined ? {} : { why }) });
  }

  #take(event: QmpEvent): void {
    const asked = this.#commanded > 0 || this.#halting;
    if (isOfFullDisk(event)) this.#isFull = true;
    const place = placeLeft(event);
    if (place !== undefined) this.#tellEjected({ place });
    const change = meaningOf(event, this.#status);
    if (change === undefined) return;
    this.#status = change.status;
    if (change.kind === "resumed") this.#isFull = false;
    const isNews = !(asked && change.ours) || (change.kind === "paused" && this.#isFull);
    if (isNews) this.#options.emit(this.#told(change.kind));
  }

  #told(kind: Change["kind"]): GuestEvent {
    const { instanceId } = this.process.tag;
    if (kind === "paused") return this.#isFull ? { kind, instanceId, why: "diskFull" } : { kind, instanceId };
    return { kind, instanceId };
  }

  /** Lets it go on that waits for room on a full disk. False: it does not, or has just been let. */
  async continueFull(signal: AbortSignal): Promise<boolean> {
    const nowMs = this.#options.clock.monotonicMs();
    const isEarly = nowMs - this.#retriedAtMs < qemuLimits.fullDiskRetryMs;
    if (this.facts.pausedBy === undefined || isEarly) return false;
    this.#retriedAtMs = nowMs;
    await this.#command(["cont"], signal);
    return true;
  }

  /** Linux's thread ids of the vCPUs, in their order. @throws QmpSilence, QmpRefusal */
  async vcpuThreads(): Promise<readonly number[]> {
    if (this.#qmp === undefined) throw new QmpSilence("QEMU does not answer.");
    const answer = await this.#qmp.execute("query-cpus-fast", {});
    const cpus = Array.isArray(answer) ? answer.map(asObject) : [];
    const known = cpus.flatMap((cpu) => {
      const [index, thread] = [cpu?.["cpu-index"], cpu?.["thread-id"]];
      return typeof index === "number" && typeof thread === "number" ? [{ index, thread }] : [];
    });
    return known.sort((left, right) => left.index - right.index).map(({ thread }) => thread);
  }

  async pause(signal: AbortSignal): Promise<void> {
    if (this.#status === "paused") return;
    if (this.#status !== "running") {
      const message = `Instance ${this.process.tag.instanceId} has ended by itself and cannot be paused.`;
      throw new StatusError("hypervisorRefused", message);
    }
    await this.#command(["stop"], signal);
    this.#status = "paused";
  }

  async resume(signal: AbortSignal): Promise<void> {
    // The state that was seen last says nothing of a process that does not answer: perhaps it is being
    // killed.
    if (this.#status === "running" && this.#qmp !== undefined) return;
    await this.#command(["cont"], signal);
    this.#status = "running";
  }

  async pressPowerButton(signal: AbortSignal): Promise<void> {
    await this.#command(["system_powerdown"], signal);
  }

  /**
   * Resets the guest. A reset leaves stopped CPUs stopped, and a guest that had ended is in `prelaunch`
   * afterwards: `cont` in either case.
   */
  async reset(signal: AbortSignal): Promise<void> {
    await this.#command(["system_reset", "cont"], signal);
    this.#status = "running";
  }

  /** Makes its interfaces these. @throws hypervisorRefused, AbortError */
  rewire(cards: readonly Card[], signal: AbortSignal): Promise<void> {
    return this.#rewiring(signal, (rewiring) => rewireGuest(cards, rewiring));
  }

  /** Takes away every interface that is not one of these. @throws hypervisorRefused, AbortError */
  async unplugOthers(wanted: readonly Placed[], signal: AbortSignal): Promise<void> {
    await this.#rewiring(signal, (rewiring) => unplugOthers(wanted, rewiring));
  }

  #rewiring<T>(signal: AbortSignal, change: (rewiring: Rewiring) => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const places = networkLimits.interfacesPerInstanceMax;
    return this.#plugging("interfaces", signal, (plugging) => change({ ...plugging, places, clock }));
  }

  /** Works on its volumes. @throws hypervisorRefused, AbortError */
  onVolumes<T>(signal: AbortSignal, work: (plugging: Plugging) => Promise<T>): Promise<T> {
    return this.#plugging("volumes", signal, work);
  }

  /** Works on its disks; what QEMU itself has refused or not answered passes as it is. */
  onDisks<T>(signal: AbortSignal, work: (plugging: Plugging) => Promise<T>): Promise<T> {
    if (this.#qmp === undefined) return Promise.reject(new QmpSilence("QEMU does not answer."));
    return work({ qmp: this.#qmp, instanceId: this.process.tag.instanceId, signal });
  }

  async #plugging<T>(
    what: string,
    signal: AbortSignal,
    change: (plugging: Plugging) => Promise<T>,
  ): Promise<T> {
    const { instanceId } = this.process.tag;
    try {
      if (this.#qmp === undefined) throw new QmpSilence("QEMU does not answer.");
      return await change({ qmp: this.#qmp, instanceId, signal });
    } catch (error) {
      if (isAbort(error) || error instanceof StatusError) throw error;
      const message = `The hypervisor did not change the ${what} of instance ${instanceId}.`;
      throw new StatusError("hypervisorRefused", message, { cause: error, detail: String(error) });
    }
  }

  async #command(commands: readonly string[], signal: AbortSignal): Promise<void> {
    const [first = "nothing"] = commands;
    this.#commanded += 1;
    try {
      if (this.#qmp === undefined) throw new QmpSilence("QEMU does not answer.");
      for (const command of commands) await this.#qmp.execute(command, {}, signal);
    } catch (error) {
      if (isAbort(error)) throw error;
      const message = `The hypervisor did not carry out ${first} on instance ${this.process.tag.instanceId}.`;
      throw new StatusError("hypervisorRefused", message, { cause: error });
    } finally {
      this.#commanded -= 1;
    }
  }

  /**
   * Ends the process: by `quit`, then by SIGKILL. Resolves when the kernel says that the process is gone.
   * @throws INTERNAL guestFailed when even SIGKILL did not end it in time; AbortError
   */
  async halt(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    this.#halting = true;
    try {
      await this.#halt(signal);
      this.#end();
    } finally {
      this.#halting = false;
      if (!this.#gone && this.#qmp === undefined) this.recover();
    }
  }

  async #halt(signal?: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const waiting = { clock, ...(signal === undefined ? {} : { signal }) };
    if (await this.#quit(signal)) {
      if (await waitGone(this.process, { timeoutMs: qemuLimits.quitTimeoutMs, ...waiting })) return;
    }
    if (await signalProcess(this.process, "SIGKILL"))
      log.info({ ...this.process.tag }, "a guest had to be killed");
    if (await waitGone(this.process, { timeoutMs: qemuLimits.killTimeoutMs, ...waiting })) return;
    const message = `The process of instance ${this.process.tag.instanceId} could not be ended.`;
    throw new StatusError("guestFailed", message, { detail: await lastWords(this.process.directory) });
  }

  /** True when QEMU has taken `quit`. The deadline is short, because a QEMU that hangs is killed anyway. */
  async #quit(signal?: AbortSignal): Promise<boolean> {
    const qmp = this.#qmp;
    if (qmp === undefined) return false;
    const late = this.#options.clock.after(qemuLimits.quitTimeoutMs, () => qmp.close());
    try {
      await qmp.execute("quit", {}, signal);
      return true;
    } catch (error) {
      if (isAbort(error)) throw error;
      // QEMU may have ended before it could answer, or it hangs: the process table knows.
      return !(await isAlive(this.process));
    } finally {
      late.cancel();
    }
  }

  /** Detaches from the guest: it runs on, and is not heard of any more. */
  release(): void {
    this.#released = true;
    this.#qmp?.close();
  }
}
