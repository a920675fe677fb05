/**
 * The instances that a controller has in memory (actors/runtime/residents.ts): how many, and for how long. It
 * adds nothing to what every kind of resident has.
 */
import type { LoadedInstance } from "../../records/instance.ts";
import { Residents } from "../../runtime/residents.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import { type InstanceActorOptions, InstanceKind } from "./actor.ts";
import { instanceLimits } from "./limits.ts";
import type { InstanceEffect, InstanceEvent, InstanceMessage } from "./messages.ts";

type Options = Omit<InstanceActorOptions, "deliver">;

const limits = {
  residentsMax: instanceLimits.instanceActorsMax,
  sweepPeriodMs: instanceLimits.passivateSweepMs,
  idleMs: instanceLimits.passivateAfterMs,
} as const;

export class InstanceRegistry extends Residents<
  LoadedInstance,
  InstanceEvent,
  InstanceMessage,
  InstanceEffect
> {
  constructor(system: ActorSystem, options: Options) {
    super(system, { ...options, limits, kind: (deliver) => new InstanceKind({ ...options, deliver }) });
  }

  /**
   * Starts the actor of an instance that was just created: it begins with the committed rows, and tells the
   * hosts.
   */
  adopt(loaded: LoadedInstance): void {
    this.begin(loaded.instance.id, loaded, { kind: "tellHosts" });
  }
}
