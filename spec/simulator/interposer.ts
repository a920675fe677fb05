/**
 * Where a fault can be put with a pin: every durable step and every message of a run has a number, and the
 * crash matrix names one of them and what shall become of it. Without an aim it counts, and does nothing.
 */
import type { SimulatedProcess } from "./process.ts";

export type StepFault = "crashBefore" | "crashAfter" | "double" | "loseReply" | "delay";

export interface Aim {
  /** Of the steps that were counted since `begin`. */
  readonly step: number;
  readonly fault: StepFault;
}

export interface CountedStep {
  readonly step: number;
  readonly kind: "durable" | "message";
  readonly process: string;
  readonly what: string;
}

export interface Fate {
  readonly lost: boolean;
  readonly doubled: boolean;
  readonly delayMs: number;
}

const ordinary: Fate = { lost: false, doubled: false, delayMs: 0 };
/** Longer than the steps that come next. */
const delayMs = 400;

export class Interposer {
  readonly counted: CountedStep[] = [];
  /** What was done about the aim, once it was. */
  hit: CountedStep | undefined;
  #active = false;
  #aim: Aim | undefined;
  /** Heartbeats and polls go on for ever: they belong to no operation. */
  readonly #ignored =
    /heartbeat|event\.list|outbox|lastSequence|listHosts|listUnsettled|listEvents|touchHosts/;

  begin(aim?: Aim): void {
    this.#active = true;
    this.#aim = aim;
    this.counted.length = 0;
  }

  end(): void {
    this.#active = false;
  }

  message(process: SimulatedProcess, what: string): Fate {
    switch (this.#note("message", process, what)) {
      case "crashBefore":
        process.kill();
        return { ...ordinary, lost: true };
      case "crashAfter":
        process.kernel.soon(process, "crash after a message", () => process.kill());
        return ordinary;
      case "double":
        return { ...ordinary, doubled: true };
      case "loseReply":
        return { ...ordinary, lost: true };
      case "delay":
        return { ...ordinary, delayMs };
      case undefined:
        return ordinary;
    }
  }

  /** What shall become of a durable step that a process is about to do. */
  durable(process: SimulatedProcess, what: string): StepFault | undefined {
    return this.#note("durable", process, what);
  }

  #note(kind: CountedStep["kind"], process: SimulatedProcess, what: string): StepFault | undefined {
    if (!this.#active || this.#ignored.test(what)) return undefined;
    const counted: CountedStep = { step: this.counted.length, kind, process: process.name, what };
    this.counted.push(counted);
    if (this.#aim === undefined || this.#aim.step !== counted.step) return undefined;
    this.hit = counted;
    return this.#aim.fault;
  }
}

export { delayMs as interposedDelayMs };
