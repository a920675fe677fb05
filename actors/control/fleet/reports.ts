/**
 * What hosts report to a controller: that they are there, what runs on them, and that they hold their
 * leases. A host speaks only for itself; what it says of machines is judged by the actors of their
 * instances.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { HostInventory, Observation, reportService } from "../../../protocol/machine.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { Turn } from "../../records/commit.ts";
import type { HostRecord } from "../../records/host.ts";
import type { MachineKey } from "../../records/instance.ts";
import type { HostDirectory } from "../directory/directory.ts";
import type { InstanceRegistry } from "../instance/registry.ts";
import type { Placer } from "../placement/placer.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { atLeastBound } from "./cells.ts";
import type { Leases } from "./leases.ts";

export interface ReportOptions {
  readonly store: Pick<Store, "listOnHost" | "getHost" | "listStored">;
  readonly commit: CatalogOptions["commit"];
  readonly clock: CatalogOptions["clock"];
  readonly registry: Pick<InstanceRegistry, "has" | "ask" | "tell">;
  readonly directory: Pick<HostDirectory, "known" | "heard" | "refresh">;
  readonly placer: Pick<Placer, "heard" | "hostsChanged">;
  readonly leases: Pick<Leases, "renew">;
  readonly log: Log;
}

/** `context.id` is the host that reports; the bus lets no host speak for another. */
export function reportHandlers(options: ReportOptions): Handlers<typeof reportService> {
  const { directory, placer } = options;
  return {
    register: async ({ inventory, machines }, context) => {
      if (inventory.hostId !== context.id) {
        throw new StatusError("projectMismatch", "A host may speak only for itself.");
      }
      await registerHost(inventory, options);
      directory.heard(context.id);
      placer.heard(context.id);
      await take(machines, context, { ...options, leaseEpoch: 0 });
      await remindOfMissing(context.id, machines, options);
      return { accepted: true };
    },
    heartbeat: async ({ complete, machines, stopping, leaseEpoch = 0 }, context) => {
      if (!directory.known(context.id)) await directory.refresh();
      if (!directory.known(context.id)) return { known: false, stored: [] };
      if (!stopping) {
        directory.heard(context.id);
        placer.heard(context.id);
      }
      const stored = await take(machines, context, { ...options, leaseEpoch });
      if (complete) await remindOfMissing(context.id, machines, options);
      return { known: true, stored };
    },
    lease: async (asked, context) => {
      const answer = await options.leases.renew(context.id, asked);
      if (answer.held) placer.heard(context.id);
      if (answer.held) directory.heard(context.id);
      return { ...answer };
    },
  };
}

/**
 * A host that offers less than its instances hold keeps what they hold, and is full: refused it would be
 * unknown, and its guests nobody's.
 */
async function registerHost(inventory: HostInventory, options: ReportOptions): Promise<void> {
  const willing = inventory.binds === true ? inventory : { ...inventory, numa: [] };
  let offered: HostInventory = willing;
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const before = await options.store.getHost(inventory.hostId);
    // A host that was removed has a lease of before: then it registers without a new one, and asks for it.
    const known = before?.id === inventory.hostId;
    const first = inventory.leases === true && (known ? before.lease === null : attempt === 1);
    const result = await options.commit(registration(offered, options.clock.nowMs(), first));
    if (result.kind === "committed") {
      await options.directory.refresh();
      options.placer.hostsChanged();
      return;
    }
    // Somebody else granted the lease meanwhile.
    if (result.kind === "conflict") continue;
    const claimed = await options.store.getHost(inventory.hostId);
    if (claimed === undefined) break;
    offered = atLeastClaimed(willing, claimed);
    const { vcpus, memoryMib, diskGib } = offered;
    options.log.warn(
      { host: inventory.hostId, vcpus, memoryMib, diskGib },
      "the host offers less than is claimed",
    );
  }
  throw new StatusError("inUse", `The host ${inventory.name} cannot be registered now.`);
}

function atLeastClaimed(inventory: HostInventory, known: HostRecord): HostInventory {
  return {
    ...inventory,
    ...atLeastBound(inventory, known),
    memoryMib: Math.max(inventory.memoryMib, known.memoryMibClaimed),
    diskGib: Math.max(inventory.diskGib, known.diskGibClaimed),
  };
}

/**
 * `first`: it gets its first lease with it, so that nothing is ever placed on it without. Cells that nobody
 * can be bound to are not offered.
 */
function registration(said: HostInventory, atMs: number, first: boolean): Turn {
  const { leases: _, binds: __, ...inventory } = said;
  const { hostId, name, bootId } = inventory;
  const about = { noun: "host", id: hostId, event: "registered", body: { name, bootId } };
  const lease = first ? { leasesGranted: [{ hostId, epoch: 1 }] } : {};
  return { hosts: [inventory], ...lease, events: [{ ...about, atMs, project: adminProject }] };
}

/**
 * Every report goes to its instance's actor, but for what is stored already: hosts say most things twice, to
 * whichever controller hears them, and none has to load what it has not here for that. Answers the ids of
 * those that are durable now.
 */
async function take(
  machines: readonly Observation[],
  context: CallContext,
  options: TakeOptions,
): Promise<string[]> {
  const stored = await storedOf(machines, context.id, options);
  const taken = await Promise.all(
    machines.map(async (one) => stored.has(keyOf(one)) || (await takeOne(one, context, options))),
  );
  return machines.filter((_, index) => taken[index]).map(({ instanceId }) => instanceId);
}

type TakeOptions = ReportOptions & { readonly leaseEpoch: number };

const keyOf = ({ instanceId, epoch }: MachineKey): string => `${instanceId} ${epoch}`;

/** Of those without an actor here: one that is here knows it sooner than the store. */
async function storedOf(
  machines: readonly Observation[],
  hostId: string,
  { store, registry, log }: TakeOptions,
): Promise<ReadonlySet<string>> {
  const strangers = machines.filter(({ instanceId }) => !registry.has(instanceId));
  if (strangers.length === 0) return new Set();
  try {
    return new Set((await store.listStored(hostId, strangers)).map(keyOf));
  } catch (error) {
    log.warn({ error, host: hostId }, "what is stored of a report was not read");
    return new Set();
  }
}

async function takeOne(
  observation: Observation,
  { deadlineMs, signal, id: hostId }: CallContext,
  { registry, leaseEpoch, log }: TakeOptions,
): Promise<boolean> {
  try {
    return await registry.ask<boolean>(
      observation.instanceId,
      (reply) => ({ kind: "observed", hostId, observation, leaseEpoch, reply }),
      { deadlineMs: deadlineMs - limits.waitMarginMs, signal },
    );
  } catch (thrown) {
    const error = StatusError.from(thrown, "Taking a report");
    const fields = { host: hostId, instance: observation.instanceId, reason: error.reason };
    log.warn(fields, "a report was not stored");
    // Nobody knows the instance, and nobody ever will: the doctor names it; sending it for ever would not
    // help.
    return error.reason === "instanceNotFound";
  }
}

/**
 * What should be there by the claims but is not in the host's own list is asked for again; nothing is
 * concluded from it.
 */
async function remindOfMissing(
  hostId: string,
  machines: readonly Observation[],
  { store, registry }: ReportOptions,
): Promise<void> {
  const listed = new Set(machines.map(({ instanceId }) => instanceId));
  for (const instanceId of await store.listOnHost(hostId)) {
    if (listed.has(instanceId)) continue;
    // What another controller has decided since must not be undone by old news.
    await registry.tell(instanceId, { kind: "reload" });
    await registry.tell(instanceId, { kind: "tellHosts" });
  }
}
