/**
 * Starts the thread of the safety channel, and passes its calls to the controller's actors. The two threads
 * live and die together: a thread that ends by itself, or hangs, makes this one fail, and whoever keeps the
 * process starts it anew.
 */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { FleetAudience, OpenSafety, SafetyChannel } from "../../actors/control/fleet/link.ts";
import type { Measured } from "../../actors/runtime/counting-meter.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { metricsLimits } from "../metrics/limits.ts";
import { programFile } from "../package/program-files.ts";
import { systemClock } from "../process/clock.ts";
import { controllerLimits } from "./limits.ts";
import { Pulse } from "./pulse.ts";
import { type AnswerMessage, answerCall, type CallMessage } from "./safety-link.ts";

export interface SafetyThreadData {
  readonly config: ClusterConfig;
  /** Of the controller: names it in proofs, on NATS and in the log. */
  readonly name: string;
  readonly logFile: string;
}

export type FromSafety =
  | CallMessage
  | { readonly kind: "ready" }
  /** Its event loop turns; said in every safetyBeatPeriodMs. */
  | { readonly kind: "beat" }
  | { readonly kind: "outdated"; readonly sentence: string }
  | { readonly kind: "measured"; readonly measured: readonly Measured[] }
  | { readonly kind: "stopped" };

export type ToSafety = AnswerMessage | { readonly kind: "stop" } | { readonly kind: "measure" };

export interface SafetyThreadOptions {
  readonly config: ClusterConfig;
  readonly name: string;
  readonly log: Log;
  /** See OpenStoreOptions.onOutdated. */
  readonly onOutdated: (sentence: string) => void;
  /** Called when the thread has ended by itself: nobody here hears hosts any more. */
  readonly onEnded: () => void;
}

/** The safety channel in a thread of its own, which begins when the controller asks for it. */
export class SafetyThread {
  readonly #options: SafetyThreadOptions;
  #measure: (() => Promise<readonly Measured[] | null>) | undefined;

  constructor(options: SafetyThreadOptions) {
    this.#options = options;
  }

  readonly open: OpenSafety = async (audience) => {
    const { measure, ...channel } = await open(this.#options, audience);
    this.#measure = measure;
    return channel;
  };

  /** What the thread has counted; null: it does not say so in time. */
  async measure(): Promise<readonly Measured[] | null> {
    return (await this.#measure?.()) ?? null;
  }
}

interface Opened extends SafetyChannel {
  measure(): Promise<readonly Measured[] | null>;
}

/** @throws UNAVAILABLE when the thread ends, or does not hear hosts in time */
async function open(options: SafetyThreadOptions, audience: FleetAudience): Promise<Opened> {
  const { config, name, log, onOutdated, onEnded } = options;
  const logFile = join(statePaths(config).log, `${name}.safety.log`);
  const worker = new Worker(programFile("controller/safety-thread"), {
    name: "safety",
    workerData: { config, name, logFile } satisfies SafetyThreadData,
    resourceLimits: { maxYoungGenerationSizeMb: controllerLimits.safetyYoungMemoryMib },
  });
  const said = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let life: "starting" | "serving" | "stopping" = "starting";
  let cause: unknown;
  let pulse: Pulse | undefined;
  let measured: PromiseWithResolvers<readonly Measured[] | null> | undefined;
  worker.on("message", (message: FromSafety) => {
    if (message.kind === "call") void answerCall(message, audience, worker);
    else if (message.kind === "outdated") onOutdated(message.sentence);
    else if (message.kind === "beat") pulse?.heard();
    else if (message.kind === "ready") said.resolve();
    else if (message.kind === "measured") measured?.resolve(message.measured);
    else ended.resolve();
  });
  worker.on("error", (error) => {
    cause = error;
    log.error({ error }, "the safety channel has failed");
  });
  worker.on("exit", () => {
    pulse?.end();
    ended.resolve();
    said.reject(cause ?? new StatusError("shuttingDown", "The safety channel ended before it heard hosts."));
    if (life === "serving") onEnded();
  });
  const timer = setTimeout(() => {
    said.reject(new StatusError("timeout", "The safety channel hears no hosts."));
    void worker.terminate();
  }, controllerLimits.safetyStartMsMax);
  await said.promise.finally(() => clearTimeout(timer));
  life = "serving";
  pulse = watched(worker, log);
  return {
    measure: async () => {
      const answer = Promise.withResolvers<readonly Measured[] | null>();
      measured = answer;
      worker.postMessage({ kind: "measure" } satisfies ToSafety);
      return Promise.race([answer.promise, sleep(metricsLimits.threadAnswerMs, null, { ref: false })]);
    },
    stop: async () => {
      life = "stopping";
      worker.postMessage({ kind: "stop" } satisfies ToSafety);
      await ended.promise;
      await worker.terminate();
    },
  };
}

/**
 * Ends the thread when it hangs. Nobody hears the hosts that ask this controller then, and the bus goes on
 * giving it their renewals: it must be gone, so that another controller has them.
 */
function watched(worker: Worker, log: Log): Pulse {
  const { safetyBeatPeriodMs, safetyBeatsMissedMax, safetyEndMsMax } = controllerLimits;
  return new Pulse({
    clock: systemClock,
    periodMs: safetyBeatPeriodMs,
    missedMax: safetyBeatsMissedMax,
    onLost: () => {
      log.error({ periods: safetyBeatsMissedMax, periodMs: safetyBeatPeriodMs }, "the safety channel hangs");
      // A thread that is stuck in the kernel cannot be ended, nor does its process end in the ordinary way.
      const timer = setTimeout(() => {
        log.error({}, "the safety channel cannot be ended: the process is killed");
        process.kill(process.pid, "SIGKILL");
      }, safetyEndMsMax);
      void worker.terminate().then(() => clearTimeout(timer));
    },
  });
}
