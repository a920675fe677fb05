/**
 * What our own NATS server has counted of itself: asked over a connection that may do nothing else, which is
 * opened when somebody reads the page for the first time. A server that does not answer is shown as down.
 */
import type { NatsCredentials } from "../bus/credentials.ts";
import { connectNats, type NatsBus } from "../bus/nats.ts";
import { natsMeterQuestion } from "../bus/server-config.ts";
import { metricsLimits } from "../metrics/limits.ts";
import { type Part, plain } from "../metrics/text.ts";
import { silent } from "./disk-watch.ts";

export class NatsMeter {
  readonly #credentials: () => NatsCredentials | undefined;
  #bus: NatsBus | undefined;

  /** Undefined credentials: there is no server of ours. */
  constructor(credentials: () => NatsCredentials | undefined) {
    this.#credentials = credentials;
  }

  async parts(): Promise<readonly Part[]> {
    const credentials = this.#credentials();
    if (credentials === undefined) return [];
    const part = { process: "nats", thread: "main" };
    try {
      const said = await this.#ask(credentials);
      const measured = [plain("novact_thread_up", 1), ...measuredOf(said)];
      return [{ ...part, measured }];
    } catch {
      // It is down, or too busy: that is what the page says.
      return [{ ...part, measured: [plain("novact_thread_up", 0)] }];
    }
  }

  async close(): Promise<void> {
    await this.#bus?.close();
  }

  async #ask(credentials: NatsCredentials): Promise<Uint8Array> {
    const connectTimeoutMs = metricsLimits.threadAnswerMs;
    this.#bus ??= await connectNats({ ...credentials, name: "up-meter", log: silent, connectTimeoutMs });
    const nothing = { body: new Uint8Array(), headers: {} };
    return (await this.#bus.request(natsMeterQuestion, nothing, metricsLimits.threadAnswerMs)).body;
  }
}

/** Source: the answer to `$SYS.REQ.SERVER.PING.VARZ` of nats-server 2.9.10. */
function measuredOf(body: Uint8Array) {
  const { data } = JSON.parse(new TextDecoder().decode(body)) as {
    readonly data?: Readonly<Record<string, unknown>>;
  };
  const { connections, slow_consumers: slowConsumers } = data ?? {};
  if (typeof connections !== "number" || typeof slowConsumers !== "number")
    throw new Error("The server's answer is not what it was tried with.");
  return [
    plain("novact_nats_connections", connections),
    plain("novact_nats_slow_consumers_total", slowConsumers),
  ];
}
