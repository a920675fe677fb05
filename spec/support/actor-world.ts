/** An actor system on simulated time, which keeps its log and supervision events for a test to look at. */
import { expect } from "chai";
import { createActorSystem } from "../../actors/runtime/actor.ts";
import type { ActorSystem, SupervisionEvent } from "../../actors/runtime/system.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { SimulatedClock } from "./simulated-clock.ts";

export interface LogLine {
  readonly level: keyof Log;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface ActorWorld {
  readonly clock: SimulatedClock;
  readonly system: ActorSystem;
  readonly logged: readonly LogLine[];
  readonly supervised: readonly SupervisionEvent[];
  /** Stops the system, with as much time as it needs. */
  end(): Promise<void>;
}

export function actorWorld(): ActorWorld {
  const clock = new SimulatedClock();
  const logged: LogLine[] = [];
  const supervised: SupervisionEvent[] = [];
  const system = createActorSystem({ clock, log: keepingLog(logged) });
  system.onSupervision((event) => supervised.push(event));
  clock.watch(() => system.busy);
  const end = async (): Promise<void> => {
    let stopped = false;
    const stopping = system.stop().then(() => {
      stopped = true;
    });
    await clock.settle();
    if (!stopped) await clock.runUntil(() => stopped);
    await stopping;
  };
  return { clock, system, logged, supervised, end };
}

function keepingLog(lines: LogLine[]): Log {
  const keep =
    (level: keyof Log) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      lines.push({ level, fields, message });
    };
  return { debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error") };
}

/** The StatusError that a question ends with; a question that is answered fails the test. */
export async function failureOf(question: Promise<unknown>): Promise<StatusError> {
  try {
    await question;
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(StatusError);
    return thrown as StatusError;
  }
  throw new Error("The question was answered, though it should have failed.");
}
