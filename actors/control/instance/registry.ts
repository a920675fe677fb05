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
   * Starts the actors of instances that were just created together: each begins with its committed rows, and
   * tells the hosts.
   */
  adopt(created: readonly LoadedInstance[]): void {
    this.begin(
      created.map((loaded) => ({ id: loaded.instance.id, loaded, message: { kind: "tellHosts" } as const })),
    );
  }

  /** Has the instance look for what is left to do; one that has not begun will do so by itself. */
  nudge(id: string): void {
    if (!this.isUnbegun(id)) void this.tell(id, { kind: "reconcile" });
  }
}
