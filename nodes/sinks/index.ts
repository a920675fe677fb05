/**
 * The sinks of a cluster: opens them, runs a courier for each, and says how they are. Every controller of a
 * computer has them, and one of them at a time brings a sink its events.
 */
import type { EventSink } from "../../actors/ports/event-sink.ts";
import { Courier, type CourierOptions } from "./courier.ts";
import type { SinkContext, SinkDriver } from "./kinds.ts";
import { sinkLimits } from "./limits.ts";
import { rememberedOf } from "./memory.ts";

/** A sink as the configuration has it. */
interface Chosen {
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface OpenedSink {
  readonly name: string;
  readonly sink: EventSink;
}

/** @throws Error with the words of the driver: which sink, and what cannot be used */
export function openSinks(
  chosen: readonly Chosen[],
  drivers: Readonly<Record<string, SinkDriver>>,
  context: Omit<SinkContext, "name">,
): readonly OpenedSink[] {
  return chosen.map(({ name, driver, options }, index) => {
    try {
      const sink = drivers[driver]?.open({ ...context, name }, options);
      if (typeof sink?.deliver !== "function") throw new Error("its driver has opened nothing");
      return { name, sink };
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new SinkError(index, `sinks.${index} (${name}): ${why.slice(0, sinkLimits.whyLengthMax)}`);
    }
  });
}

/** A sink that cannot be opened, by its index in the configuration. */
export class SinkError extends Error {
  override readonly name = "SinkError";
  readonly index: number;

  constructor(index: number, message: string) {
    super(message);
    this.index = index;
  }
}

/** Begins to bring events to the sinks; answers how to end it. */
export function runSinks(
  sinks: readonly OpenedSink[],
  common: Omit<CourierOptions, "name" | "sink">,
): { stop(): Promise<void> } {
  const couriers = sinks.map((one) => new Courier({ ...common, ...one }));
  return {
    stop: async () => {
      await Promise.all(couriers.map((courier) => courier.stop()));
    },
  };
}

/** What is wrong with the sinks, for the doctor: it reads what their couriers have written. */
export function ailingSinks(names: readonly string[], directory: string, nowMs: number) {
  return names.flatMap((name) => {
    const { failingSinceMs, why = "", missed } = rememberedOf(directory, name);
    const isFailing = failingSinceMs !== undefined && nowMs - failingSinceMs >= sinkLimits.failingShownMs;
    const isMissed = missed !== undefined && nowMs - missed.atMs < sinkLimits.missedShownMs;
    return [
      ...(isFailing ? [{ name, failingSinceMs, why }] : []),
      ...(isMissed ? [{ name, missed: missed.events }] : []),
    ];
  });
}
