/**
 * A roll call of the controllers of a cell: one asks all of them who they are, on a subject that all of them
 * hear, and takes the answers that come within a moment. Nothing is sent while nobody asks. It must never be
 * used for a decision: a controller that answers late is not in the answer.
 */
import { type Static, Type } from "@sinclair/typebox";
import type { ImageServing } from "../../actors/control/catalog/image-offers.ts";
import { Running } from "../../protocol/release.ts";
import { answer, Id } from "../../protocol/wire/schema.ts";
import { rollCallSubject } from "../../protocol/wire/subjects.ts";
import type { Bus, BusSubscription, Clock, Ids } from "../../protocol/wire/transport.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";
import { controllerLimits } from "./limits.ts";

/** Who a controller is, and where it gives the bytes of images. */
const Present = answer({
  ...Running.properties,
  /** Absent: it gives none, or is of before. */
  imageDoor: Type.Optional(
    answer({
      server: Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$" }),
      url: Type.String({ pattern: "^http://[^\\s/]{1,300}$" }),
    }),
  ),
});
type Present = Static<typeof Present>;

/** Without `here` it is the question, else an answer to it. */
const Call = answer({ question: Id, here: Type.Optional(Present) });
type Call = Static<typeof Call>;

export interface RollCallOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly cell: string;
  /** Who this process is. */
  readonly self: Present;
}

export class RollCall {
  readonly #options: RollCallOptions;
  readonly #subject: string;
  readonly #subscription: BusSubscription;
  /** The answers to each question that is being asked here, by the id of who gave them. */
  readonly #asked = new Map<string, Map<string, Present>>();

  constructor(options: RollCallOptions) {
    this.#options = options;
    this.#subject = rollCallSubject(options.cell);
    this.#subscription = options.bus.serve(this.#subject, undefined, async (_subject, { body }) => {
      this.#hear(callIn(body));
      return undefined;
    });
  }

  /** Asks; resolves with this controller and all that answer within controllerLimits.rollCallMs. */
  async call(): Promise<readonly Running[]> {
    return (await this.#call()).map(({ imageDoor: _, ...running }) => running);
  }

  /** Where the others that answer as quickly give the bytes of images. */
  async imageDoors(): Promise<readonly ImageServing[]> {
    const { self } = this.#options;
    const others = (await this.#call()).filter(({ id }) => id !== self.id);
    return others.flatMap(({ imageDoor }) => imageDoor ?? []);
  }

  async #call(): Promise<readonly Present[]> {
    const { clock, ids, self } = this.#options;
    const question = ids.next();
    const answers = new Map([[self.id, self]]);
    // A flood of questions would be a flood of broadcasts, each answered by every controller.
    if (this.#asked.size >= controllerLimits.rollCallsMax) return [self];
    this.#asked.set(question, answers);
    this.#say({ question });
    await new Promise<void>((resolve) => clock.after(controllerLimits.rollCallMs, resolve));
    this.#asked.delete(question);
    return [...answers.values()];
  }

  drain(): Promise<void> {
    return this.#subscription.drain();
  }

  #hear(call: Call | undefined): void {
    if (call === undefined) return;
    const { question, here } = call;
    if (here === undefined) {
      this.#say({ question, here: this.#options.self });
      return;
    }
    const answers = this.#asked.get(question);
    if (answers !== undefined && answers.size < controllerLimits.controllersHeardMax)
      answers.set(here.id, here);
  }

  #say(call: Call): void {
    const body = new TextEncoder().encode(JSON.stringify(call));
    this.#options.bus.publish(this.#subject, { headers: {}, body });
  }
}

/** Undefined for what is no call: another version may say more, or somebody something else. */
function callIn(body: Uint8Array): Call | undefined {
  try {
    const call: unknown = JSON.parse(new TextDecoder().decode(body));
    return validatorOf(Call).accepts(call) ? call : undefined;
  } catch {
    return undefined;
  }
}
