/**
 * A sink of events in the simulated cell, and what all controllers of its computer remember of it. It is
 * slow, refuses, says no to what it has taken, and now and then the memory cannot be kept. The couriers are
 * the real ones; the sink tells the judge of each event that has come to its place.
 */
import type { EventSink } from "../../actors/ports/event-sink.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import type { CourierOptions } from "../../nodes/sinks/courier.ts";
import { runSinks } from "../../nodes/sinks/index.ts";
import type { SinkMemories, SinkMemory } from "../../nodes/sinks/memory.ts";
import type { Kernel } from "./kernel.ts";
import type { Parameters } from "./plan-parameters.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";

/** Of the only sink. */
export const sinkName = "audit";

interface SinkOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly latencyMs: number;
  /** Events have come to the sink's place, with these numbers. */
  readonly told: (sink: string, sequences: readonly number[]) => void;
}

/** Undefined: the plan has none. */
export const sinkOf = (
  { sink, latencyMs }: Pick<Parameters, "sink" | "latencyMs">,
  options: Omit<SinkOptions, "latencyMs">,
): SimulatedSink | undefined => sink && new SimulatedSink({ ...options, latencyMs });

export class SimulatedSink {
  readonly #options: SinkOptions;
  /** JSON by the sink's name: an object could be changed by whoever has read it. */
  readonly #memories = new Map<string, string>();
  /** How often a delivery fails before or after it has come, and a memory is not kept. */
  readonly #rates = { refused: 0.15, answerLost: 0.1, unkept: 0.05 };

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  heal(): void {
    Object.assign(this.#rates, { refused: 0, answerLost: 0, unkept: 0 });
  }

  /** How far the sink is remembered to have got. */
  get sequence(): number {
    return this.#remembered(sinkName).sequence;
  }

  /** Couriers for one life of a controller. */
  at(process: SimulatedProcess, { store, holder }: Pick<CourierOptions, "store" | "holder">) {
    const memories: SinkMemories = {
      of: (name) => this.#remembered(name),
      keep: (name, memory) => {
        if (this.#options.random.chance(this.#rates.unkept)) throw new Error("the memory cannot be kept");
        this.#memories.set(name, JSON.stringify(memory));
      },
    };
    const sinks = [{ name: sinkName, sink: this.#sinkOf(process) }];
    const { log } = process;
    const openSinks = (system: ActorSystem) => runSinks(sinks, { store, system, log, memories, holder });
    return { openSinks };
  }

  #remembered(name: string): SinkMemory {
    return JSON.parse(this.#memories.get(name) ?? '{"sequence":0}');
  }

  #sinkOf(process: SimulatedProcess): EventSink {
    const { kernel, random, latencyMs, told } = this.#options;
    const way = () => kernel.sleep(process, random.latencyMs(latencyMs), "");
    return {
      deliver: async (events) => {
        await way();
        if (random.chance(this.#rates.refused)) throw new Error("the sink takes nothing now");
        told(
          sinkName,
          events.map(({ sequence }) => sequence),
        );
        if (random.chance(this.#rates.answerLost)) throw new Error("the sink's answer was lost");
        await way();
      },
    };
  }
}
