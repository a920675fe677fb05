/**
 * The machine actor: one guest on its host. It turns messages into events, lets `decide` decide, and makes
 * the decision real: file first, answer second, effects third. A turn awaits its file and nothing else, so a
 * stop is heard at any moment.
 *
 * A crash of the actor never touches the guest: the next incarnation reads the file, looks at the process and
 * goes on.
 */
import type { Observation } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { actorLimits } from "../../runtime/limits.ts";
import type { ActorContext, ActorDefinition, Reply } from "../../runtime/system.ts";
import type { Answers } from "./answers.ts";
import { type Decision, decide, type Effect, introduce } from "./decide.ts";
import type { Listener, MachinePorts, MachineRunner } from "./effects.ts";
import { takesUp } from "./ensure.ts";
import { fileOf, type MachineFile, parseFile, revive, tombstoneFileOf } from "./file.ts";
import type { Lease } from "./lease.ts";
import type { GuestFacts, MachineEvent, MachineMessage, Moment } from "./messages.ts";
import type { Machine, MachineState } from "./state.ts";

export interface MachineOptions {
  readonly instanceId: string;
  readonly ports: MachinePorts;
  readonly runner: MachineRunner;
  readonly answers: Answers;
  readonly lastWord: LastWord;
  /**
   * Takes each changed observation; `told`: the answer to an `ensure` reports it as well. Called inside a
   * turn; must not throw.
   */
  readonly publish: (observation: Observation, told: boolean) => void;
  /**
   * What the host found when it started the actor. Without it, and in later incarnations, the machine looks
   * itself.
   */
  readonly found: Found | undefined;
  /** The host lease at this moment. */
  readonly lease: () => Lease;
}

/**
 * What a machine says when it is gone. It outlives the actor: one that crashes between its tombstone and its
 * word leaves no file by which the next incarnation could know.
 */
export interface LastWord {
  said: Observation | undefined;
}

export interface Found {
  readonly file: MachineFile | undefined;
  readonly guest: GuestFacts | undefined;
}

interface Life {
  readonly state: MachineState;
  /** The last write of the file failed: the next turn tries again. */
  readonly unsaved: boolean;
}

type Context = ActorContext<MachineMessage>;

export function machineActor(options: MachineOptions): ActorDefinition<Life, MachineMessage> {
  return {
    name: options.instanceId,
    mailboxLengthMax: actorLimits.mailboxLengthMax,
    init: (context) => begin(options, context),
    receive: (life, message, context) => takeTurn({ options, life, message, context }),
    async stopped() {
      options.runner.cancelTimer();
      await options.runner.idle();
    },
  };
}

/** Begins an incarnation. Work of an earlier one ends first: two of them never act on one guest at once. */
async function begin(options: MachineOptions, context: Context): Promise<Life> {
  const { runner, answers, found, lastWord } = options;
  if (answers.held > 0) {
    answers.fail(new StatusError("internal", "The machine's actor crashed before it had answered."));
  }
  runner.cancelTimer();
  await runner.idle();
  const first = context.incarnation === 1 ? found : undefined;
  const { file, guest } = first ?? (await look(options));
  if (file === undefined) {
    const went = lastWord.said;
    if (went !== undefined) options.publish(went, false);
    return { state: { kind: "blank", guest, went }, unsaved: false };
  }
  const decision = introduce(revive(file, guest), momentOf(options, context));
  const unsaved = !(await save(options, decision));
  for (const effect of decision.effects) enact(effect, { options, decision, context });
  context.self.tell({ kind: "begin" });
  return { state: decision.next, unsaved };
}

async function look({ ports, instanceId }: MachineOptions): Promise<Found> {
  const guest = await ports.hypervisor.inspect(instanceId);
  const files = await ports.files.readAll();
  const content = files.find((file) => file.instanceId === instanceId)?.content;
  return { file: parseFile(instanceId, content, ports.knows), guest };
}

interface Turn {
  readonly options: MachineOptions;
  readonly life: Life;
  readonly message: MachineMessage;
  readonly context: Context;
}

