/**
 * Carries out a machine's effects: one piece of work at a time on the hypervisor and the disks, and one
 * timer.
 *
 * The runner outlives the incarnations of its actor, so that after a crash the next incarnation can wait for
 * the work of the last. It never throws: the end of work is told as a message, exactly once. It decides
 * nothing.
 */
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { NetworkPicture } from "../../../protocol/networking.ts";
import { isReason } from "../../../protocol/wire/reasons.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import type { Disks } from "../../ports/disks.ts";
import type { GuestPaths, Hypervisor } from "../../ports/hypervisor.ts";
import type { Keeper } from "../../ports/keeper.ts";
import type { MachineFiles } from "../../ports/machine-files.ts";
import type { Network } from "../../ports/network.ts";
import type { DiskTurns } from "./disk-turns.ts";
import { plugIn, releaseOthers, rewire } from "./interfaces.ts";
import { releaseKept } from "./kept.ts";
import type { MachineMessage, Outcome } from "./messages.ts";
import type { Slots } from "./slots.ts";
import type { Machine, Work } from "./state.ts";
import type { HeldVolumes, VolumeNote } from "./volume-facts.ts";
import type { VolumeStorages } from "./volume-storages.ts";
import {
  changeVolumes,
  goOn,
  lookAfterStart,
  makeMissing,
  openForStart,
  releaseAll,
  type VolumeWork,
} from "./volumes.ts";
import { portsOf } from "./wiring.ts";

export interface MachinePorts {
  readonly hypervisor: Hypervisor;
  readonly disks: Disks;
  readonly storages: VolumeStorages;
  /** What guests are plugged into. Absent: the host has no network. */
  readonly network?: Network | undefined;
  /** The pictures of networks that have these ports, as soon as they are known. Absent: there are none. */
  readonly networks?:
    | ((portIds: readonly string[], signal: AbortSignal) => Promise<readonly NetworkPicture[]>)
    | undefined;
  /** Keepers of what is neither a process nor a disk: it is released with the machine. */
  readonly others: readonly Keeper[];
  readonly files: MachineFiles;
  /** What the agent understands of the needs of machines: others are none of its business. */
  readonly knows: readonly string[];
  /** How many guests of the host may boot at once. */
  readonly slots: Slots;
  /** Who may have a root disk open that no guest has. Absent: nobody else ever has. */
  readonly diskTurns?: DiskTurns | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** The incarnation that hears how work ended. */
export interface Listener {
  readonly incarnation: number;
  readonly signal: AbortSignal;
  tell(message: MachineMessage): boolean;
}

export class MachineRunner {
  /** Request id of the newest `ensure`, for the log; undefined: none came since the agent began. */
  askedBy: string | undefined;
  readonly #instanceId: string;
  readonly #ports: MachinePorts;
  #running: Promise<void> | undefined;
  #abort: AbortController | undefined;
  #timer: Timer | undefined;

  constructor(instanceId: string, ports: MachinePorts) {
    this.#instanceId = instanceId;
    this.#ports = ports;
  }

  /** Starts the work; @throws Error when other work is under way, which only a bug can cause. */
  start(work: Work, machine: Pick<Machine, "spec" | "intent" | "notes">, listener: Listener): void {
    if (this.#running !== undefined) throw new Error(`The machine ${this.#instanceId} has work under way.`);
    const abort = new AbortController();
    const end = () => abort.abort();
    if (listener.signal.aborted) end();
    listener.signal.addEventListener("abort", end);
    this.#abort = abort;
    const { spec, intent, notes } = machine;
    const { keepDisk } = intent;
    const about = { spec, keepDisk, notes, requestId: this.askedBy };
    this.#running = this.#run({ work, ...about, signal: abort.signal, listener }).finally(() =>
      listener.signal.removeEventListener("abort", end),
    );
  }

  abort(): void {
    this.#abort?.abort();
  }

  /** Resolves when no work is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  setTimer(ms: number, timerId: number, listener: Listener): void {
    this.cancelTimer();
    const { incarnation } = listener;
    this.#timer = this.#ports.clock.after(ms, () => {
      this.#timer = undefined;
      this.#deliver(listener, { kind: "timer", timerId, incarnation });
    });
  }

  cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #run(run: Run): Promise<void> {
    const outcome = await this.#outcomeOf(run);
    this.#running = undefined;
    this.#abort = undefined;
    const { work, listener } = run;
    this.#deliver(listener, {
      kind: "settled",
      workId: work.id,
      outcome,
      incarnation: listener.incarnation,
    });
  }

  async #outcomeOf(run: Run): Promise<Outcome> {
    const { clock, log } = this.#ports;
    const beganAtMs = clock.monotonicMs();
    const about = { instanceId: this.#instanceId, requestId: run.requestId, work: run.work.kind };
    try {
      const outcome = await this.#perform(run);
      log.info({ ...about, ms: Math.round(clock.monotonicMs() - beganAtMs) }, "Work of a machine is done.");
      return outcome;
    } catch (thrown) {
      if (run.signal.aborted) return { kind: "aborted" };
      const error = StatusError.from(thrown, `The ${run.work.kind} of the machine`);
      const { reason, detail } = error;
      log.warn({ ...about, reason, detail, err: thrown }, "Work of a machine failed.");
      // A record has our reasons only; that of a plug-in's driver is in the log.
      const kept = isReason(reason) ? reason : "hypervisorRefused";
      return { kind: "failed", reason: kept, message: error.message };
    }
  }

  async #perform(run: Run): Promise<Outcome> {
    const { work, signal } = run;
    const { hypervisor } = this.#ports;
    const id = this.#instanceId;
    switch (work.kind) {
      case "boot":
        return this.#withDisk(() => this.#boot(run));
      case "wire":
        return done(this.#rewire(run));
      case "pause":
        return done(hypervisor.pause(id, signal));
      case "resume":
        return done(work.isFull === true ? goOn(this.#volumeWork(run)) : hypervisor.resume(id, signal));
      case "reset":
        return done(hypervisor.reset(id, signal));
      case "press":
        return done(hypervisor.pressPowerButton(id, signal));
      case "halt":
        return done(hypervisor.halt(id, signal));
      case "release":
        // The machine file is removed later, in the turn that hears of this end: a turn that writes meanwhile
        // would make the file again.
        return this.#withDisk(() => done(this.#release(run)));
    }
  }

  /** A copy of the disk of a guest that is down is called off, and has ended when the work begins. */
  async #withDisk<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.#ports.diskTurns?.enter(this.#instanceId);
    try {
      return await work();
    } finally {
      leave?.();
    }
  }

