/**
 * A storage of volumes, asked by way of its thread (thread.ts): one question at a time, each with a deadline.
 * A storage that has not answered is not asked again until it has: whoever asks meanwhile hears at once that
 * it does not answer. A question that was given up before its turn is never put.
 */
import { Worker } from "node:worker_threads";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { programFile } from "../../package/program-files.ts";
import { within } from "../waiting.ts";
import type { VolumeDirectory } from "./directory.ts";
import { volumeLimits } from "./limits.ts";
import { busy, silent } from "./refusals.ts";

export type Verbs = Pick<
  VolumeDirectory,
  | "begin"
  | "finish"
  | "abandon"
  | "open"
  | "extend"
  | "remove"
  | "page"
  | "counted"
  | "room"
  | "uses"
  | "release"
  | "releaseOthers"
>;

export interface ThreadData {
  readonly directory: string;
  readonly overcommit: number;
  /** Whether other hosts see the directory, so that it has an id. */
  readonly shared: boolean;
  /** The id of a storage that has none yet. */
  readonly newId: string;
}

/** `identify`: the storage's id. */
export type Asked =
  | { readonly verb: keyof Verbs; readonly given: readonly unknown[] }
  | { readonly verb: "identify"; readonly given: readonly [] };

export type Answered =
  | { readonly value: unknown }
  | {
      readonly failure: {
        readonly reason?: StatusError["reason"];
        readonly message: string;
        readonly detail?: string;
      };
    };

interface Thread {
  postMessage(asked: Asked): void;
  /** Called for each answer, and once with an Error when the thread has ended. */
  listen(hear: (answered: Answered | Error) => void): void;
}

export class AskedStorage {
  readonly #clock: Clock;
  readonly #begin: () => Thread;
  #thread: Thread | undefined;
  #hear: ((answered: Answered | Error) => void) | undefined;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** True: the storage has missed a deadline, and has not answered since. */
  #silent = false;

  constructor(clock: Clock, begin: () => Thread) {
    this.#clock = clock;
    this.#begin = begin;
  }

  ask<V extends keyof Verbs>(verb: V, ...given: Parameters<Verbs[V]>): Promise<ReturnType<Verbs[V]>> {
    return this.#inTurn({ verb, given }) as Promise<ReturnType<Verbs[V]>>;
  }

  identify(): Promise<string | null> {
    return this.#inTurn({ verb: "identify", given: [] }) as Promise<string | null>;
  }

  /** Whether the last question is still without its answer after its deadline. */
  get isSilent(): boolean {
    return this.#silent;
  }

  #inTurn(asked: Asked): Promise<unknown> {
    if (this.#silent) return Promise.reject(silent());
    if (this.#waiting >= volumeLimits.volumeQuestionsMax) return Promise.reject(busy());
    this.#waiting += 1;
    const answer = this.#last.then(() => this.#put(asked));
    this.#last = answer.then(
      () => undefined,
      () => undefined,
    );
    return answer.finally(() => (this.#waiting -= 1));
  }

  async #put(asked: Asked): Promise<unknown> {
    if (this.#silent) throw silent();
    const answered = Promise.withResolvers<Answered>();
    this.#hear = (heard) => {
      this.#hear = undefined;
      this.#silent = false;
      if (heard instanceof Error) answered.reject(heard);
      else answered.resolve(heard);
    };
    this.#open().postMessage(asked);
    const late = () => {
      this.#silent = true;
      return silent();
    };
    const timeoutMs = volumeLimits.storageAnswerMsMax;
    return outcomeOf(await within(answered.promise, { clock: this.#clock, timeoutMs, late }));
  }

  #open(): Thread {
    if (this.#thread !== undefined) return this.#thread;
    const thread = this.#begin();
    this.#thread = thread;
    thread.listen((heard) => {
      if (heard instanceof Error && this.#thread === thread) this.#thread = undefined;
      this.#hear?.(heard);
    });
    return thread;
  }
}

function outcomeOf(answered: Answered): unknown {
  if ("value" in answered) return answered.value;
  const { reason, message, detail } = answered.failure;
  if (reason !== undefined) throw new StatusError(reason, message, detail === undefined ? {} : { detail });
  const sentence = "The storage of volumes could not do what was asked.";
  throw new StatusError("hypervisorRefused", sentence, { detail: message });
}

/** It keeps no process from ending. */
export function beginThread(workerData: ThreadData): Thread {
  const worker = new Worker(programFile("drivers/volumes/thread"), { name: "volumes", workerData });
  return {
    postMessage: (asked) => worker.postMessage(asked),
    listen: (hear) => {
      worker.on("message", hear);
      worker.on("error", () => undefined);
      worker.on("exit", () => hear(silent()));
      // After listening, which is a reason of its own to stay.
      worker.unref();
    },
  };
}
