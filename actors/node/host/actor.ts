/**
 * The host actor: parent of the machines of one node, and its voice towards the controllers.
 *
 * At its start it takes over every machine file and every living guest that it finds. It deletes nothing that
 * it does not understand; `audit` lists such files and processes. Its end, by a crash or by `stop`, never
 * touches a guest.
 */
import { retentionLimits } from "../../../protocol/limits/retention.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Hypervisor } from "../../ports/hypervisor.ts";
import type { MachineFiles } from "../../ports/machine-files.ts";
import { actorLimits } from "../../runtime/limits.ts";
import type { ActorContext, ActorDefinition, Reply } from "../../runtime/system.ts";
import { goneOf } from "../machine/ensure.ts";
import { needsBeyond, parseFile, parseTombstone } from "../machine/file.ts";
import type { EnsureRequest } from "../machine/messages.ts";
import { decide } from "./decide.ts";
import type { Tombstone } from "./ledger.ts";
import { hostLimits } from "./limits.ts";
import { Machines, type Parent } from "./machines.ts";
import type { HostMessage, ReportEvent } from "./messages.ts";
import type { News } from "./pending-reports.ts";
import { Reporter, type ReporterOptions } from "./reporter.ts";
import { type Reporting, silent } from "./state.ts";

export interface HostActorOptions extends ReporterOptions {
  readonly machines: Machines;
  readonly hypervisor: Pick<Hypervisor, "list">;
  readonly files: Pick<MachineFiles, "readAll" | "remove">;
  readonly news: News;
}

interface Life {
  readonly reporting: Reporting;
  readonly reporter: Reporter;
  /** Set while all guests are shut down: the reply of the caller that waits for it. */
  readonly stopping: Reply<undefined> | undefined;
  /** Set while the agent ends: the reply of the caller that waits for its last reports. */
  readonly leaving: Reply<undefined> | undefined;
}

type Context = ActorContext<HostMessage>;
type MachineEnded = Extract<HostMessage, { kind: "machineEnded" }>;

export function hostActor(options: HostActorOptions): ActorDefinition<Life, HostMessage> {
  return {
    name: "host",
    mailboxLengthMax: hostLimits.hostMailboxLengthMax,
    init: (context) => begin(options, context),
    receive: async (life, message, context) => takeTurn({ options, life, context }, message),
  };
}

async function begin(options: HostActorOptions, context: Context): Promise<Life> {
  const { hypervisor, files, machines } = options;
  machines.clear();
  const [guests, found] = await Promise.all([hypervisor.list(), files.readAll()]);
  const contents = takeTombstones(found, options, context);
  for (const guest of guests) machines.noteStray(guest.instanceId, guest);
  for (const { instanceId, content } of contents) {
    const file = parseFile(instanceId, content, options.knows);
    if (file === undefined) {
      const unknownNeeds = needsBeyond(content, options.knows);
      context.log.error({ instanceId, unknownNeeds }, "The file of a machine cannot be understood.");
    } else {
      machines.noteSpec(file.spec);
      machines.spawn(instanceId, file, parentOf(context));
    }
  }
  const { incarnation } = context;
  const reporter = new Reporter(options, context.signal, (event) =>
    context.self.tell({ kind: "report", event, incarnation }),
  );
  context.log.info(
    { guests: guests.length, files: contents.length },
    "The host has taken over its machines.",
  );
  const life = { reporting: silent, reporter, stopping: undefined, leaving: undefined };
  return report(life, { kind: "started" }, options);
}

type Content = Awaited<ReturnType<MachineFiles["readAll"]>>[number];

/** Deletes expired tombstones and remembers the others. Answers the files that are no tombstones. */
function takeTombstones(
  found: readonly Content[],
  options: HostActorOptions,
  context: Context,
): readonly Content[] {
  const buried = found.flatMap(({ instanceId, content }) => {
    const tombstone = parseTombstone(instanceId, content);
    return tombstone === undefined ? [] : [{ instanceId, tombstone }];
  });
  const keptSinceMs = context.clock.nowMs() - retentionLimits.tombstoneKeptMs;
  for (const { instanceId, tombstone } of buried.sort((a, b) => a.tombstone.atMs - b.tombstone.atMs)) {
    const gone = tombstone.atMs < keptSinceMs ? instanceId : options.ledger.bury(instanceId, tombstone);
    if (gone !== undefined) dropTombstone(gone, options, context);
  }
  const ids = new Set(buried.map(({ instanceId }) => instanceId));
  return found.filter(({ instanceId }) => !ids.has(instanceId));
}

function dropTombstone(instanceId: string, { files }: HostActorOptions, { log }: Context): void {
  files.remove(instanceId).catch((error: unknown) => {
    log.warn({ instanceId, err: error }, "An old tombstone could not be removed.");
  });
}

function parentOf(context: Context): Parent {
  const { incarnation } = context;
  return {
    spawn: context.spawn.bind(context),
    onEnd: ({ name, how }) => {
      context.self.tell({ kind: "machineEnded", instanceId: name, how, incarnation });
    },
  };
}

