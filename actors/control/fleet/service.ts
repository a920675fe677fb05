/**
 * Hosts as operators see and steer them: list, enable, disable, drain, fence, remove. Commands go to the
 * host's actor; what is read for one is read here. What hosts themselves report is in reports.ts.
 */
import type { hostService } from "../../../protocol/host.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { PowerFence } from "../../ports/power.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { findHost } from "../directory/find-host.ts";
import type { Hosts } from "../host/actor.ts";
import type { HostAnswer, HostCommand, Seen } from "../host/messages.ts";
import type { Surveys } from "../host/survey.ts";
import { drainNow, thereOn } from "../host/there.ts";
import { hostView } from "../host/view.ts";
import type { LeavingStore } from "../instance/leaving.ts";
import type { PlacementStore } from "../placement/placement.ts";
import type { Placer } from "../placement/placer.ts";
import { type CatalogOptions, unlessAnswered } from "../request/commit-once.ts";
import { contentHash } from "../request/content-hash.ts";
import { operationView } from "../request/operation-view.ts";
import { fitting, jsonBytes, nextMarker } from "../request/page.ts";
import type { Waits } from "../request/waits.ts";
import { type NetworkStateOptions, networkStateOf } from "./network-state.ts";
import { type Propose, proposeMoves } from "./rebalance.ts";
import { assertEmpty } from "./remove.ts";

export interface HostServiceOptions extends CatalogOptions, NetworkStateOptions {
  readonly store: CatalogOptions["store"] &
    LeavingStore &
    PlacementStore &
    StorePart<{ instances: "load"; hosts: "get"; operations: "get" }>;
  readonly directory: HostDirectory;
  readonly placer: Placer;
  readonly hosts: Hosts;
  readonly surveys: Pick<Surveys, "obstaclesOf">;
  readonly seen: (hostId: string) => Seen;
  readonly power: Pick<PowerFence, "has">;
  readonly waits: Waits;
  readonly propose: Propose;
}

/**
 * The methods' names in the hashes of their requests: never change one, or repeated requests are strangers.
 */
const called = {
  ...{ enable: "host.enabled", disable: "host.disabled", drain: "host.drain" },
  ...{ fence: "host.fence", remove: "host.remove" },
} as const satisfies Record<HostCommand["command"], string>;

/** What the request of a host's method is to its actor: the request itself, and what was read for it. */
type Reading = (host: HostRecord) => HostCommand | Promise<HostCommand>;

export function hostHandlers(options: HostServiceOptions): Handlers<typeof hostService> {
  const { store, surveys, directory } = options;
  const view = (host: HostRecord) => hostView(host, options.seen(host.id));
  const ask = async (
    name: HostCommand["command"],
    request: object,
    context: CallContext,
    read: Reading,
  ): Promise<HostAnswer> => {
    const cause = { request, context, options };
    return unlessAnswered(called[name], cause, async () => {
      const found = await findHost(context.id, store);
      const asked = await read(found);
      const { project, requestId, id, deadlineMs, signal } = context;
      const hash = contentHash(called[name], id, { ...request });
      const facts = { project, requestId, contentHash: hash };
      const answer = await options.hosts.ask<HostAnswer>(
        found.id,
        (reply) => ({ kind: "command", asked, request: facts, found, reply }),
        { deadlineMs, signal },
      );
      await directory.refresh();
      return answer;
    });
  };
  return {
    list: async (request) => {
      const limit = request.limit ?? wireLimits.pageLengthDefault;
      const found = await store.hosts.list({ ...request, limit });
      const hosts = fitting(found.map(view), jsonBytes);
      return { hosts: [...hosts], ...nextMarker(hosts, limit, found.length) };
    },
    get: async (_request, context) => {
      const host = await findHost(context.id, store);
      const [drain, network] = await Promise.all([
        drainNow(host, store, surveys.obstaclesOf(host.id)),
        networkStateOf(host, context, options),
      ]);
      return { host: view(host), ...(drain && { drain }), ...(network && { network }) };
    },
    enable: (request, context) => ask("enable", request, context, () => ({ command: "enable" })),
    disable: (request, context) =>
      ask("disable", request, context, () => ({ command: "disable", reason: request.reason })),
    drain: async (request, context) => {
      const { reason, parallelism } = request;
      const begun = await ask("drain", request, context, async (host) => ({
        ...{ command: "drain", reason, ...(await thereOn(host, store)) },
        ...(parallelism === undefined ? {} : { parallelism }),
      }));
      return request.wait === true ? waited(begun, context, options) : begun;
    },
    fence: async (request, context) => {
      const { wait, ...words } = request;
      const begun = await ask("fence", request, context, async ({ name }) => {
        // Another controller may have heard the host a moment ago.
        await directory.refresh();
        return { command: "fence", words, powered: options.power.has(name) };
      });
      return wait === false ? begun : proved(await waited(begun, context, options));
    },
    remove: async (request, context) => {
      try {
        return await ask("remove", request, context, async (host) => {
          await assertEmpty(host, options);
          return { command: "remove" };
        });
      } catch (thrown) {
        // Something may have come to the host meanwhile: that is the better reason.
        if (thrown instanceof StatusError && thrown.reason === "generationConflict")
          await assertEmpty(await findHost(context.id, store), options);
        throw thrown;
      }
    },
    rebalance: async ({ moves }) => ({ rebalance: await proposeMoves(moves, options) }),
  };
}

/** The answer as it is when the operation has ended; at the deadline, as it is at that time. */
async function waited(
  begun: HostAnswer,
  context: CallContext,
  options: HostServiceOptions,
): Promise<HostAnswer> {
  const { operation } = begun;
  if (operation === undefined || operation.state !== "running") return begun;
  const { store, waits, surveys } = options;
  context.onlyWaits();
  const until = { deadlineMs: context.deadlineMs - wireLimits.waitMarginMs, signal: context.signal };
  const ended = await waits.untilEnded([operation.id], until);
  const now = ended.get(operation.id)?.operation ?? (await store.operations.get(operation.id))?.operation;
  const host = await store.hosts.get(begun.host.id);
  if (now === undefined || host === undefined) return begun;
  const drain = await drainNow(host, store, surveys.obstaclesOf(host.id));
  const view = hostView(host, options.seen(host.id));
  return { host: view, ...(drain === undefined ? {} : { drain }), operation: operationView(now) };
}

/**
 * Who waits for a fence takes the answer for the proof: one that has failed, or goes on, is an error.
 * @throws why it failed; timeout
 */
function proved(answer: HostAnswer): HostAnswer {
  const { error = null, state, id } = answer.operation ?? {};
  if (error !== null) throw StatusError.fromBody(error);
  if (state !== "running") return answer;
  const message = `${answer.host.name} is not proved to be off yet; the operation ${id} goes on.`;
  throw new StatusError("timeout", message);
}
