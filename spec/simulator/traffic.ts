/**
 * When simulated guests send packets: now and then; with a guest's first instruction; when a host has applied
 * something else; and around each end and beginning of an agent.
 */
import type { Fact } from "../../actors/promises/facts.ts";
import { type Kernel, nobody } from "./kernel.ts";
import { Computers, type Place } from "./packet-computers.ts";
import { Crossings } from "./packet-crossings.ts";
import { Ends } from "./packet-ends.ts";
import { Packets, type Senders } from "./packets.ts";
import { RoutedPackets } from "./packets-routed.ts";
import type { Random } from "./random.ts";

export interface TrafficOptions {
  readonly kernel: Kernel;
  readonly ends: Ends;
  readonly senders: readonly Senders[];
  readonly tell: (fact: Fact) => void;
}

/** All who send anything between these hosts; each kind has a stream of chance of its own. */
export function sendersAt(
  places: () => readonly Place[],
  random: Random,
): Pick<TrafficOptions, "ends" | "senders"> {
  const fabric = { computers: new Computers(places), ends: new Ends(places) };
  const routed = new RoutedPackets(new Crossings(places, fabric), fabric.ends, random.fork("routed packets"));
  return { ends: fabric.ends, senders: [new Packets(fabric, random.fork("packets")), routed] };
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
    this.#options.ends.see(fact);
    if (fact.kind === "guestFree") this.#each((one) => one.first(fact.instanceId, fact.atMs));
    if (fact.kind === "applied") this.#each((one) => one.goingOn(fact.atMs));
  }

  some(): void {
    const { kernel } = this.#options;
    this.#each((one) => one.some(kernel.nowMs));
  }

  /** A life of an agent has begun, or ended. */
  turned(): void {
    const { kernel } = this.#options;
    const again = () => this.#each((one) => one.again(kernel.nowMs));
    again();
    kernel.after(nobody, afterBirthMs, "", again);
  }

  last(): void {
    const { kernel } = this.#options;
    this.#each((one) => one.all(kernel.nowMs, lastPacketsMax));
  }

  #each(factsOf: (one: Senders) => readonly Fact[]): void {
    for (const one of this.#options.senders) for (const fact of factsOf(one)) this.#options.tell(fact);
  }
}
