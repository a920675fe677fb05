/** Asks the switch's decisions about one frame after the other, without any process. */
import { FlowMemory } from "../../nodes/switch/filter/judge.ts";
import { RuleBook } from "../../nodes/switch/filter/rules.ts";
import type { Outcome } from "../../nodes/switch/outcome.ts";
import { planOf } from "../../nodes/switch/plan.ts";
import type { SwitchState } from "../../nodes/switch/state.ts";
import { type Sender, switchFarFrame, switchFrame } from "../../nodes/switch/switching.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { type Guest, portIdOf, stateOfGuests } from "./switch-world.ts";

export class SwitchJudge {
  readonly memory = new FlowMemory();
  readonly #book = new RuleBook();
  #plan = planOf({ networking: null, plugs: [] });
  nowMs = 0;
  /** Digits of addresses outside that nobody may reach. */
  barred: ReadonlySet<string> = new Set();

  constructor(state?: SwitchState) {
    if (state !== undefined) this.apply(state);
  }

  /** All guests are plugged in. */
  static of(guests: readonly Guest[], networking: HostNetworking): SwitchJudge {
    return new SwitchJudge(stateOfGuests(guests, networking));
  }

  apply(state: SwitchState): void {
    this.#plan = planOf(state, this.#book);
    this.memory.apply(this.#plan, this.nowMs);
  }

  outcome(from: Guest, frame: Buffer): Outcome {
    return this.outcomeOf(portIdOf(from), frame);
  }

  /** `portId`: of a guest, or of a process of the host. */
  outcomeOf(portId: string, frame: Buffer): Outcome {
    const isBarred = (address: string) => this.barred.has(address);
    return switchFrame({ plan: this.#plan, memory: this.memory, isBarred }, portId, frame, this.nowMs);
  }

  /** The port that gets the frame, or the reason of its drop, in one word. */
  send(from: Guest, frame: Buffer): string {
    return wordOf(this.outcome(from, frame));
  }

  farOutcome(from: Sender, frame: Buffer): Outcome {
    const networks = new Map([...this.#plan.values()].map(({ network }) => [network.number, network]));
    return switchFarFrame({ plan: this.#plan, networks, memory: this.memory }, from, frame, this.nowMs);
  }

  /** Likewise of a frame that has come from another host. */
  receive(from: Sender, frame: Buffer): string {
    return wordOf(this.farOutcome(from, frame));
  }
}

function wordOf(outcome: Outcome): string {
  if (outcome.kind === "deliver") return outcome.to;
  return outcome.kind === "drop" ? outcome.reason : outcome.kind;
}