  /** Ports and volumes at once: neither waits for the other, which may never come about. */
  async #rewire(run: Run): Promise<void> {
    const { work, spec, signal, listener } = run;
    const { hypervisor, network } = this.#ports;
    const onUnplugged = () => this.#tellStep("unplugged", work, listener);
    const parts: Promise<void>[] = [];
    if (work.ports !== undefined) {
      const wired = rewire({ hypervisor, network, spec, signal, onUnplugged });
      parts.push(wired.then(() => this.#tellStep("plugged", work, listener)));
    }
    if (work.volumes !== undefined) parts.push(changeVolumes(this.#volumeWork(run)));
    const outcomes = await Promise.allSettled(parts);
    for (const one of outcomes) if (one.status === "rejected") throw one.reason;
  }

  #volumeWork({ work, spec, notes, signal, listener }: Run): VolumeWork {
    const { incarnation } = listener;
    const tell = (held: HeldVolumes) =>
      this.#deliver(listener, { kind: "volumes", workId: work.id, incarnation, ...held });
    return { ports: this.#ports, spec, notes, signal, tell };
  }

  #tellStep(kind: "prepared" | "unplugged" | "plugged", work: Work, listener: Listener): void {
    this.#deliver(listener, { kind, workId: work.id, incarnation: listener.incarnation });
  }

  /** The disks last: until they are gone, the host knows of the machine. */
  async #release(run: Run): Promise<void> {
    const { spec, keepDisk, signal } = run;
    const { disks, others } = this.#ports;
    await releaseKept(others, spec, signal);
    if (spec.volumes !== undefined) await releaseAll(this.#volumeWork(run));
    await disks.release(this.#instanceId, spec.ownerEpoch, { keepDisk });
  }

  /**
   * Makes volumes that are missing and waits for a boot slot of this host, then makes disks and ports, then
   * starts the process.
   */
  async #boot(run: Run): Promise<Outcome> {
    const { work, spec, signal, listener } = run;
    const { hypervisor, disks, network, slots, networks = async () => [] } = this.#ports;
    const ofVolumes = this.#volumeWork(run);
    if (work.volumes !== undefined) await makeMissing(ofVolumes);
    const leave = await slots.enter(signal);
    try {
      // No guest of it lives at this moment.
      if (spec.interfaces !== undefined) {
        await releaseOthers(network, spec, signal);
        this.#tellStep("unplugged", work, listener);
      }
      // Before the disks: what the guest is told of its ports comes while they are made.
      const plugs = await plugIn(network, spec, signal);
      const pictures = () => networks(portsOf(spec) ?? [], signal);
      const made = await disks.ensure(spec, signal, pictures);
      const volumes = work.volumes === undefined ? {} : { volumes: await openForStart(ofVolumes) };
      const paths: GuestPaths = { ...made, ...plugs, ...volumes };
      signal.throwIfAborted();
      this.#tellStep("prepared", work, listener);
      const guest = await hypervisor.start(spec, paths, signal);
      if (work.volumes !== undefined) await this.#lookAfterStart(ofVolumes);
      const { ownerEpoch, status, startedAtMs, pausedBy } = guest;
      const paused = pausedBy === undefined ? {} : { pausedBy };
      return { kind: "done", guest: { ownerEpoch, status, startedAtMs, ...paused } };
    } finally {
      leave();
    }
  }

  /** The guest runs, whatever is known of it: what cannot be asked now is asked by the next work. */
  async #lookAfterStart(work: VolumeWork): Promise<void> {
    const { instanceId } = work.spec;
    await lookAfterStart(work).catch((error: unknown) =>
      this.#ports.log.warn(
        { instanceId, err: error },
        "The volumes of a guest that has started are not known.",
      ),
    );
  }

  /**
   * The mailbox keeps room for these messages; were it full all the same, the machine would hang, so the
   * failure is logged as an error.
   */
  #deliver(listener: Listener, message: MachineMessage): void {
    if (listener.tell(message) || listener.signal.aborted) return;
    const fields = { instanceId: this.#instanceId, message: message.kind };
    this.#ports.log.error(fields, "A machine did not hear what became of its work.");
  }
}

interface Run {
  readonly work: Work;
  readonly requestId: string | undefined;
  readonly spec: MachineSpec;
  readonly notes: readonly VolumeNote[];
  /** For a release: leave the disk for the next owner. */
  readonly keepDisk: boolean;
  readonly signal: AbortSignal;
  readonly listener: Listener;
}

async function done(work: Promise<void>): Promise<Outcome> {
  await work;
  return { kind: "done" };
}
