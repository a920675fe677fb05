/**
 * The machine actor: one guest on its host. It turns messages into events, lets `decide` decide, and makes the decision
 * real: file first, answer second, effects third. A turn awaits its file and nothing else, so a stop is heard at any moment.
 *
 * Its own crash never touches the guest: the next incarnation reads the file, looks at the process and goes on.
 */
import { limits } from "../../protocol/limits.ts";
import type { Observation } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/status.ts";
import type { ActorContext, ActorDefinition, Reply } from "../runtime/system.ts";
import { type Decision, decide, type Effect, introduce } from "./decide.ts";
import type { Listener, MachinePorts, MachineRunner } from "./effects.ts";
import { fileOf, type MachineFile, parseFile, revive } from "./file.ts";
import type { GuestFacts, MachineEvent, MachineMessage, Moment } from "./messages.ts";
import type { MachineState } from "./state.ts";

export interface MachineOptions {
  readonly instanceId: string;
  readonly ports: MachinePorts;
  readonly runner: MachineRunner;
  /** Every change of what is seen. Called inside a turn; must not throw. */
  readonly publish: (observation: Observation) => void;
  /** What the host found when it started the actor; later incarnations look for themselves. */
  readonly found: Found;
}

export interface Found {
  readonly file: MachineFile | undefined;
  readonly guest: GuestFacts | undefined;
}

interface Life {
  readonly state: MachineState;
  /** The last write failed: the next turn tries again. */
  readonly unsaved: boolean;
}

type Context = ActorContext<MachineMessage>;

export function machineActor(options: MachineOptions): ActorDefinition<Life, MachineMessage> {
  return {
    name: options.instanceId,
    mailboxLengthMax: limits.mailboxLengthMax,
    init: (context) => begin(options, context),
    receive: (life, message, context) => takeTurn({ options, life, message, context }),
    async stopped() {
      options.runner.cancelTimer();
      await options.runner.idle();
    },
  };
}

/** Work of an earlier incarnation ends first: two of them never act on one guest at once. */
async function begin(options: MachineOptions, context: Context): Promise<Life> {
  const { runner, found } = options;
  runner.cancelTimer();
  await runner.idle();
  const { file, guest } = context.incarnation === 1 ? found : await look(options);
  if (file === undefined) return { state: { kind: "blank", guest }, unsaved: false };
  const decision = introduce(revive(file, guest), momentOf(context));
  const unsaved = !(await save(options, decision));
  for (const effect of decision.effects) enact(effect, { options, decision, context });
  context.self.tell({ kind: "begin" });
  return { state: decision.next, unsaved };
}

async function look({ ports, instanceId }: MachineOptions): Promise<Found> {
  const guest = await ports.hypervisor.inspect(instanceId);
  const files = await ports.files.readAll();
  const content = files.find((file) => file.instanceId === instanceId)?.content;
  return { file: parseFile(instanceId, content), guest };
}

interface Turn {
  readonly options: MachineOptions;
  readonly life: Life;
  readonly message: MachineMessage;
  readonly context: Context;
}

async function takeTurn({ options, life, message, context }: Turn): Promise<Life> {
  const event = eventOf(message, context);
  if (event === undefined) return life;
  const decision = decide(life.state, event);
  const saved = life.unsaved || decision.save !== undefined ? await save(options, decision) : true;
  if (message.kind === "ensure") {
    if (!saved && event.kind === "ensure" && event.request.intent.power !== "deleted") {
      message.reply.fail(new StatusError("diskFull", "The host could not write down the intent."));
      return { ...life, unsaved: true };
    }
    answer(message.reply, decision);
  }
  for (const effect of decision.effects) enact(effect, { options, decision, context });
  return { state: decision.next, unsaved: !saved };
}

function eventOf(message: MachineMessage, context: Context): MachineEvent | undefined {
  const at = momentOf(context);
  switch (message.kind) {
    case "ensure":
      return { kind: "ensure", request: message.request, at };
    case "guest":
    case "begin":
    case "hostStopping":
      return { ...message, at };
    case "prepared":
    case "settled":
    case "timer":
      return message.incarnation === context.incarnation ? { ...message, at } : undefined;
  }
}

/** Whether the file says now what the decision says. A host whose disk is full still stops and deletes its guests. */
async function save({ ports, instanceId }: MachineOptions, { save, next }: Decision): Promise<boolean> {
  const content = save ?? (next.kind === "known" && !next.gone ? fileOf(next) : undefined);
  if (content === undefined) return true;
  try {
    await ports.files.write(instanceId, content);
    return true;
  } catch (thrown) {
    ports.log.error({ instanceId, err: thrown }, "The file of a machine could not be written.");
    return false;
  }
}

function answer(reply: Reply<{ observation: Observation }>, decision: Decision): void {
  if (decision.answer?.kind === "observation") reply.ok({ observation: decision.answer.observation });
  if (decision.answer?.kind === "denied") reply.fail(StatusError.of(decision.answer.denial));
}

interface Enacting {
  readonly options: MachineOptions;
  readonly decision: Decision;
  readonly context: Context;
}

function enact(effect: Effect, { options, decision, context }: Enacting): void {
  const { runner } = options;
  switch (effect.kind) {
    case "publish":
      options.publish(effect.observation);
      break;
    case "startWork":
      if (decision.next.kind !== "known") break;
      runner.start(effect.work, decision.next.spec, listenerOf(context));
      break;
    case "abortWork":
      runner.abort();
      break;
    case "startTimer":
      runner.setTimer(effect.ms, effect.timerId, listenerOf(context));
      break;
    case "cancelTimer":
      runner.cancelTimer();
      break;
  }
}

function listenerOf({ incarnation, signal, self }: Context): Listener {
  return { incarnation, signal, tell: (message) => self.tell(message) };
}

function momentOf({ clock }: Context): Moment {
  return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}
