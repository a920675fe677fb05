/**
 * Hosts as operators see and steer them: list, enable, disable, drain, fence, remove. What hosts themselves
 * report is in reports.ts.
 */
import type { hostService } from "../../../protocol/host.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import type { PowerFence } from "../../ports/power.ts";
import type { Store } from "../../ports/store.ts";
import type { Draining, HostRecord } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { findHost } from "../directory/find-host.ts";
import { drainNow, type LeavingStore, ownedBy } from "../instance/leaving.ts";
import type { PlacementStore } from "../placement/placement.ts";
import type { Placer } from "../placement/placer.ts";
import { type CatalogOptions, catalogCommit, commitOnce } from "../request/commit-once.ts";
import { fitting, jsonBytes, nextMarker } from "../request/page.ts";
import type { Drainer } from "./drainer.ts";
import { fenceHost } from "./fence.ts";
import { fleetLimits } from "./limits.ts";
import type { LeasePicture } from "./picture.ts";
import { type Propose, proposeMoves } from "./rebalance.ts";
import { removeHost } from "./remove.ts";
import { hostView } from "./view.ts";

export interface HostServiceOptions extends CatalogOptions {
  readonly store: CatalogOptions["store"] & LeavingStore & PlacementStore & Pick<Store, "loadInstance">;
  readonly directory: HostDirectory;
  readonly placer: Placer;
  readonly leases: Pick<LeasePicture, "silentMs">;
  readonly drainer: Pick<Drainer, "obstaclesOf">;
  readonly power: PowerFence;
  readonly propose: Propose;
}

export function hostHandlers(options: HostServiceOptions): Handlers<typeof hostService> {
  const { store, directory } = options;
  const find = (key: string) => findHost(key, store);
  const view = (host: HostRecord) =>
    hostView(host, {
      alive: directory.alive(host.id),
      silentMs: options.leases.silentMs(host.id),
      spaces: directory.spaces(host.id),
    });
  const withDrain = async (host: HostRecord) => {
    const drain = await drainNow(host, store, options.drainer.obstaclesOf(host.id));
    return { host: view(host), ...(drain === undefined ? {} : { drain }) };
  };
  const parts = { ...options, view, find };
  const switchHost = async (
    request: { readonly reason?: string },
    context: CallContext,
    enabled: boolean,
  ) => {
    const host = await find(context.id);
    const reason = request.reason ?? null;
    const event = enabled ? "enabled" : "disabled";
    const about = { noun: "host", id: host.id, event, body: { name: host.name, reason } };
    const commit = catalogCommit(`host.${event}`, about, { request, context, options });
    const failedBuilds = enabled ? 0 : host.failedBuilds;
    const draining = enabled ? null : host.draining;
    const changed = { host: view({ ...host, enabled, disabledReason: reason, failedBuilds, draining }) };
    const answer = await commitOnce(
      { hostsEnabled: [{ hostId: host.id, enabled, reason }], ...commit },
      changed,
      options,
    );
    options.placer.hostsChanged();
    return answer;
  };
  return {
    list: async (request) => {
      const limit = request.limit ?? wireLimits.pageLengthDefault;
      const found = await store.listHosts({ ...request, limit });
      const hosts = fitting(found.map(view), jsonBytes);
      return { hosts: [...hosts], ...nextMarker(hosts, limit, found.length) };
    },
    get: async (_request, context) => withDrain(await find(context.id)),
    enable: (request, context) => switchHost(request, context, true),
    disable: (request, context) => switchHost(request, context, false),
    drain: async (request, context) => {
      const host = await find(context.id);
      const draining = await drainingOf(host, request, options);
      const { reason } = request;
      const about = { noun: "host", id: host.id, event: "draining", body: { name: host.name, reason } };
      const commit = catalogCommit("host.drain", about, { request, context, options });
      const answer = await withDrain({ ...host, enabled: false, disabledReason: reason, draining });
      const drained = { hostsEnabled: [{ hostId: host.id, enabled: false, reason, draining }], ...commit };
      const answered = await commitOnce(drained, answer, options);
      await directory.refresh();
      options.placer.hostsChanged();
      return answered;
    },
    fence: (request, context) => fenceHost(request, context, parts),
    remove: (request, context) => removeHost(request, context, parts),
    rebalance: async ({ moves }) => ({ rebalance: await proposeMoves(moves, options) }),
  };
}

/** A drain that is under way goes on, perhaps with another parallelism. */
async function drainingOf(
  { id, draining }: HostRecord,
  { parallelism }: { readonly parallelism?: number },
  { store, clock }: HostServiceOptions,
): Promise<Draining> {
  const known = draining ?? beginning(await ownedBy(id, store), clock.nowMs());
  return { ...known, ...(parallelism === undefined ? {} : { parallelism }) };
}

function beginning(owned: readonly InstanceRecord[], atMs: number): Draining {
  const instanceIds = owned.map((instance) => instance.id);
  const remembered = owned.length > fleetLimits.drainRememberedMax ? {} : { instanceIds };
  return {
    atMs,
    parallelism: placementLimits.drainParallelismDefault,
    instances: owned.length,
    ...remembered,
  };
}
