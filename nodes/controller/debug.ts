/**
 * What a half of a controller shows to people who debug, and how the halves of all controllers are asked:
 * whoever is asked by an operator asks the others on a subject that all of them hear, and takes what comes
 * within a bounded time. So nobody needs a list of the controllers, and who stands still is missed, not
 * waited for.
 *
 * It reads only what is in memory, but for the number of the last event. It must never change anything, or
 * wait for an actor.
 */
import type { WriterPicture } from "../../actors/ports/store.ts";
import type { ResidentsPicture } from "../../actors/runtime/residents.ts";
import type { ActorPicture, ActorSystem } from "../../actors/runtime/system.ts";
import {
  type ActorState,
  ControllerHalf,
  type controllerService,
  type LoopState,
} from "../../protocol/controller.ts";
import type { Handlers } from "../../protocol/wire/service.ts";
import { debugAnswerSubject, debugQuestionSubject } from "../../protocol/wire/subjects.ts";
import type { Bus, BusSubscription, Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";
import type { PublisherPicture } from "../events/publisher.ts";
import { controllerLimits } from "./limits.ts";

export interface DebugPorts {
  readonly cell: string;
  /** Of the controller. */
  readonly name: string;
  readonly half: ControllerHalf["half"];
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly system: Pick<ActorSystem, "look">;
  readonly residents?: readonly { look(): ResidentsPicture }[];
  readonly writer?: (() => WriterPicture) | undefined;
  readonly publisher?: { look(): PublisherPicture } | undefined;
  /** Reads the number of the last event. */
  readonly lastSequence?: () => Promise<number>;
}

/** The name of a half in lists: `controller-1 actors`. */
const nameOf = ({ name, half }: Pick<ControllerHalf, "name" | "half">): string => `${name} ${half}`;

export class Debug {
  readonly #ports: DebugPorts;
  readonly #beganAtMs: number;
  /** The halves that have ever answered, with when they did last. */
  readonly #heardAtMs = new Map<string, number>();

  constructor(ports: DebugPorts) {
    this.#ports = ports;
    this.#beganAtMs = ports.clock.monotonicMs();
  }

  get handlers(): Handlers<typeof controllerService> {
    return {
      debug: async () => {
        const halves = await this.#gather();
        return { answeredBy: this.#ports.name, halves: [...halves], silent: [...this.#silent(halves)] };
      },
    };
  }

  /** Answers the questions of other controllers. */
  serve(): BusSubscription {
    const { bus, cell, log } = this.#ports;
    return bus.serve(debugQuestionSubject(cell), undefined, async (_subject, { body }) => {
      try {
        const subject = debugAnswerSubject(cell, new TextDecoder().decode(body));
        bus.publish(subject, { headers: {}, body: encode(await this.look()) });
      } catch (error) {
        log.debug({ error }, "a question of another controller was not answered");
      }
      return undefined;
    });
  }

  /** The present picture of this half. */
  async look(): Promise<ControllerHalf> {
    const { name, half, clock, residents = [], writer } = this.#ports;
    const nowMs = clock.monotonicMs();
    const shown = residents.map((one) => one.look());
    const { loops, actors, actorsLeftOut } = this.#actors(new Set(shown.map(({ noun }) => noun)), nowMs);
    const written = writer?.();
    return {
      ...{ name, half, upMs: whole(nowMs - this.#beganAtMs), loops, actors, actorsLeftOut },
      residents: shown.map((one) => ({ ...one })),
      commits: written === undefined ? null : { ...written, writingMs: whole(written.writingMs) },
      publisher: await this.#publisher(),
    };
  }

  #actors(onDemand: ReadonlySet<string>, nowMs: number) {
    const loops: LoopState[] = [];
    const actors: ActorState[] = [];
    for (const one of this.#ports.system.look()) {
      if (one.loop !== undefined) loops.push(loopOf(one, one.loop, nowMs));
      else if (!onDemand.has(one.kind) || one.waiting > 0 || one.incarnation > 1) actors.push(actorOf(one));
    }
    actors.sort((one, other) => other.waiting - one.waiting);
    const listed = actors.slice(0, controllerLimits.debugActorsMax);
    return { loops, actors: listed, actorsLeftOut: actors.length - listed.length };
  }

  async #publisher(): Promise<ControllerHalf["publisher"]> {
    const { publisher, lastSequence } = this.#ports;
    if (publisher === undefined) return null;
    const { publishedUpTo = null, failures } = publisher.look();
    const reading = lastSequence?.().catch(() => null) ?? Promise.resolve(null);
    return { publishedUpTo, committedUpTo: await this.#soon(reading), failures };
  }

  /** Null when the answer takes long. */
  #soon<T>(answer: Promise<T>): Promise<T | null> {
    return new Promise((resolve) => {
      const timer = this.#ports.clock.after(controllerLimits.debugReadMs, () => resolve(null));
      void answer.then((value) => resolve(value)).finally(() => timer.cancel());
    });
  }

  /** Asks all halves of all controllers; answers the halves that spoke in time. */
  async #gather(): Promise<readonly ControllerHalf[]> {
    const { bus, cell, clock, ids, log } = this.#ports;
    const question = ids.next();
    const found = new Map<string, ControllerHalf>();
    const answers = bus.serve(debugAnswerSubject(cell, question), undefined, async (_subject, { body }) => {
      const half = decode(body);
      if (half === undefined) log.debug({}, "another controller's answer was not understood");
      else if (found.size < controllerLimits.debugHalvesMax) found.set(nameOf(half), half);
      return undefined;
    });
    bus.publish(debugQuestionSubject(cell), { headers: {}, body: new TextEncoder().encode(question) });
    await new Promise<void>((resolve) => clock.after(controllerLimits.debugGatherMs, resolve));
    void answers.drain();
    found.set(nameOf(this.#ports), await this.look());
    const nowMs = clock.monotonicMs();
    for (const name of found.keys()) this.#heardAtMs.set(name, nowMs);
    return [...found.values()].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  }

  #silent(halves: readonly ControllerHalf[]): readonly string[] {
    const there = new Set(halves.map(nameOf));
    const forgottenMs = this.#ports.clock.monotonicMs() - controllerLimits.debugRememberedMs;
    for (const [name, atMs] of this.#heardAtMs) if (atMs < forgottenMs) this.#heardAtMs.delete(name);
    return [...this.#heardAtMs.keys()].filter((name) => !there.has(name)).sort();
  }
}

const whole = (ms: number): number => Math.max(0, Math.round(ms));

const actorOf = ({ path, kind, phase, incarnation, waiting }: ActorPicture): ActorState => {
  return { path, kind, phase, restarts: incarnation - 1, waiting };
};

function loopOf(
  { path, phase, incarnation }: ActorPicture,
  { last, rounds, underWaySinceMs, hanging, pauseMs, roundMsMax }: NonNullable<ActorPicture["loop"]>,
  nowMs: number,
): LoopState {
  return {
    ...{ name: path, phase, restarts: incarnation - 1, rounds, hanging },
    ...{ pauseMs: whole(pauseMs), roundMsMax },
    endedAgoMs: last === undefined ? null : whole(nowMs - last.beganAtMs - last.tookMs),
    tookMs: last === undefined ? null : whole(last.tookMs),
    failed: last?.failed ?? false,
    did: last?.did.slice(0, controllerLimits.debugDidLengthMax) ?? "",
    underWayMs: underWaySinceMs === undefined ? null : whole(nowMs - underWaySinceMs),
  };
}

const encode = (half: ControllerHalf): Uint8Array => new TextEncoder().encode(JSON.stringify(half));

/** Undefined: it is of another version, or nothing of the kind. */
function decode(body: Uint8Array): ControllerHalf | undefined {
  try {
    const half: unknown = JSON.parse(new TextDecoder().decode(body));
    return validatorOf(ControllerHalf).accepts(half) ? half : undefined;
  } catch {
    return undefined;
  }
}
