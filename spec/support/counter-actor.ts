/**
 * The smallest actor with something to go wrong in every place: it counts, writes down what happens to it,
 * and can be told to wait, crash, postpone, answer twice or never end.
 */
import type { ActorContext, ActorDefinition, Reply } from "../../actors/runtime/system.ts";
import type { StatusError } from "../../protocol/wire/status.ts";

export type CounterMessage =
  | { readonly kind: "add" }
  | { readonly kind: "get"; readonly reply: Reply<number> }
  | { readonly kind: "slow"; readonly label: string }
  | { readonly kind: "wait"; readonly gate: Promise<void> }
  | { readonly kind: "answerTwice"; readonly reply: Reply<number> }
  | { readonly kind: "refuse"; readonly reply: Reply<never>; readonly error: StatusError }
  | { readonly kind: "postpone"; readonly reply: Reply<number>; readonly look?: () => void }
  | { readonly kind: "answerPostponed" }
  | { readonly kind: "look" }
  | { readonly kind: "crash"; readonly error?: unknown; readonly reply?: Reply<number> }
  | { readonly kind: "crashAtOnce"; readonly reply?: Reply<number> }
  | { readonly kind: "act"; readonly act: (context: ActorContext<CounterMessage>) => unknown };

type Postponed = Extract<CounterMessage, { kind: "postpone" }>;
export interface CounterState {
  readonly count: number;
  readonly postponed: readonly Postponed[];
}

export interface CounterOptions {
  readonly name?: string;
  readonly journal?: string[];
  readonly init?: (context: ActorContext<CounterMessage>) => Promise<void> | void;
  readonly stopped?: () => Promise<void>;
}

export interface Counter {
  readonly definition: ActorDefinition<CounterState, CounterMessage>;
  readonly journal: string[];
}

export function counter({ name = "counter", journal = [], init, stopped }: CounterOptions = {}): Counter {
  const definition: ActorDefinition<CounterState, CounterMessage> = {
    name,
    init: async (context) => {
      journal.push(`init ${context.incarnation}`);
      await init?.(context);
      return { count: 0, postponed: [] };
    },
    // Not async, so that it can also throw without a promise.
    receive: (state, message, context) => {
      if (message.kind === "crashAtOnce") throw new Error("crashed at once");
      return turn({ state, message, context, journal });
    },
    stopped: async (state) => {
      journal.push(`stopped at ${state.count}`);
      await stopped?.();
    },
  };
  return { definition, journal };
}

interface TurnInput {
  readonly state: CounterState;
  readonly message: Exclude<CounterMessage, { kind: "crashAtOnce" }>;
  readonly context: ActorContext<CounterMessage>;
  readonly journal: string[];
}

async function turn({ state, message, context, journal }: TurnInput): Promise<CounterState> {
  switch (message.kind) {
    case "add":
      return { ...state, count: state.count + 1 };
    case "get":
      journal.push("get");
      message.reply.ok(state.count);
      return state;
    case "slow":
      journal.push(`begin ${message.label}`);
      await Promise.resolve();
      await Promise.resolve();
      journal.push(`end ${message.label}`);
      return state;
    case "wait":
      await message.gate;
      return state;
    case "answerTwice":
      message.reply.ok(1);
      message.reply.ok(2);
      return state;
    case "refuse":
      message.reply.fail(message.error);
      return state;
    case "postpone":
      return { ...state, postponed: [...state.postponed, message] };
    case "answerPostponed":
      for (const { reply } of state.postponed) reply.ok(state.count);
      return { ...state, postponed: [] };
    case "look":
      for (const { look } of state.postponed) look?.();
      return state;
    case "crash":
      throw message.error ?? new Error("crashed");
    case "act":
      await message.act(context);
      return state;
  }
}
