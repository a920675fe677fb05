/**
 * The door of a server: whether a message is taken at all. It is asked for each message before anything of it
 * is decoded, answered or logged, and knows its subject and size only. Whoever is beyond a budget gets a
 * bounded number of ready-made refusals; further messages are dropped and counted, and one line of the log in
 * each period tells of them (I11).
 *
 * Names are what budgets and shares go by: a project, or a host. The subject has them, and the permissions of
 * NATS bind who may use which; a sender cannot be seen here, so that an operator's command in a project's
 * name counts as that project's (decision 0024).
 */
import { admissionLimits } from "../limits/admission.ts";
import type { Binding } from "./binding.ts";
import { Budgets, type Rate } from "./budget.ts";
import { encodingOf } from "./codec.ts";
import { errorMessage } from "./headers.ts";
import { StatusError } from "./status.ts";
import type { BusDoor, BusMessage, CallMeter, Clock, Log, Timer } from "./transport.ts";

/**
 * What a door needs of the requests under way: whether one more of this name has a place, now or in the
 * queue.
 */
export interface Room {
  hasRoom(name: string, bytes: number): boolean;
}

export interface DoorOptions {
  readonly binding: Pick<Binding, "kind" | "shareOf">;
  readonly room: Room;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  readonly log: Log;
  /** Hears of each message that is kept out; true: the sender is not heard from now on. */
  readonly keptOut?: (name: string, bytes: number, nowMs: number) => boolean;
  /** Absent: nobody counts. */
  readonly meter?: Pick<CallMeter, "keptOut"> | undefined;
}

export interface Door extends BusDoor {
  /** Ends its timer, and writes the line that is due. */
  close(): void;
}

/** The name of all messages whose subjects name no project or host. */
export const strayName = "";

/** Names that one line of the log tells apart. */
const namesToldMax = 8;

export function createDoor({ binding, room, clock, log, meter, keptOut }: DoorOptions): Door {
  const budgets = budgetsOf(binding.kind);
  const refusals = refusalBudget(admissionLimits.refusalsPerSecondMax);
  const refusalsOfAll = refusalBudget(admissionLimits.refusalsOfAllPerSecondMax);
  const excess = createExcess(clock, log);
  return {
    admit(subject, bytes) {
      const nowMs = clock.monotonicMs();
      const name = binding.shareOf(subject) ?? strayName;
      const budget = name === strayName ? budgets.stray : budgets.named;
      if ((budget === undefined || budget.take(name, bytes, nowMs)) && room.hasRoom(name, bytes))
        return "take";
      const refuse = refusals.take(name, 0, nowMs) && refusalsOfAll.take(strayName, 0, nowMs);
      excess.add(name, bytes, { refused: refuse, muted: keptOut?.(name, bytes, nowMs) === true });
      meter?.keptOut(refuse ? "refused" : "dropped");
      return refuse ? "refuse" : "drop";
    },
    refusal: (body) => refusalIn[encodingOf(body)],
    close: () => excess.close(),
  };
}

/** Controllers' requests to a host have no budget: nobody else may send any. */
function budgetsOf(kind: Binding["kind"]): { readonly named?: Budgets; readonly stray: Budgets } {
  const named = kind === "host" ? undefined : rates[kind];
  const budgets = (rate: Rate) => new Budgets(rate, admissionLimits.budgetsRememberedMax);
  return { ...(named === undefined ? {} : { named: budgets(named) }), stray: budgets(strayRate) };
}

const rates: Readonly<Record<"command" | "report", Rate>> = {
  command: {
    messagesPerSecond: admissionLimits.projectMessagesPerSecondMax,
    messagesBurst: admissionLimits.projectMessagesBurstMax,
    bytesPerSecond: admissionLimits.projectBytesPerSecondMax,
    bytesBurst: admissionLimits.projectBytesBurstMax,
  },
  report: {
    messagesPerSecond: admissionLimits.hostMessagesPerSecondMax,
    messagesBurst: admissionLimits.hostMessagesBurstMax,
    bytesPerSecond: admissionLimits.hostBytesPerSecondMax,
    bytesBurst: admissionLimits.hostBytesBurstMax,
  },
};

const strayRate: Rate = {
  messagesPerSecond: admissionLimits.strayMessagesPerSecondMax,
  messagesBurst: admissionLimits.strayMessagesBurstMax,
  bytesPerSecond: admissionLimits.strayBytesPerSecondMax,
  bytesBurst: admissionLimits.strayBytesBurstMax,
};

/** As many at once as in a second; refusals are all of one size. */
function refusalBudget(perSecond: number): Budgets {
  const rate = { messagesPerSecond: perSecond, messagesBurst: perSecond, bytesPerSecond: 1, bytesBurst: 1 };
  return new Budgets(rate, admissionLimits.budgetsRememberedMax);
}

/** What a request is answered that has no place at the server. Not executed. */
export function tooManyRequests(): StatusError {
  return new StatusError("tooManyRequests", "So many requests at once are more than this sender's share.", {
    retryAfterMs: admissionLimits.refusedRetryAfterMs,
  });
}

/** What a request is answered whose deadline passes before its turn. Not executed. */
export function deadlinePast(): StatusError {
  return new StatusError("deadlinePast", "The deadline passed before the request's turn came.");
}

const refusalIn: Readonly<Record<"json" | "msgpack", BusMessage>> = {
  json: errorMessage(tooManyRequests(), "json"),
  msgpack: errorMessage(tooManyRequests(), "msgpack"),
};

interface Excess {
  refused: number;
  dropped: number;
  bytes: number;
  /** How often it was not heard for a while. */
  muted: number;
}

/** Counts what is refused and dropped, and writes one line in each period that had any. */
function createExcess(clock: DoorOptions["clock"], log: Log) {
  let counts = new Map<string, Excess>();
  let timer: Timer | undefined;
  const tell = () => {
    timer?.cancel();
    timer = undefined;
    if (counts.size === 0) return;
    const all = [...counts].sort(([, left], [, right]) => right.dropped - left.dropped);
    counts = new Map();
    const senders = all.slice(0, namesToldMax).map(([name, one]) => ({ name, ...one }));
    log.warn({ senders, others: all.length - senders.length }, "requests beyond a sender's share");
  };
  return {
    add(name: string, bytes: number, { refused, muted }: { refused: boolean; muted: boolean }) {
      const known = counts.size < admissionLimits.budgetsRememberedMax || counts.has(name);
      const key = known ? name : strayName;
      let count = counts.get(key);
      if (count === undefined) {
        count = { refused: 0, dropped: 0, bytes: 0, muted: 0 };
        counts.set(key, count);
      }
      count.bytes += bytes;
      if (refused) count.refused += 1;
      else count.dropped += 1;
      if (muted) count.muted += 1;
      timer ??= clock.after(admissionLimits.excessLogPeriodMs, tell);
    },
    close: tell,
  };
}
