/**
 * Random lives of an actor: messages, questions, crashes, hanging turns and a stop, in any order and with any
 * time in between. What must hold in each: every question ends once and not after its deadline, turns never
 * overlap, messages are handled once, in order and never after the end, and the system comes to rest.
 */
import { expect } from "chai";
import fc from "fast-check";
import { actorLimits } from "../../../actors/runtime/limits.ts";
import type { ActorDefinition, ActorRef, Reply } from "../../../actors/runtime/system.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld } from "../../support/actor-world.ts";

/** What a turn does, and for how long. */
interface Work {
  readonly kind: "return" | "throw" | "throwAtOnce" | "answer" | "postpone" | "hang";
  readonly microtasks: number;
  readonly clockMs: number;
}
type Step =
  | { readonly kind: "tell"; readonly work: Work }
  | { readonly kind: "ask"; readonly work: Work; readonly timeoutMs: number }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "stop" };

interface Message {
  readonly number: number;
  readonly work: Work;
  readonly reply: Reply<number> | undefined;
}

const work = fc.record<Work>({
  kind: fc.constantFrom("return", "return", "answer", "answer", "postpone", "throw", "throwAtOnce", "hang"),
  microtasks: fc.nat({ max: 5 }),
  clockMs: fc.constantFrom(0, 0, 0, 3, 40),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("tell" as const), work }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("ask" as const),
      work,
      timeoutMs: fc.integer({ min: -1, max: 2_000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.nat({ max: 700 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stop" as const) }) },
);

/** One run: an actor, with a record of its turns, questions and end. */
class Run {
  readonly world: ActorWorld = actorWorld();
  readonly faults: string[] = [];
  readonly questions: Promise<void>[] = [];
  readonly #ref: ActorRef<Message>;
  #sent = 0;
  #running = 0;
  #lastBegun = 0;
  #ended = false;
  #open = 0;

  constructor() {
    this.#ref = this.world.system.spawn(this.#definition());
    this.#ref.onEnd(() => {
      this.#ended = true;
    });
  }

  async take(step: Step): Promise<void> {
    if (step.kind === "tell") this.#ref.tell({ number: this.#next(), work: step.work, reply: undefined });
    else if (step.kind === "ask") this.questions.push(this.#ask(step.work, step.timeoutMs));
    else if (step.kind === "advance") await this.world.clock.advance(step.ms);
    else void this.#ref.stop();
  }

  /** Ends the run, and checks that the system has come to rest. */
  async end(): Promise<void> {
    await this.world.end();
    await this.world.clock.settle();
    if (this.#open > 0) this.faults.push(`${this.#open} questions never ended`);
    if (!this.#ended) this.faults.push("the actor never ended");
    if (this.world.system.busy !== 0) this.faults.push(`busy is ${this.world.system.busy} at the end`);
  }

  #next(): number {
    this.#sent += 1;
    return this.#sent;
  }

  async #ask(work: Work, timeoutMs: number): Promise<void> {
    const deadlineMs = this.world.clock.monotonicMs() + timeoutMs;
    const number = this.#next();
    this.#open += 1;
    try {
      const answer = await this.#ref.ask<number>((reply) => ({ number, work, reply }), { deadlineMs });
      if (answer !== number) this.faults.push(`question ${number} got the answer to ${answer}`);
    } catch (thrown) {
      if (!(thrown instanceof StatusError)) this.faults.push(`question ${number} ended with ${thrown}`);
    }
    this.#open -= 1;
    const late = this.world.clock.monotonicMs() > Math.max(deadlineMs, deadlineMs - timeoutMs);
    if (late) this.faults.push(`question ${number} ended after its deadline`);
  }

  #definition(): ActorDefinition<readonly (Reply<number> | undefined)[], Message> {
    return {
      name: "subject",
      mailboxLengthMax: 6,
      init: async () => [],
      receive: (state, message) => {
        this.#begin(message.number);
        if (message.work.kind === "throwAtOnce") {
          this.#running -= 1;
          throw new Error("at once");
        }
        return this.#turn(state, message);
      },
    };
  }

  #begin(number: number): void {
    this.#running += 1;
    if (this.#running > 1) this.faults.push(`message ${number} was begun during another turn`);
    if (number <= this.#lastBegun) this.faults.push(`message ${number} came again, or too late`);
    if (this.#ended) this.faults.push(`message ${number} was begun after the end`);
    this.#lastBegun = number;
  }

  async #turn(
    state: readonly (Reply<number> | undefined)[],
    { work, number, reply }: Message,
  ): Promise<readonly (Reply<number> | undefined)[]> {
    try {
      for (let index = 0; index < work.microtasks; index += 1) await Promise.resolve();
      const { clock } = this.world;
      if (work.clockMs > 0) await new Promise<void>((resolve) => clock.after(work.clockMs, resolve));
      if (work.kind === "hang")
        await new Promise<void>((resolve) => clock.after(3 * actorLimits.actorStopGraceMs, resolve));
      if (work.kind === "throw") throw new Error("in the turn");
      if (work.kind === "answer") reply?.ok(number);
      return work.kind === "postpone" ? [...state, reply] : state;
    } finally {
      this.#running -= 1;
    }
  }
}

describe("an actor, whatever happens to it", () => {
  it("answers every question once, overlaps no turns, and handles nothing after its end", async function () {
    this.timeout(30_000);
    const oneLife = async (steps: readonly Step[]): Promise<void> => {
      const run = new Run();
      for (const step of steps) await run.take(step);
      await run.end();
      expect(run.faults).to.deep.equal([]);
      await Promise.all(run.questions);
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), oneLife), {
      numRuns: 300,
    });
  });
});
