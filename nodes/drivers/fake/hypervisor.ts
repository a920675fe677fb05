/**
 * The hypervisor port on a fake world: instant guests, for the simulator, for tests, and for tests of scale.
 * It keeps the port's promises exactly as QEMU's driver does (the same contract suite passes); it must never
 * know more than a driver can.
 */
import type {
  AttachedVolume,
  DetachOptions,
  Guest,
  GuestEvent,
  GuestPaths,
  GuestVolume,
  Hypervisor,
  HypervisorCapabilities,
  VolumeName,
} from "../../../actors/ports/hypervisor.ts";
import type { NetworkDevice } from "../../../actors/ports/network.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { refuseIncomplete } from "../incomplete.ts";
import { driverLimits } from "../limits.ts";
import { refuseUnplugged } from "../unplugged.ts";
import { delay, Turns, throwIfAborted } from "../waiting.ts";
import { attachTo, detachFrom, refuseMissing, refuseShrinking, refuseUnfitVolumes } from "./guest-volumes.ts";
import { diskInUse, type FakeVerb, type FakeWorld } from "./world.ts";

const networks = ["tap", "stream"] as const;

export class FakeHypervisor implements Hypervisor {
  readonly #world: FakeWorld;
  readonly #startLatencyMs: number;
  readonly #listeners: ((event: GuestEvent) => void)[] = [];
  readonly #turns = new Turns();
  /** When a guest that a full disk had paused was last let go on. */
  readonly #retriedAtMs = new Map<string, number>();
  readonly #hear: (event: GuestEvent) => void;

  /** `startLatencyMs`: on top of the world's own. */
  constructor(world: FakeWorld, startLatencyMs = 0) {
    this.#world = world;
    this.#startLatencyMs = startLatencyMs;
    this.#hear = (event) => {
      for (const listener of this.#listeners) listener(event);
    };
    world.listen(this.#hear);
  }

  async capabilities(): Promise<HypervisorCapabilities> {
    const acceleratorReason = "Fake guests execute nothing, and end with the process that holds them.";
    return {
      ...{ kind: "fake", accelerator: "none", acceleratorReason, version: "1" },
      ...{ networks, volumes: ["file"] },
      ...{ hotPlug: true, liveMigration: false, console: true, save: false, configDrive: true },
      ...{ localDisks: true },
      shapes: this.#world.shapes.offered,
    };
  }

  /** One start at a time per instance, as in every driver: two concurrent starts must not make two guests. */
  start(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest> {
    return this.#turns.run(spec.instanceId, () => {
      refuseIncomplete(spec, paths);
      refuseUnplugged(spec, paths, networks);
      refuseUnfitVolumes(spec, paths.volumes ?? []);
      return this.#start(spec, paths, signal);
    });
  }

  async #start(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest> {
    await this.#world.enter("start", spec.instanceId, signal);
    const living = this.#world.find(spec.instanceId);
    if (living === undefined) return this.#boot(spec, paths, signal);
    if (this.#world.isDying(spec.instanceId)) throw silent(spec.instanceId);
    if (living.ownerEpoch > spec.ownerEpoch) {
      const message = `A guest of a newer epoch of instance ${spec.instanceId} runs on this host.`;
      throw new StatusError("staleEpoch", message);
    }
    if (
      living.ownerEpoch === spec.ownerEpoch &&
      (living.status === "running" || living.status === "paused")
    ) {
      await paths.plugged?.(signal);
      this.#world.setStatus(spec.instanceId, "running");
      return { ...living, status: "running" };
    }
    await this.#end(spec.instanceId, signal);
    return this.#boot(spec, paths, signal);
  }

