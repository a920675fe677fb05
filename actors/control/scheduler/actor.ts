/**
 * The scheduler's actor: carries out its decisions. It owns no record. Its reads of the store are effects, so
 * a slow store delays no question that the present views can answer; after a crash it begins with nothing and
 * reads anew.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import type { ActorContext, ActorDefinition } from "../../runtime/system.ts";
import type { Answer } from "./answer.ts";
import { decide, type Effect } from "./decide.ts";
import { schedulerLimits } from "./limits.ts";
import type { SchedulerMessage } from "./messages.ts";
import type { Scheduler } from "./schedule.ts";
import { emptyState, type ReadHost, type SchedulerState } from "./state.ts";

export interface SchedulerActorOptions {
  readonly scheduler: Scheduler;
  readonly store: StorePart<{ hosts: "all" }>;
  /**
   * First position of the round robin among hosts of equal score: a different one in each controller keeps
   * controllers apart.
   */
  readonly firstTurn?: number;
  /** The records with what plug-ins say of them; absent: nothing. It must be quick, and never throw. */
  readonly withFacts?: (hosts: readonly HostRecord[]) => readonly ReadHost[];
}

/**
 * The scheduler's actor. It reads hosts by itself; its parent only tells it which hosts were heard from,
 * claimed, released and found full.
 */
export function schedulerDefinition(
  options: SchedulerActorOptions,
): ActorDefinition<SchedulerState, SchedulerMessage> {
  const step = (state: SchedulerState, message: SchedulerMessage, context: Context): SchedulerState => {
    const { next, answers, effects } = decide(options.scheduler, state, message, context.clock.monotonicMs());
    for (const answer of answers) give(answer);
    for (const effect of effects) perform(effect, options, context);
    return next;
  };
  return {
    name: "scheduler",
    mailboxLengthMax: schedulerLimits.schedulerMailboxLengthMax,
    init: async (context) => step(emptyState(options.firstTurn), { kind: "tick" }, context),
    receive: async (state, message, context) => step(state, message, context),
  };
}

type Context = ActorContext<SchedulerMessage>;

function give(answer: Answer): void {
  switch (answer.kind) {
    case "rank":
      answer.reply.ok(answer.answer);
      return;
    case "rankMany":
      answer.reply.ok(answer.answer);
      return;
    case "explain":
      answer.reply.ok(answer.answer);
      return;
    case "alive":
      answer.reply.ok(answer.answer);
      return;
    case "failed":
      answer.reply.fail(StatusError.of(answer.denial));
      return;
  }
}

type Reading = Pick<SchedulerActorOptions, "store" | "withFacts">;

function perform(effect: Effect, reading: Reading, context: Context): void {
  switch (effect.kind) {
    case "tickLater":
      tickLater(context);
      return;
    case "readHosts":
      void readHosts(effect.atMs, reading, context);
      return;
  }
}

function tickLater(context: Context): void {
  const cancel = () => timer.cancel();
  const timer = context.clock.after(schedulerLimits.schedulerRefreshPeriodMs, () => {
    context.signal.removeEventListener("abort", cancel);
    if (context.signal.aborted) return;
    // The mailbox is full: try again after the next period.
    if (!context.self.tell({ kind: "tick" })) tickLater(context);
  });
  context.signal.addEventListener("abort", cancel, { once: true });
}

async function readHosts(
  readAtMs: number,
  { store, withFacts = (hosts) => hosts }: Reading,
  context: Context,
): Promise<void> {
  try {
    const hosts = withFacts(await store.hosts.all());
    if (context.signal.aborted) return;
    context.self.tell({ kind: "refresh", hosts, readAtMs, wallMs: context.clock.nowMs() });
  } catch (error) {
    if (context.signal.aborted) return;
    context.log.warn({ error: StatusError.from(error, "Reading the hosts").message }, "hosts were not read");
    context.self.tell({ kind: "refreshFailed" });
  }
}
