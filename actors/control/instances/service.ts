/**
 * The instance service, one handler for each method of protocol/instance.ts. Commands go to the instance's
 * actor; reads go to the store, which has everything that was ever acknowledged.
 */

import { image } from "../../../protocol/image.ts";
import type { Changed, instanceService } from "../../../protocol/instance.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../protocol/machine.ts";
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import type { AnswerOf, CallContext, Client, Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { verdictsFor } from "../directory/verdicts.ts";
import { notFound } from "../instance/actor.ts";
import type { AdmissionCommand } from "../instance/admission.ts";
import type { InstanceRegistry } from "../instance/registry.ts";
import { instanceView } from "../instance/state.ts";
import { stillHeld } from "../instance/still-held.ts";
import type { ChosenHost, Placer } from "../placement/placer.ts";
import { requestFacts } from "../request/content-hash.ts";
import { requestLimits } from "../request/limits.ts";
import { operationView } from "../request/operation-view.ts";
import type { Ended } from "../request/operation-waits.ts";
import { fitting, markerBehind } from "../request/page.ts";
import { shownRow } from "../request/rows.ts";
import { mayRead } from "../request/tenancy.ts";
import type { Waits } from "../request/waits.ts";
import { bytesOfInstance } from "./bytes.ts";
import { ConsoleReaders } from "./console-readers.ts";
import type { CreateAnswer } from "./create.ts";
import type { Creator } from "./creator.ts";
import { editHandlers } from "./edits.ts";
import { drainedSentence, explanation, type Lately } from "./explain.ts";
import { type InterfaceChangesOptions, interfaceChangeHandlers } from "./interface-changes.ts";
import type { InterfaceWorld } from "./interfaces.ts";
import { explainLimits } from "./limits.ts";
import { instanceQuery } from "./list-query.ts";
import { volumeChangeHandlers } from "./volume-changes.ts";

export interface InstanceServiceOptions extends Pick<InterfaceWorld, "clock" | "ids"> {
  readonly store: StorePart<{ instances: "get" | "list" | "load"; operations: "get" | "list" | "request" }> &
    StorePart<{ events: "lastSequence" | "list" }> &
    InterfaceWorld["store"];
  readonly registry: InstanceRegistry;
  readonly creator: Creator;
  readonly networking: Pick<InterfaceWorld, "addresses" | "defaultGroups">;
  readonly placer: Placer;
  readonly directory: HostDirectory;
  readonly waits: Waits;
  readonly hostAgent: (hostId: string) => Client<typeof hostAgentService>;
  /** Begins to make an image of an instance. */
  readonly makeImage: (
    request: RequestOf<ImageMethod>,
    context: CallContext,
  ) => Promise<AnswerOf<ImageMethod>>;
  /**
   * Why the instance did not leave its host, which is drained, at the last attempt; undefined: nothing known.
   */
  readonly obstacleOf: (hostId: string, instanceId: string) => string | undefined;
}

type Service = Handlers<typeof instanceService>;
type ImageMethod = (typeof instanceService)["methods"]["createImage"];

export function instanceHandlers(options: InstanceServiceOptions): Service {
  const { store, creator, placer, directory } = options;
  const consoles = new ConsoleReaders();
  const view = (row: InstanceRow) => instanceView(row, directory.facts(row.instance.hostId));
  const readable = async (context: CallContext): Promise<InstanceRow> => {
    const row = await store.instances.get(context.id);
    if (row === undefined || !mayRead(context, row.instance.project)) throw notFound(context.id);
    return row;
  };
  const finish: InterfaceChangesOptions["finish"] = async (changed, { wait }, context) =>
    wait === true ? waitFor(changed, context, options) : changed;
  return {
    ...commandHandlers(options),
    ...editHandlers(options.registry),
    ...interfaceChangeHandlers({
      ...options,
      networking: { ...options, ...options.networking },
      finish,
    }),
    ...volumeChangeHandlers({ ...options, finish }),
    createImage: async (request, context) => {
      const made = await options.makeImage(request, context);
      return request.wait === true ? imageAsItIs(made, context, options) : made;
    },
    create: async (request, context) => {
      const facts = requestFacts("instance.create", request, context);
      const answer = await creator.create(request, facts, context.deadlineMs);
      return request.wait === true ? waitForAll(answer, context, options) : answer;
    },
    explainCreate: async (request, { project, deadlineMs }) => {
      const { hosts, verdicts, refusal, rest } = await creator.rehearse(request, project, deadlineMs);
      return {
        hosts: verdictsFor(project, verdicts, directory),
        placed: placedOn(hosts),
        ...(rest === undefined ? {} : { rest: errorBodyOf(rest) }),
        ...(refusal === undefined ? {} : { refusal: refusal.toBody() }),
      };
    },
    list: async (request, context) => {
      const page = await store.instances.list(await instanceQuery(request, context, options));
      const instances = fitting(page.rows.map(view), bytesOfInstance);
      return { instances: [...instances], ...markerBehind(instances, page) };
    },
    get: async (_request, context) => ({ instance: view(await readable(context)) }),
    console: async (request, context) => {
      const leave = (request.waitMs ?? 0) > 0 ? consoles.enter(context) : undefined;
      try {
        return await readConsole(await readable(context), request, context, options);
      } finally {
        leave?.();
      }
    },
    explain: async (_request, context) => {
      const row = await readable(context);
      const [verdicts, page] = await Promise.all([
        placer.explain(row.instance, context.deadlineMs),
        store.operations.list({
          noun: "instance",
          entityIds: [row.instance.id],
          limit: wireLimits.pageLengthDefault,
        }),
      ]);
      const operations = page.rows.map(({ operation }) => operation);
      const fence = directory.fenceOf(row.instance.hostId);
      const hosts = verdictsFor(context.project, verdicts, directory);
      const lately = await latelyOf(context.id, store);
      const stays = stayOf(row, options);
      const held = await heldOf(row, options);
      const facts = { instance: view(row), row, hosts, fence, lately, stays, held };
      return explanation({ ...facts, operations: operations.map(operationView) });
    },
  };
}

/** A sentence about the host that keeps a deleted instance's ports; undefined: there is nothing to say. */
async function heldOf({ instance: { id, desired } }: InstanceRow, options: InstanceServiceOptions) {
  const { store, directory } = options;
  const loaded = desired === "deleted" ? await store.instances.load(id) : undefined;
  return loaded && stillHeld(loaded, (hostId) => directory.heldBy(hostId));
}

/** A sentence about the drain of the host that the instance is on; undefined: there is nothing to say. */
function stayOf({ instance }: InstanceRow, { directory, obstacleOf }: InstanceServiceOptions) {
  const host = instance.hostId === null ? undefined : directory.get(instance.hostId);
  return host && drainedSentence(instance, host, obstacleOf(host.id, instance.id));
}

/** How many of the instances go to each host, in the order in which the hosts are first chosen. */
function placedOn(hosts: readonly ChosenHost[]) {
  const byHost = Map.groupBy(hosts, ({ hostId }) => hostId);
  return [...byHost].map(([hostId, chosen]) => ({
    hostId,
    hostName: chosen[0]?.hostName ?? hostId,
    instances: chosen.length,
  }));
}

/** What has happened to the instance, as far as that is among the newest events of the cell. */
async function latelyOf(id: string, store: StorePart<{ events: "lastSequence" | "list" }>): Promise<Lately> {
  const after = Math.max(0, (await store.events.lastSequence()) - explainLimits.explainEventsMax);
  const { events } = await store.events.list({
    after,
    nouns: ["instance"],
    id,
    limit: wireLimits.pageLengthMax,
  });
  const guarded = events.findLast(({ event }) => event === "guarded");
  const because = guarded?.body.because;
  const failed = events.findLast(({ event, body }) => event === "stateChanged" && body.to === "failed");
  return {
    ...(guarded !== undefined && typeof because === "string" && { guarded: { atMs: guarded.atMs, because } }),
    ...(failed !== undefined && { failedAtMs: failed.atMs }),
  };
}

type CommandName = "start" | "stop" | "reboot" | "pause" | "unpause" | "delete" | "evacuate";

function commandHandlers(options: InstanceServiceOptions): Pick<Service, CommandName> {
  const command =
    (name: CommandName) =>
    async (request: CommandRequest, context: CallContext): Promise<Changed> => {
      const facts = requestFacts(`instance.${name}`, request, context);
      const stopTimeoutMs = request.timeoutMs ?? lifeLimits.stopTimeoutMsDefault;
      const changed = await options.registry.ask<Changed>(
        context.id,
        (reply) => ({
          kind: "command",
          command: admissionCommand(name, request),
          stopTimeoutMs,
          request: facts,
          reply,
        }),
        { deadlineMs: context.deadlineMs, signal: context.signal },
      );
      return request.wait === true ? waitFor(changed, context, options) : changed;
    };
  return {
    start: command("start"),
    stop: command("stop"),
    reboot: command("reboot"),
    pause: command("pause"),
    unpause: command("unpause"),
    delete: command("delete"),
    evacuate: async (request, context) => {
      // Another controller may just have fenced the host: do not refuse because of old hosts.
      await options.directory.refresh();
      return command("evacuate")(request, context);
    },
  };
}

interface CommandRequest {
  readonly wait?: boolean;
  readonly mode?: "graceful" | "soft" | "hard";
  readonly timeoutMs?: number;
}

function admissionCommand(name: CommandName, { mode }: CommandRequest): AdmissionCommand {
  if (mode !== "hard") return name;
  return name === "stop" ? "stopHard" : "rebootHard";
}

/**
 * Waits for the end of the operation and answers with it as it is then; at the deadline, as it is at that
 * time.
 */
async function waitFor(
  changed: Changed,
  context: CallContext,
  options: InstanceServiceOptions,
): Promise<Changed> {
  const { id } = changed.operation;
  return asItIs(changed, (await untilEnded([id], context, options)).get(id), options);
}

/** Answers those that have ended before the caller's deadline. */
function untilEnded(
  ids: readonly string[],
  { deadlineMs, signal, onlyWaits }: CallContext,
  { waits }: InstanceServiceOptions,
): Promise<ReadonlyMap<string, Ended>> {
  onlyWaits();
  return waits.untilEnded(ids, { deadlineMs: deadlineMs - wireLimits.waitMarginMs, signal });
}

/** The instance and its operation as they are now. */
async function asItIs(
  changed: Changed,
  ended: Ended | undefined,
  { store, directory }: InstanceServiceOptions,
): Promise<Changed> {
  const { id } = changed.operation;
  const known = ended?.operation ?? (await store.operations.get(id))?.operation;
  const operation = known === undefined ? changed.operation : operationView(known);
  const row = ended?.row ?? (await store.instances.get(changed.instance.id));
  if (row === undefined) return { ...changed, operation };
  return { instance: instanceView(row, directory.facts(row.instance.hostId)), operation };
}

/** As `waitFor`, of an image that is made of an instance. */
async function imageAsItIs(
  made: AnswerOf<ImageMethod>,
  context: CallContext,
  options: InstanceServiceOptions,
): Promise<AnswerOf<ImageMethod>> {
  const { id } = made.operation;
  const ended = (await untilEnded([id], context, options)).get(id);
  const row = (await options.store.rows.called(image, made.image.id)).find((one) => one.id === made.image.id);
  const shown = row === undefined ? made.image : { ...made.image, ...shownRow<typeof image>(row) };
  const operation = ended === undefined ? made.operation : operationView(ended.operation);
  return { ...made, image: shown, operation };
}

async function waitForAll(
  answer: CreateAnswer,
  context: CallContext,
  options: InstanceServiceOptions,
): Promise<CreateAnswer> {
  const { all: listed = [answer], more = [] } = answer;
  const ids = listed.map(({ operation }) => operation.id);
  const ended = await untilEnded(ids, context, options);
  // A thousand operations for each of a thousand callers would be a million waits: some at a time.
  const atOnce = requestLimits.operationsWaitedAtOnceMax;
  for (let from = 0; from < more.length; from += atOnce) {
    const some = more.slice(from, from + atOnce).map(({ operationId }) => operationId);
    await untilEnded(some, context, options);
  }
  const all = await Promise.all(listed.map((one) => asItIs(one, ended.get(one.operation.id), options)));
  const [first] = all;
  if (first === undefined) return answer;
  return answer.all === undefined ? first : { ...answer, ...first, all };
}

interface ConsoleRequest {
  readonly offset?: number;
  readonly tailLines?: number;
  readonly waitMs?: number;
}

async function readConsole(
  { instance }: InstanceRow,
  request: ConsoleRequest,
  context: CallContext,
  { hostAgent, waits, store }: InstanceServiceOptions,
) {
  context.onlyWaits();
  const until = { deadlineMs: context.deadlineMs - wireLimits.waitMarginMs, signal: context.signal };
  const hostId = instance.hostId ?? (await findHost());
  if (hostId === null) {
    throw new StatusError(
      "consoleUnavailable",
      `Instance ${instance.id} is on no host, so it has no console.`,
    );
  }
  return hostAgent(hostId).console(
    { instanceId: instance.id, ...request },
    { timeoutMs: wireLimits.hostRequestTimeoutMs + (request.waitMs ?? 0), signal: context.signal },
  );

  /** Looks again after each event of the instance. */
  async function findHost(): Promise<string | null> {
    const { id, project } = instance;
    for (let after = await store.events.lastSequence(); ; ) {
      const row = await store.instances.get(id);
      const mayCome =
        (request.waitMs ?? 0) > 0 && row?.instance.deletedAtMs === null && row.instance.failure === null;
      const found = row?.instance.hostId ?? null;
      if (found !== null || !mayCome) return found;
      const page = await waits.events.next({ project, nouns: ["instance"], id, after, limit: 1 }, until);
      if (page.events.length === 0) return null;
      after = page.last;
    }
  }
}
