/**
 * When simulated guests send packets: now and then; with a guest's first instruction; when a host has applied
 * something else; and around each end and beginning of an agent.
 */
import type { Fact } from "../../actors/promises/facts.ts";
import { type Kernel, nobody } from "./kernel.ts";
import type { Packets } from "./packets.ts";

export interface TrafficOptions {
  readonly kernel: Kernel;
  readonly packets: Packets;
  readonly tell: (fact: Fact) => void;
}

/** Later than an agent's first look at what is there, and earlier than its first picture, mostly. */
const afterBirthMs = 15;
/** Packets between guests at rest. */
const lastPacketsMax = 40;

export class Traffic {
  readonly #options: TrafficOptions;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  /** Takes each fact, after it was judged. */
  see(fact: Fact): void {
    const { packets } = this.#options;
    packets.see(fact);
    if (fact.kind === "guestFree") this.#tell(packets.first(fact.instanceId, fact.atMs));
    if (fact.kind === "applied") this.#tell(packets.goingOn(fact.atMs));
  }

  some(): void {
    const { kernel, packets } = this.#options;
    this.#tell(packets.some(kernel.nowMs));
  }

  /** A life of an agent has begun, or ended. */
  turned(): void {
    const { kernel, packets } = this.#options;
    this.#tell(packets.again(kernel.nowMs));
    kernel.after(nobody, afterBirthMs, "", () => this.#tell(packets.again(kernel.nowMs)));
  }

  last(): void {
    const { kernel, packets } = this.#options;
    this.#tell(packets.all(kernel.nowMs, lastPacketsMax));
  }

  #tell(facts: readonly Fact[]): void {
    for (const fact of facts) this.#options.tell(fact);
  }
}
