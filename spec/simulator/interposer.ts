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
  /** How much later its copy comes. */
  readonly copyMs?: number;
}

/** What a scenario wants to become of a step that it names by its text, not by its number. */
export interface StepRule {
  readonly kind: CountedStep["kind"];
  /** Name of the process that performs the step. */
  readonly process: string | undefined;
  readonly what: RegExp;
  /** Matching steps that pass before the first hit; `times` steps are hit then. */
  passing: number;
  times: number;
  /** Absent: only `hit` is called. */
  readonly fault: StepFault | undefined;
  /** Delay of the step, when delayed, or of its copy, when doubled. */
  readonly delayMs?: number;
  readonly hit: (what: string, process: string) => void;
}

const ordinary: Fate = { lost: false, doubled: false, delayMs: 0 };
/** Longer than the steps that come next. */
const delayMs = 400;

export class Interposer {
  readonly counted: CountedStep[] = [];
  /** What was done about the aim, once it was. */
  hit: CountedStep | undefined;
  /** Called at the hit, before the fault is applied. */
  onHit: ((process: SimulatedProcess) => void) | undefined;
  /** They count before an aim does. */
  readonly rules: StepRule[] = [];
  #active = false;
  #aim: Aim | undefined;
  /** Heartbeats and polls go on for ever: they belong to no operation. */
  readonly #ignored = new RegExp(
    ["heartbeat", "holdStorageLease", "\\.lease$", "event\\.list", "outbox"].join("|"),
  );

  begin(aim?: Aim): void {
    this.#active = true;
    this.#aim = aim;
    this.counted.length = 0;
  }

  end(): void {
    this.#active = false;
  }

  message(process: SimulatedProcess, what: string): Fate {
    const rule = this.#rule("message", process, what);
    const lateMs = rule?.delayMs ?? delayMs;
    switch (rule?.fault ?? this.#note("message", process, what)) {
      case "crashBefore":
        process.kill();
        return { ...ordinary, lost: true };
      case "crashAfter":
        process.kernel.soon(process, "crash after a message", () => process.kill());
        return ordinary;
      case "double":
        return { ...ordinary, doubled: true, copyMs: rule?.delayMs ?? 0 };
      case "loseReply":
        return { ...ordinary, lost: true };
      case "delay":
        return { ...ordinary, delayMs: lateMs };
      case undefined:
        return ordinary;
    }
  }

  /** What shall become of a durable step that a process is about to do. */
  durable(process: SimulatedProcess, what: string): StepFault | undefined {
    return this.#rule("durable", process, what)?.fault ?? this.#note("durable", process, what);
  }

  #rule(kind: CountedStep["kind"], process: SimulatedProcess, what: string): StepRule | undefined {
    const rule = this.rules.find(
      (one) =>
        one.times > 0 &&
        one.kind === kind &&
        (one.process === undefined || one.process === process.name) &&
        one.what.test(what),
    );
    if (rule === undefined) return undefined;
    if (rule.passing > 0) {
      rule.passing -= 1;
      return undefined;
    }
    rule.times -= 1;
    rule.hit(what, process.name);
    return rule;
  }

  #note(kind: CountedStep["kind"], process: SimulatedProcess, what: string): StepFault | undefined {
    if (!this.#active || this.#ignored.test(what)) return undefined;
    const counted: CountedStep = { step: this.counted.length, kind, process: process.name, what };
    this.counted.push(counted);
    if (this.#aim === undefined || this.#aim.step !== counted.step) return undefined;
    this.hit = counted;
    this.onHit?.(process);
    return this.#aim.fault;
  }
}

export { delayMs as interposedDelayMs };
