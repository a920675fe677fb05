/**
 * The verbs of the hypervisor port for volumes of running guests. They are steps in the instance's turn; what
 * waits for a guest waits without the turn, so that the guest can be paused, resumed and ended meanwhile.
 */
import type {
  AttachedVolume,
  DetachOptions,
  GuestVolume,
  RootCopy,
  VolumeName,
} from "../../../actors/ports/hypervisor.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { refuseOtherEpoch } from "./cards.ts";
import { allowFileBytes } from "./file-limit.ts";
import type { QemuGuest } from "./guest.ts";
import type { QemuOptions } from "./options.ts";
import {
  attachBySteps,
  attachOne,
  detachBySteps,
  detachOne,
  refuseShrinking,
  resize,
  volumesIn,
} from "./plugging.ts";
import { QmpRefusal, QmpSilence } from "./qmp.ts";
import { copyRoot, endCopy, type OnGuest } from "./root-copy.ts";
import { refuseUnfit } from "./starting.ts";
import { readyVolumes } from "./volume-sockets.ts";

function failureOf(instanceId: string, cause: unknown): unknown {
  const isGone = cause instanceof StatusError && cause.reason === "guestFailed";
  const detail = String(cause);
  if (isGone || cause instanceof QmpSilence) {
    const message = `The process of instance ${instanceId} ended while its disk was copied.`;
    return new StatusError("copyLost", message, { cause, detail });
  }
  if (!(cause instanceof QmpRefusal)) return cause;
  const message = `The hypervisor of instance ${instanceId} does not copy its disk.`;
  return new StatusError("hypervisorRefused", message, { cause, detail });
}

/** What the volume may have to be written at. */
const sizeIn = ({ volumes = [] }: MachineSpec, { volumeId }: VolumeName): number =>
  volumes.find((one) => one.volumeId === volumeId)?.sizeBytes ?? 0;

type Known = Pick<QemuOptions, "clock" | "shapes" | "log">;

export abstract class VolumeVerbs {
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
  }

  /** In the instance's turn, with its living guest. @throws guestFailed when there is none */
  protected abstract command<T>(
    instanceId: string,
    signal: AbortSignal,
    work: (guest: QemuGuest) => Promise<T>,
  ): Promise<T>;

  attachVolume(spec: MachineSpec, volume: GuestVolume, signal: AbortSignal): Promise<void> {
    const { instanceId } = spec;
    return attachBySteps({ clock: this.#known.clock, signal, instanceId }, (asking) =>
      this.command(instanceId, signal, async (guest) => {
        await refuseUnfit(spec, this.#known.shapes);
        refuseOtherEpoch(guest.facts, spec);
        await readyVolumes(spec, [volume]);
        await allowFileBytes(guest.process.pid, sizeIn(spec, volume));
        const { directory } = guest.process;
        return guest.onVolumes(signal, (plugging) =>
          attachOne(volume, asking, { ...plugging, spec, directory }),
        );
      }),
    );
  }

  detachVolume(
    spec: MachineSpec,
    volume: VolumeName,
    options: DetachOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { instanceId } = spec;
    return detachBySteps({ ...options, clock: this.#known.clock, signal, instanceId }, (asking) =>
      this.command(instanceId, signal, async (guest) => {
        refuseOtherEpoch(guest.facts, spec);
        return guest.onVolumes(signal, (plugging) => detachOne(volume, asking, plugging));
      }),
    );
  }

  volumesOf(instanceId: string, signal: AbortSignal): Promise<readonly AttachedVolume[]> {
    return this.command(instanceId, signal, (guest) => guest.onVolumes(signal, volumesIn));
  }

  resizeVolume(
    spec: MachineSpec,
    volume: GuestVolume,
    sizeBytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    return this.command(spec.instanceId, signal, async (guest) => {
      refuseOtherEpoch(guest.facts, spec);
      await refuseShrinking(volume.device, sizeBytes, this.#known.clock);
      await allowFileBytes(guest.process.pid, sizeBytes);
      await guest.onVolumes(signal, (plugging) => resize(volume, sizeBytes, plugging));
    });
  }

  async copyRoot(instanceId: string, copy: RootCopy, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#known;
    const copying = { ...copy, clock, log, signal, onGuest: this.#copying(instanceId) };
    await copyRoot(copying).catch((error: unknown) => {
      throw failureOf(instanceId, error);
    });
  }

  /** Of a guest that lives. */
  async endCopy(instanceId: string): Promise<void> {
    await endCopy(this.#copying(instanceId), this.#known.clock);
  }

  #copying(instanceId: string): OnGuest {
    return (signal, work) =>
      this.command(instanceId, signal, (guest) =>
        guest.onDisks(signal, (plugging) => work({ ...plugging, directory: guest.process.directory })),
      );
  }

  continueFull(instanceId: string, signal: AbortSignal): Promise<boolean> {
    return this.command(instanceId, signal, (guest) => guest.continueFull(signal));
  }
}
