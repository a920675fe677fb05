/**
 * JetStream after a full disk: nats-server 2.9 switches JetStream off when a write finds no room, and serves
 * on without JetStream until the server is started anew (tried with 2.9.10: JetStream's API answers no more,
 * also when there is room again). The stream is a copy: the controllers fill it again. A server on which
 * JetStream answers must be left alone.
 */
import type { Log } from "../../protocol/wire/transport.ts";
import { connectNats } from "../bus/nats.ts";
import { controllerUser } from "../bus/users.ts";
import { type ClusterConfig, connectionOf } from "../config/config.ts";
import { upLimits } from "./limits.ts";
import type { RunningServer } from "./server-process.ts";

export interface MendStreamOptions {
  readonly config: ClusterConfig;
  /**
   * The cluster's own server, which its keeper starts again; undefined: the server is down, or not its own.
   */
  readonly nats: RunningServer | undefined;
  readonly say: (text: string) => void;
  readonly log: Log;
}

/** Ends NATS when JetStream does not answer on it. Never rejects. */
export async function mendStream({ config, nats, say, log }: MendStreamOptions): Promise<void> {
  if (nats === undefined) return;
  try {
    if (await answers(config, log)) return;
    say("JetStream was switched off by the full disk: NATS is started anew");
    await nats.stop();
  } catch (error) {
    say(`JetStream could not be asked whether it is on: ${(error as Error).message}`);
  }
}

async function answers(config: ClusterConfig, log: Log): Promise<boolean> {
  const bus = await connectNats({ ...connectionOf(config, controllerUser), name: "up", log });
  try {
    const nothing = { body: new Uint8Array(), headers: {} };
    await bus.request("$JS.API.INFO", nothing, upLimits.streamAnswerMs);
    return true;
  } catch {
    return false;
  } finally {
    await bus.close();
  }
}
