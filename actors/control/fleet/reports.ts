/**
 * The reports of hosts to a controller: registration, observations of machines, renewals of host leases. A
 * host speaks only for itself; the actor of the instance judges a host's observation.
 */
import { unknownNeeds } from "../../../protocol/agent-needs.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { HostInventory, Observation, reportService } from "../../../protocol/machine.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { Commit } from "../../records/commit.ts";
import type { HostRecord } from "../../records/host.ts";
import type { MachineKey } from "../../records/instance.ts";
import type { HostDirectory } from "../directory/directory.ts";
import type { InstanceRegistry } from "../instance/registry.ts";
import type { Placer } from "../placement/placer.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import type { Leases } from "./leases.ts";
import { atLeastBound } from "./numa-nodes.ts";

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

/** Handlers of the reports. `context.id` is the host that reports; the bus lets no host speak for another. */
export function reportHandlers(options: ReportOptions): Handlers<typeof reportService> {
  const { directory, placer } = options;
  return {
    register: async ({ inventory, machines, knows }, context) => {
      if (inventory.hostId !== context.id) {
        throw new StatusError("projectMismatch", "A host may speak only for itself.");
      }
      await registerHost(offeredBy(inventory, knows), options);
      directory.heard(context.id);
      placer.heard(context.id);
      await take(machines, context, { ...options, leaseEpoch: 0 });
      await remindOfMissing(context.id, machines, options);
      return { accepted: true };
    },
    heartbeat: async ({ complete, machines, stopping, leaseEpoch, space }, context) => {
      if (!directory.known(context.id)) await directory.refresh();
      if (!directory.known(context.id)) return { known: false, stored: [] };
      if (!stopping) {
        directory.heard(context.id, space);
        placer.heard(context.id, space && (space.find(({ full }) => full) ?? null));
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

/** NUMA nodes that no guest can be bound to are not offered. */
const offeredBy = (inventory: HostInventory, knows: readonly string[]): HostInventory =>
  unknownNeeds(["binding"], knows).length === 0 ? inventory : { ...inventory, numa: [] };

/**
 * Registers a host. One that offers less than its instances' claims is stored with these claims as its
 * capacity, and so is full: refused, it would be unknown, and its guests without an owner. An agent that
 * cannot pin guests offers no NUMA nodes.
 */
async function registerHost(inventory: HostInventory, options: ReportOptions): Promise<void> {
  let offered = inventory;
  for (let attempt = 1; attempt <= lifeLimits.commitAttemptsMax; attempt += 1) {
    const before = await options.store.getHost(inventory.hostId);
    // A removed host still has its old host lease: it registers without a new one, and asks for it later.
    const known = before?.id === inventory.hostId;
    const first = known ? before.lease === null : attempt === 1;
    const result = await options.commit(registration(offered, options.clock.nowMs(), first));
    if (result.kind === "committed") {
      await options.directory.refresh();
      options.placer.hostsChanged();
      return;
    }
    // Another controller granted the host lease meanwhile.
    if (result.kind === "conflict") continue;
    const claimed = await options.store.getHost(inventory.hostId);
    if (claimed === undefined) break;
    offered = atLeastClaimed(inventory, claimed);
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
 * The commit that registers a host. `first`: it grants the first host lease, so that no claim is ever made
 * without one.
 */
function registration(inventory: HostInventory, atMs: number, first: boolean): Commit {
  const { hostId, name, bootId } = inventory;
  const about = { noun: "host", id: hostId, event: "registered", body: { name, bootId } };
  const lease = first ? { leasesGranted: [{ hostId, leaseEpoch: 1 }] } : {};
  return { hosts: [inventory], ...lease, events: [{ ...about, atMs, project: adminProject }] };
}

/**
 * Passes each observation to its instance's actor, except those that are stored already: hosts repeat most
 * observations, to any controller, and no controller should load an actor for that. Answers the ids of the
 * instances whose observation is now durable.
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

const keyOf = ({ instanceId, ownerEpoch }: MachineKey): string => `${instanceId} ${ownerEpoch}`;

/**
 * The observations that are stored already. Instances with an actor here are not looked up: the actor knows
 * sooner than the store.
 */
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
      { deadlineMs: deadlineMs - wireLimits.waitMarginMs, signal },
    );
  } catch (thrown) {
    const error = StatusError.from(thrown, "Taking a report");
    const fields = { host: hostId, instance: observation.instanceId, reason: error.reason };
    log.warn(fields, "a report was not stored");
    // The instance is unknown and stays so: sending the observation for ever would not help, and the doctor
    // lists the machine.
    return error.reason === "instanceNotFound";
  }
}

/**
 * Instances that have a claim on the host but are missing in its list are asked for again; nothing is
 * concluded from their absence.
 */
async function remindOfMissing(
  hostId: string,
  machines: readonly Observation[],
  { store, registry }: ReportOptions,
): Promise<void> {
  const listed = new Set(machines.map(({ instanceId }) => instanceId));
  for (const instanceId of await store.listOnHost(hostId)) {
    if (listed.has(instanceId)) continue;
    // Reload first: another controller may have decided since, and an old intent must not undo that.
    await registry.tell(instanceId, { kind: "reload" });
    await registry.tell(instanceId, { kind: "tellHosts" });
  }
}