interface Turn {
  readonly options: HostActorOptions;
  readonly life: Life;
  readonly context: Context;
}

function takeTurn(commit: Turn, message: HostMessage): Life {
  const { life, context, options } = commit;
  switch (message.kind) {
    case "ensure":
      if (life.stopping === undefined) ensure(commit, message);
      else message.reply.fail(new StatusError("hostStopping", "The host is shutting its guests down."));
      return life;
    case "report":
      return message.incarnation === context.incarnation ? report(life, message.event, options) : life;
    case "news":
      return readNews(commit);
    case "lease":
      for (const ref of options.machines.refs) ref.tell({ kind: "lease" });
      return message.anew ? report(life, { kind: "leased" }, options) : life;
    case "machineEnded":
      if (message.incarnation === context.incarnation) machineEnded(commit, message);
      return life;
    case "revive":
      if (options.machines.find(message.instanceId) === undefined)
        options.machines.spawn(message.instanceId, undefined, parentOf(context));
      return life;
    case "stopGuests":
      for (const ref of options.machines.refs) ref.tell({ kind: "hostStopping", graceMs: message.graceMs });
      return whenDown({ ...life, stopping: message.reply }, options);
    case "leaving":
      return report({ ...life, leaving: message.reply }, { kind: "stopping" }, options);
  }
}

function report(life: Life, event: ReportEvent, { ledger }: HostActorOptions): Life {
  const { next, effects } = decide(life.reporting, event);
  for (const effect of effects) life.reporter.run(effect);
  const said = ledger.isStored && next.inFlight === 0 && !next.due;
  if (said) life.leaving?.ok(undefined);
  return { ...life, reporting: next };
}

function whenDown(life: Life, { ledger, machines }: HostActorOptions): Life {
  const isWaiting = life.stopping !== undefined && !life.stopping.done;
  if (isWaiting && ledger.isDown(machines.ids)) life.stopping.ok(undefined);
  return life;
}

/**
 * When the supervisor has given up the actor of a machine, starts another actor after a while: the guest may
 * run, and must be watched.
 */
function machineEnded({ options, context }: Turn, { instanceId, how }: MachineEnded): void {
  options.machines.ended(instanceId, how);
  if (how !== "failed") return;
  context.log.error({ instanceId }, "The actor of a machine failed; it is tried again later.");
  context.clock.after(actorLimits.restartWindowMs, () => context.self.tell({ kind: "revive", instanceId }));
}

/** Forwards the question to the machine, with the reply: the host waits for nothing. */
function ensure({ options, context }: Turn, message: Extract<HostMessage, { kind: "ensure" }>): void {
  const { request, reply } = message;
  const { machines, ledger } = options;
  const { instanceId } = request.spec;
  const buried = ledger.tombstone(instanceId);
  const late = buried === undefined ? undefined : lateFor(request, buried);
  if (late !== undefined) {
    reply.fail(late);
    return;
  }
  // The machine is gone already, as this request wants: making it anew only to remove it would help nobody.
  const went = buried !== undefined && request.spec.ownerEpoch <= buried.ownerEpoch;
  if (went && request.intent.power === "deleted" && machines.find(instanceId) === undefined) {
    reply.ok({ observation: goneOf(request) });
    return;
  }
  machines.noteSpec(request.spec);
  const ref = machines.find(instanceId) ?? machines.spawn(instanceId, undefined, parentOf(context));
  const heard = Machines.hasRoom(ref) && ref.tell(message);
  if (!heard) reply.fail(tooBusy(instanceId));
}

/** A message that is older than the machine's end must not bring it back. */
function lateFor({ spec, intent }: EnsureRequest, buried: Tombstone): StatusError | undefined {
  if (intent.power === "deleted" || spec.ownerEpoch > buried.ownerEpoch) return undefined;
  const message = `The instance ${spec.instanceId} has left this host.`;
  if (spec.ownerEpoch < buried.ownerEpoch) return new StatusError("staleEpoch", message);
  return intent.generation > buried.generation ? undefined : new StatusError("staleGeneration", message);
}

function tooBusy(instanceId: string): StatusError {
  const message = `The machine ${instanceId} has too much to do.`;
  return new StatusError("mailboxFull", message, { retryAfterMs: actorLimits.mailboxRetryAfterMs });
}

/**
 * Stops the actors of machines that are gone. Their last intent is kept as a tombstone, and their last
 * observation until controllers have it.
 */
function readNews({ options, life, context }: Turn): Life {
  const { news, ledger, machines } = options;
  const { hurry, gone } = news.take();
  for (const { instanceId, ownerEpoch, intentGeneration: generation } of gone) {
    const dropped = ledger.bury(instanceId, { ownerEpoch, generation });
    if (dropped !== undefined) dropTombstone(dropped, options, context);
    const latest = ledger.latest(instanceId);
    if (latest === undefined || latest.state === "gone") void machines.find(instanceId)?.stop();
  }
  return whenDown(report(life, { kind: "changed", urgent: hurry }, options), options);
}
