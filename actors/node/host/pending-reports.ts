/**
 * News of the machines: each observation goes into the ledger at once, and the host actor is told once that
 * there is news, however much. So a thousand machines that change together cost the host one turn, and fill
 * no mailbox.
 */
import type { Observation } from "../../../protocol/machine.ts";
import { type Due, isPassingState, type Ledger } from "./ledger.ts";

export interface Headlines {
  /** A machine came to rest, and controllers do not know it yet. */
  readonly hurry: boolean;
  readonly gone: readonly Observation[];
}

export class News {
  readonly #ledger: Ledger;
  #tell: () => boolean = () => false;
  #told = false;
  #hurry = false;
  #gone: Observation[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Sets who is told of news; `tell` answers whether the message was taken. */
  onNews(tell: () => boolean): void {
    this.#tell = tell;
  }

  /** Takes in an observation. `told`: the answer to a controller's question reports it as well. */
  publish(observation: Observation, told: boolean): void {
    const due = dueOf(observation, told);
    this.#ledger.put(observation, due);
    this.#hurry ||= due === "now";
    if (observation.state === "gone") this.#gone.push(observation);
    if (!this.#told) this.#told = this.#tell();
  }

  take(): Headlines {
    const headlines = { hurry: this.#hurry, gone: this.#gone };
    this.#told = false;
    this.#hurry = false;
    this.#gone = [];
    return headlines;
  }
}

/**
 * A controller that got the observation in an answer commits it about now. Reported at once, it could reach
 * another controller that commits it too, and one of the two would do so in vain.
 */
function dueOf({ state }: Observation, told: boolean): Due {
  if (isPassingState(state)) return "whenOld";
  return told ? "nextPeriod" : "now";
}
