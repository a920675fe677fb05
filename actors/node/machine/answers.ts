/**
 * Answers of a machine that are held back for a moment: most work is done within milliseconds, and an answer
 * that already says how it ended spares a controller a commit. Nobody waits longer than
 * limits.ensureAnswerMs.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { Observation } from "../../../protocol/machine.ts";
import type { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Timer } from "../../../protocol/wire/transport.ts";
import type { Reply } from "../../runtime/system.ts";

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

  /** Holds the reply; the observation is given when nothing newer is there in time. */
  hold(reply: EnsureReply, observation: Observation): void {
    this.#replies.push(reply);
    this.#latest = observation;
    this.#timer ??= this.#clock.after(limits.ensureAnswerMs, () => {
      if (this.#latest !== undefined) this.give(this.#latest);
    });
  }

  /** What is to be given when the time is over. */
  note(observation: Observation): void {
    if (this.#latest?.epoch === observation.epoch) this.#latest = observation;
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
