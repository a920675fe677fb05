/**
 * What machines tell their host: it goes into the ledger at once, and the host is told once that there is
 * something, however much it is. So a thousand machines that change together cost the host one turn, and fill
 * no mailbox.
 */
import type { Observation } from "../../../protocol/machine.ts";
import { type Due, isPassingState, type Ledger } from "./ledger.ts";

export interface Headlines {
  /** Something came to rest that controllers do not know yet. */
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

  /** Who is told; it answers whether it heard. */
  onNews(tell: () => boolean): void {
    this.#tell = tell;
  }

  /** `told`: a controller learns of it by the answer to its question. */
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
 * A controller that was told commits it about now: to report it at once would let another one, which hears
 * the report, do the same, and one of the two would have done it in vain.
 */
function dueOf({ state }: Observation, told: boolean): Due {
  if (isPassingState(state)) return "whenOld";
  return told ? "nextPeriod" : "now";
}