  /** A disk that another process still has open is waited for, as in QEMU's driver. */
  async #boot(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest> {
    const { clock, shapes } = this.#world;
    // A fake guest opens no device.
    await paths.plugged?.(signal);
    shapes.give(spec.instanceId, spec.shape);
    const volumes = new Map<number, AttachedVolume>();
    for (const volume of paths.volumes ?? []) attachTo(volumes, volume);
    if (this.#startLatencyMs > 0) await delay(clock, this.#startLatencyMs, signal);
    const deadlineMs = clock.monotonicMs() + driverLimits.diskLockPatienceMs;
    for (;;) {
      try {
        for (const [, volume] of volumes) refuseMissing(this.#world, volume);
        return await this.#world.boot(spec, signal, volumes);
      } catch (error) {
        const inUse = error instanceof StatusError && error.message === diskInUse(spec.instanceId);
        if (!inUse || clock.monotonicMs() >= deadlineMs) throw error;
        await delay(clock, driverLimits.diskLockRetryMs, signal);
      }
    }
  }

  async list(): Promise<readonly Guest[]> {
    return this.#world.list();
  }

  async inspect(instanceId: string): Promise<Guest | undefined> {
    return this.#world.find(instanceId);
  }

  async pause(instanceId: string, signal: AbortSignal): Promise<void> {
    const guest = await this.#living("pause", instanceId, signal);
    if (hasEnded(guest)) throw refused(instanceId, "paused");
    this.#world.setStatus(instanceId, "paused");
  }

  async resume(instanceId: string, signal: AbortSignal): Promise<void> {
    const guest = await this.#living("resume", instanceId, signal);
    if (hasEnded(guest)) throw refused(instanceId, "resumed");
    this.#world.setStatus(instanceId, "running");
  }

  async pressPowerButton(instanceId: string, signal: AbortSignal): Promise<void> {
    await this.#living("pressPowerButton", instanceId, signal);
    this.#world.pressButton(instanceId);
  }

  async reset(instanceId: string, signal: AbortSignal): Promise<void> {
    await this.#living("reset", instanceId, signal);
    this.#world.reboot(instanceId);
  }

  rewire(spec: MachineSpec, devices: readonly NetworkDevice[], signal: AbortSignal): Promise<void> {
    return this.#turns.run(spec.instanceId, async () => {
      refuseUnplugged(spec, { interfaces: devices }, networks);
      const { ownerEpoch } = await this.#living("rewire", spec.instanceId, signal);
      if (ownerEpoch !== spec.ownerEpoch) throw otherEpoch(spec.instanceId);
      this.#world.rewire(spec);
    });
  }

  unplugOthers(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    return this.#turns.run(spec.instanceId, async () => {
      const { ownerEpoch } = await this.#living("unplugOthers", spec.instanceId, signal);
      if (ownerEpoch !== spec.ownerEpoch) throw otherEpoch(spec.instanceId);
      this.#world.unplugOthers(spec);
    });
  }

  attachVolume(spec: MachineSpec, volume: GuestVolume, signal: AbortSignal): Promise<void> {
    return this.#turns.run(spec.instanceId, async () => {
      const volumes = await this.#volumesOf("attachVolume", spec, signal);
      refuseMissing(this.#world, volume);
      attachTo(volumes, volume);
    });
  }

  async detachVolume(
    spec: MachineSpec,
    volume: VolumeName,
    options: DetachOptions,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#volumesOf("detachVolume", spec, signal);
    await detachFrom(this.#world, spec.instanceId, volume, { ...options, signal });
  }

  async volumesOf(instanceId: string, signal: AbortSignal): Promise<readonly AttachedVolume[]> {
    await this.#living("volumesOf", instanceId, signal);
    return [...(this.#world.processOf(instanceId)?.volumes.values() ?? [])];
  }

  async resizeVolume(spec: MachineSpec, volume: GuestVolume, sizeBytes: number, signal: AbortSignal) {
    refuseShrinking(this.#world, volume, sizeBytes);
    const volumes = await this.#volumesOf("resizeVolume", spec, signal);
    const has = volumes.get(volume.place);
    if (has?.volumeId === volume.volumeId && has.epoch === volume.epoch && has.state === "attached") return;
    throw new StatusError("hypervisorRefused", `Instance ${spec.instanceId} has no such volume.`);
  }

  async continueFull(instanceId: string, signal: AbortSignal): Promise<boolean> {
    const { pausedBy } = await this.#living("continueFull", instanceId, signal);
    const nowMs = this.#world.clock.monotonicMs();
    const isEarly = nowMs - (this.#retriedAtMs.get(instanceId) ?? Number.NEGATIVE_INFINITY) < fullDiskRetryMs;
    if (pausedBy === undefined || isEarly) return false;
    this.#retriedAtMs.set(instanceId, nowMs);
    this.#world.setStatus(instanceId, "running");
    return true;
  }

  async #volumesOf(verb: FakeVerb, { instanceId, ownerEpoch, shape }: MachineSpec, signal: AbortSignal) {
    const guest = await this.#living(verb, instanceId, signal);
    if (guest.ownerEpoch !== ownerEpoch) throw otherEpoch(instanceId);
    if (shape === undefined)
      throw new StatusError("hypervisorRefused", `Instance ${instanceId} has no places for volumes.`);
    return this.#world.processOf(instanceId)?.volumes ?? new Map<number, AttachedVolume>();
  }

  halt(instanceId: string, signal: AbortSignal): Promise<void> {
    return this.#turns.run(instanceId, async () => {
      await this.#world.enter("halt", instanceId, signal);
      await this.#end(instanceId, signal);
    });
  }

  /**
   * Kills the process, and resolves when no thread of it is left. @throws guestFailed when that takes long
   */
  async #end(instanceId: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#world;
    const deadlineMs = clock.monotonicMs() + killPatienceMs;
    this.#world.end(instanceId);
    while (this.#world.find(instanceId) !== undefined) {
      throwIfAborted(signal);
      if (clock.monotonicMs() >= deadlineMs)
        throw new StatusError("guestFailed", `The process of instance ${instanceId} could not be ended.`);
      await delay(clock, driverLimits.diskLockRetryMs, signal);
    }
  }

  onEvent(listener: (event: GuestEvent) => void): void {
    this.#listeners.push(listener);
  }

  async detach(): Promise<void> {
    this.#world.unlisten(this.#hear);
  }

  async #living(verb: FakeVerb, instanceId: string, signal: AbortSignal): Promise<Guest> {
    await this.#world.enter(verb, instanceId, signal);
    const guest = this.#world.find(instanceId);
    if (!this.#world.answers(instanceId)) throw silent(instanceId);
    if (guest !== undefined) return guest;
    throw new StatusError("guestFailed", `Instance ${instanceId} has no running process.`);
  }
}

/** As QEMU's driver. */
const fullDiskRetryMs = 10_000;

/** As QEMU's driver: from SIGKILL until it gives up waiting for the end. */
const killPatienceMs = 15_000;

const otherEpoch = (instanceId: string): StatusError =>
  new StatusError("staleEpoch", `A guest of another epoch of instance ${instanceId} runs on this host.`);

const silent = (instanceId: string): StatusError =>
  new StatusError("hypervisorRefused", `The hypervisor of instance ${instanceId} does not answer.`);

const hasEnded = (guest: Guest): boolean => guest.status === "shutdown" || guest.status === "panicked";

const refused = (instanceId: string, what: string): StatusError =>
  new StatusError("hypervisorRefused", `Instance ${instanceId} has ended by itself and cannot be ${what}.`);
