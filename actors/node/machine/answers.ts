/**
 * Answers that a machine holds back for a moment: most work ends within milliseconds, and an answer that
 * reports its end spares a controller a commit. No caller waits longer than machineLimits.ensureAnswerMs.
 */
import type { Observation } from "../../../protocol/machine.ts";
import type { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Timer } from "../../../protocol/wire/transport.ts";
import type { Reply } from "../../runtime/system.ts";
import { machineLimits } from "./limits.ts";

type EnsureReply = Reply<{ observation: Observation }>;

export class Answers {
  readonly #clock: Clock;
  #replies: EnsureReply[] = [];
  #latest: Observation | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get held(): number {
    return this.#replies.length;
  }

  /** Holds the reply; it is answered with this observation unless a newer one comes in time. */
  hold(reply: EnsureReply, observation: Observation): void {
    this.#replies.push(reply);
    this.#latest = observation;
    this.#timer ??= this.#clock.after(machineLimits.ensureAnswerMs, () => {
      if (this.#latest !== undefined) this.give(this.#latest);
    });
  }

  /** Takes a newer observation for the held answers, if it is of the same owner epoch. */
  note(observation: Observation): void {
    if (this.#latest?.ownerEpoch === observation.ownerEpoch) this.#latest = observation;
  }

  give(observation: Observation): void {
    for (const reply of this.#clear()) reply.ok({ observation });
  }

  fail(error: StatusError): void {
    for (const reply of this.#clear()) reply.fail(error);
  }

  #clear(): readonly EnsureReply[] {
    const replies = this.#replies;
    this.#replies = [];
    this.#latest = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    return replies;
  }
}