async function takeTurn(commit: Turn): Promise<Life> {
  const { message, context } = commit;
  if (message.kind === "ensure") commit.options.runner.askedBy = message.requestId;
  const event = eventOf(commit.options, message, context);
  if (event === undefined) return commit.life;
  try {
    return await act(commit, decide(commit.life.state, event));
  } catch (thrown) {
    if (message.kind === "ensure") message.reply.fail(StatusError.from(thrown, "Ensuring the machine"));
    throw thrown;
  }
}

async function act({ options, life, message, context }: Turn, decision: Decision): Promise<Life> {
  const leaves = isGone(decision.next) && !isGone(life.state);
  if (leaves) options.lastWord.said = lastWordOf(decision);
  const saved = leaves || life.unsaved || decision.save !== undefined ? await save(options, decision) : true;
  const isNew = message.kind === "ensure" && takesUp(life.state, decision.next);
  if (isNew && !saved && message.request.intent.power !== "deleted") {
    message.reply.fail(new StatusError("diskFull", "The host could not write down the intent."));
    return { state: life.state, unsaved: true };
  }
  if (message.kind === "ensure") answer(message.reply, decision, options);
  for (const effect of decision.effects) enact(effect, { options, decision, context });
  const { next } = decision;
  if (next.kind === "known" && next.work === undefined) options.answers.give(next.observation);
  return { state: decision.next, unsaved: !saved };
}

const isGone = (state: MachineState): boolean => state.kind === "known" && state.gone;

const lastWordOf = ({ next }: Decision): Observation | undefined =>
  next.kind === "known" ? next.observation : undefined;

function eventOf(
  options: MachineOptions,
  message: MachineMessage,
  context: Context,
): MachineEvent | undefined {
  const at = momentOf(options, context);
  switch (message.kind) {
    case "ensure":
      return { kind: "ensure", request: message.request, at };
    case "guest":
    case "begin":
    case "hostStopping":
    case "lease":
      return { ...message, at };
    case "prepared":
    case "unplugged":
    case "plugged":
    case "volumes":
    case "settled":
    case "timer":
      return message.incarnation === context.incarnation ? { ...message, at } : undefined;
  }
}

/** Writes the file; false when that failed. A host whose disk is full still stops and deletes its guests. */
async function save({ ports, instanceId }: MachineOptions, { save, next }: Decision): Promise<boolean> {
  if (next.kind === "blank") return true;
  try {
    if (next.gone) await bury(ports, next);
    else await ports.files.write(instanceId, save ?? fileOf(next));
    return true;
  } catch (thrown) {
    ports.log.error({ instanceId, err: thrown }, "The file of a machine could not be written.");
    return false;
  }
}

/**
 * Replaces the file by a tombstone. When a full disk has no room for one, the file is removed: no file is
 * better than the old one.
 */
async function bury({ files, clock, log }: MachinePorts, machine: Machine): Promise<void> {
  const { instanceId } = machine.spec;
  try {
    await files.write(instanceId, tombstoneFileOf(machine, clock.nowMs()));
  } catch (thrown) {
    log.warn({ instanceId, err: thrown }, "The tombstone of a machine could not be written.");
    await files.remove(instanceId);
  }
}

/** Answers; when work has only just begun, the answer is held back a moment for its end. */
function answer(
  reply: Reply<{ observation: Observation }>,
  decision: Decision,
  options: MachineOptions,
): void {
  if (decision.answer?.kind === "denied") reply.fail(StatusError.of(decision.answer.denial));
  if (decision.answer?.kind !== "observation") return;
  const { observation } = decision.answer;
  const current = decision.next.kind === "known" && decision.next.observation === observation;
  const working = decision.next.kind === "known" && decision.next.work !== undefined;
  if (current && working) options.answers.hold(reply, observation);
  else reply.ok({ observation });
}

interface Enacting {
  readonly options: MachineOptions;
  readonly decision: Decision;
  readonly context: Context;
}

function enact(effect: Effect, { options, decision, context }: Enacting): void {
  const { runner, answers } = options;
  switch (effect.kind) {
    case "publish":
      answers.note(effect.observation);
      options.publish(effect.observation, answers.held > 0);
      break;
    case "startWork":
      if (decision.next.kind !== "known") break;
      runner.start(effect.work, decision.next, listenerOf(context));
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

function momentOf({ lease }: MachineOptions, { clock }: Context): Moment {
  return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs(), lease: lease() };
}
