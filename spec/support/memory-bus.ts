/**
 * The bus in memory: the same promises as NATS (wildcards, queue groups, no responders, time-outs) on a given
 * clock. Messages are copied on their way, so that no peer can rely on shared memory.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import type {
  Bus,
  BusDoor,
  BusHandler,
  BusMessage,
  BusSubscription,
  Clock,
} from "../../protocol/wire/transport.ts";

interface Member {
  readonly pattern: readonly string[];
  readonly queue: string | undefined;
  readonly handler: BusHandler;
  readonly door: BusDoor | undefined;
  readonly running: Set<Promise<unknown>>;
}

export interface MemoryBusOptions {
  readonly clock: Clock;
  /** Latency of each way. 0: with the next microtask. */
  readonly latencyMs?: number;
}

/** One bus is the whole network: all its users can reach each other. */
export function createMemoryBus({ clock, latencyMs = 0 }: MemoryBusOptions): Bus {
  const members = new Set<Member>();
  const turns = new Map<string, number>();
  const onTheWay = (): Promise<void> =>
    latencyMs === 0 ? Promise.resolve() : new Promise((resolve) => clock.after(latencyMs, resolve));

  const receiversOf = (subject: string): readonly Member[] => {
    const tokens = subject.split(".");
    const matching = [...members].filter(({ pattern }) => subjectMatches(pattern, tokens));
    return oneOfEachQueue(matching, turns);
  };

  const deliver = async (member: Member, subject: string, message: BusMessage) => {
    const work = atTheDoor(member, subject, message) ?? member.handler(subject, copyMessage(message));
    member.running.add(work);
    try {
      return await work;
    } finally {
      member.running.delete(work);
    }
  };

  return {
    request: (subject, message, timeoutMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const end = (settle: () => void) => {
          timer.cancel();
          signal?.removeEventListener("abort", onAbort);
          settle();
        };
        const onAbort = () => end(() => reject(signal?.reason));
        const timer = clock.after(timeoutMs, () =>
          end(() => reject(new StatusError("timeout", `Nobody answered within ${timeoutMs} ms.`))),
        );
        signal?.addEventListener("abort", onAbort, { once: true });
        const ask = async () => {
          await onTheWay();
          const receivers = receiversOf(subject);
          if (receivers.length === 0) {
            throw new StatusError("noResponders", "Nobody listens to the subject.");
          }
          for (const receiver of receivers) {
            deliver(receiver, subject, message).then(async (answer) => {
              const [first] = answersIn(answer);
              if (first === undefined) return;
              await onTheWay();
              end(() => resolve(copyMessage(first)));
            }, reject);
          }
        };
        ask().catch((thrown: unknown) => end(() => reject(thrown)));
      }),

    publish(subject, message) {
      const send = async () => {
        await onTheWay();
        await Promise.all(
          receiversOf(subject).map((receiver) =>
            // Behind a door are requests only.
            receiver.door === undefined
              ? deliver(receiver, subject, message)
              : atTheDoor(receiver, subject, message),
          ),
        );
      };
      void send();
    },

    serve(pattern, queue, handler, door): BusSubscription {
      const member: Member = { pattern: pattern.split("."), queue, handler, door, running: new Set() };
      members.add(member);
      return {
        async drain() {
          members.delete(member);
          await Promise.allSettled(member.running);
        },
      };
    },
  };
}

/** What becomes of a message that the door does not let in; undefined: it is let in. */
export function atTheDoor(
  { door }: { readonly door: BusDoor | undefined },
  subject: string,
  { body, headers }: BusMessage,
): Promise<BusMessage | undefined> | undefined {
  const text = Object.entries(headers).flat().join("");
  const admitted = door?.admit(subject, body.length + text.length) ?? "take";
  if (admitted === "take") return undefined;
  return Promise.resolve(admitted === "refuse" ? door?.refusal(body) : undefined);
}

export const answersIn = (
  answer: BusMessage | readonly BusMessage[] | undefined,
): readonly (BusMessage | undefined)[] => [answer].flat();

export const copyMessage = ({ body, headers }: BusMessage): BusMessage => ({
  body: Uint8Array.from(body),
  headers: { ...headers },
});

export function subjectMatches(pattern: readonly string[], subject: readonly string[]): boolean {
  const rest = pattern.at(-1) === ">";
  if (rest ? subject.length < pattern.length : subject.length !== pattern.length) return false;
  return pattern.every((token, at) => token === "*" || token === ">" || token === subject[at]);
}

/** All members without a queue, and of each queue the next one in turn. */
function oneOfEachQueue(matching: readonly Member[], turns: Map<string, number>): readonly Member[] {
  const queues = new Map<string, Member[]>();
  const chosen: Member[] = [];
  for (const member of matching) {
    if (member.queue === undefined) chosen.push(member);
    else queues.set(member.queue, [...(queues.get(member.queue) ?? []), member]);
  }
  for (const [queue, inQueue] of queues) {
    const turn = turns.get(queue) ?? 0;
    turns.set(queue, turn + 1);
    const next = inQueue[turn % inQueue.length];
    if (next !== undefined) chosen.push(next);
  }
  return chosen;
}
