/**
 * The numbers of the events in JetStream, read with an operator's rights: after JetStream's disk was wiped,
 * the stream must hold all kept events again. Read only.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { headerNames } from "../../protocol/wire/headers.ts";
import { eventStreamName } from "../../protocol/wire/subjects.ts";
import type { Bus } from "../../protocol/wire/transport.ts";
import { connectNats } from "../bus/nats.ts";
import { type ClusterConfig, connectionOf } from "../config/config.ts";

const nothing = (): void => undefined;
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const requestTimeoutMs = 5_000;
const atOnce = 64;
/** Time for the controllers to fill the stream from the store after a wipe. */
const filledWithinMs = 20_000;
/** A longer stream is not read, because half of it could not be judged. */
const readMax = 250_000;

interface Info {
  readonly state?: { readonly first_seq: number; readonly last_seq: number; readonly messages: number };
}

interface Stored {
  readonly message?: { readonly hdrs?: string };
}

/**
 * The numbers in the stream's order, once the stream has the event `last` or the time is over; undefined:
 * unreadable.
 */
export async function streamNumbers(
  config: ClusterConfig,
  last: number,
): Promise<readonly number[] | undefined> {
  const bus = await connectNats({ ...connectionOf(config, "admin"), name: "chaos", log: silent });
  const deadlineMs = performance.now() + filledWithinMs;
  try {
    for (;;) {
      const numbers = await readAll(bus, eventStreamName(config.cell));
      const filled = numbers !== undefined && (numbers.at(-1) ?? 0) >= last;
      if (filled || performance.now() > deadlineMs) return numbers;
      await sleep(500);
    }
  } finally {
    await bus.close();
  }
}

async function readAll(bus: Bus, name: string): Promise<readonly number[] | undefined> {
  const { state } = await ask<Info>(bus, `STREAM.INFO.${name}`);
  if (state === undefined) return undefined;
  if (state.messages === 0) return [];
  if (state.messages > readMax) return undefined;
  const first = state.first_seq;
  const numbers: (number | undefined)[] = [];
  for (let from = first; from <= state.last_seq; from += atOnce) {
    const length = Math.min(atOnce, state.last_seq - from + 1);
    const positions = Array.from({ length }, (_, index) => from + index);
    numbers.push(...(await Promise.all(positions.map((seq) => numberAt(bus, name, seq)))));
  }
  return numbers.filter((number) => number !== undefined);
}

async function numberAt(bus: Bus, name: string, seq: number): Promise<number | undefined> {
  const { message } = await ask<Stored>(bus, `STREAM.MSG.GET.${name}`, { seq });
  const headers = Buffer.from(message?.hdrs ?? "", "base64").toString("utf8");
  const found = new RegExp(`^${headerNames.sequence}: *(\\d+)`, "im").exec(headers);
  return found === null ? undefined : Number(found[1]);
}

async function ask<A>(bus: Bus, method: string, body?: object): Promise<A> {
  const bytes = body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(body));
  const answer = await bus.request(`$JS.API.${method}`, { body: bytes, headers: {} }, requestTimeoutMs);
  return JSON.parse(Buffer.from(answer.body).toString("utf8")) as A;
}
