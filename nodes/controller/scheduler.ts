/**
 * The scheduler's actor of a controller, and what asks its ranking beside it: with the filters, weighers and
 * facts of plug-ins, whose faults are noted and harm nothing else.
 */
import type { NamedExtensions } from "../../actors/control/extensions/definition.ts";
import { startFacts } from "../../actors/control/extensions/facts.ts";
import { schedulerDefinition } from "../../actors/control/scheduler/actor.ts";
import { ForeignFaults } from "../../actors/control/scheduler/foreign-faults.ts";
import { proposal } from "../../actors/control/scheduler/propose.ts";
import { createScheduler, type SchedulerOptions } from "../../actors/control/scheduler/schedule.ts";
import type { Store } from "../../actors/ports/store.ts";
import type { Meter } from "../../actors/runtime/meter.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";

export interface SchedulerPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly firstTurn: number;
  readonly scheduler: SchedulerOptions;
  readonly extensions?: readonly NamedExtensions[];
  readonly meter?: Meter | undefined;
}

/** Begins the actor. `propose` ranks without it, on hosts that it is given. */
export function schedulerOf(ports: SchedulerPorts, system: ActorSystem) {
  const { store, clock, log, firstTurn } = ports;
  const faults = new ForeignFaults({ clock, log, meter: ports.meter });
  const ranking = createScheduler({ ...ports.scheduler, note: faults.note });
  const { withFacts } = startFacts(system, ports.extensions ?? [], { store, log, note: faults.note });
  const scheduler = system.spawn(schedulerDefinition({ scheduler: ranking, store, firstTurn, withFacts }));
  const propose = (question: Parameters<typeof proposal>[1]) =>
    proposal(
      ranking,
      { ...question, hosts: withFacts(question.hosts) },
      { atMs: clock.monotonicMs(), wallMs: clock.nowMs() },
    );
  return { faults, withFacts, scheduler, propose };
}
