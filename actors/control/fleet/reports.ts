/**
 * The reports of hosts to a controller: registration, observations of machines, renewals of host leases. A
 * host speaks only for itself; the actor of the instance judges a host's observation. A renewal, and that a
 * host lives, must never wait for these actors: they are in the other half of the controller (link.ts).
 */
import { unknownNeeds } from "../../../protocol/agent-needs.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { HostInventory, reportService } from "../../../protocol/machine.ts";
import type { CallContext, Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { StorePart } from "../../ports/store.ts";
import type { Commit } from "../../records/commit.ts";
import type { HostRecord } from "../../records/host.ts";
import type { HostDirectory } from "../directory/directory.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { contentHash } from "../request/content-hash.ts";
import { AtOnce } from "./at-once.ts";
import { refuseTakenName } from "./host-name.ts";
import type { Leases } from "./leases.ts";
import { fleetLimits } from "./limits.ts";
import type { HostSaid } from "./link.ts";
import { atLeastBound } from "./numa-nodes.ts";
import type { Patience } from "./patience.ts";
import type { ReportBudgets } from "./report-budgets.ts";

export interface ReportOptions {
  readonly store: StorePart<{ hosts: "get" | "called" }>;
  readonly commit: CatalogOptions["commit"];
  readonly clock: CatalogOptions["clock"];
  readonly directory: Pick<HostDirectory, "known" | "heard" | "refresh" | "alive">;
  readonly leases: Pick<Leases, "renew">;
  readonly audience: Pick<
    Patience,
    "observed" | "guarded" | "networking" | "imageTicket" | "heard" | "hostsChanged"
  >;
  readonly budgets: Pick<ReportBudgets, "take" | "demand">;
  readonly log: Log;
}

/** Handlers of the reports. `context.id` is the host that reports; the bus lets no host speak for another. */
export function reportHandlers(options: ReportOptions): Handlers<typeof reportService> {
  const { directory, audience, budgets, clock } = options;
  const heard = (hostId: string, said?: HostSaid) => {
    directory.heard(hostId);
    audience.heard(hostId, said);
  };
  const registering = new AtOnce(fleetLimits.registrationsAtOnceMax);
  const left = ({ deadlineMs }: CallContext) =>
    Math.max(0, deadlineMs - wireLimits.waitMarginMs - clock.monotonicMs());
  return {
    register: async ({ inventory, machines, knows }, context) => {
      if (inventory.hostId !== context.id) {
        throw new StatusError("projectMismatch", "A host may speak only for itself.");
      }
      const register = () => registerHost(offeredBy(inventory, knows), options);
      const outcome = await registering.run(register, context.signal);
      if (outcome === undefined) return { accepted: false };
      if (outcome === "news") await tellOfHosts(options);
      heard(context.id);
      const complete = budgets.take(context.id, "complete report");
      const report = { hostId: context.id, leaseEpoch: 0, machines, complete };
      await audience.observed({ ...report, ...leftOutOf(context), timeoutMs: left(context) });
      return { accepted: true };
    },
    heartbeat: async ({ complete: all, machines, stopping, leaseEpoch, ...said }, context) => {
      if (!directory.known(context.id)) await directory.refresh();
      if (!directory.known(context.id)) return { known: false, stored: [] };
      if (!stopping) heard(context.id, saidIn(said));
      // Beyond its budget the machines of the list are heard, and nothing is asked about those that it lacks.
      const complete = all && budgets.take(context.id, "complete report");
      const isEmpty = machines.length === 0 && !complete && context.leftOut === undefined;
      if (isEmpty) return { known: true, stored: [] };
      const report = { hostId: context.id, leaseEpoch, machines, complete, ...leftOutOf(context) };
      return { known: true, stored: [...(await audience.observed({ ...report, timeoutMs: left(context) }))] };
    },
    guarded: async ({ bootId, deeds }, context) => {
      budgets.demand(context.id, "deed", deeds.length);
      const told = await audience.guarded({ hostId: context.id, bootId, deeds, timeoutMs: left(context) });
      if (told) return {};
      throw new StatusError("storeUnavailable", "What the guard did is not stored yet.");
    },
    networkPull: async ({ have }, context) => {
      budgets.demand(context.id, "question for networks");
      const found = await audience.networking({ hostId: context.id, have, timeoutMs: left(context) });
      if (found !== undefined) return found;
      throw new StatusError("storeUnavailable", "The networks of the host could not be read in time.");
    },
    imageTicket: async (question, context) => {
      budgets.demand(context.id, "question for images");
      const found = await audience.imageTicket({
        ...{ hostId: context.id, ...question, timeoutMs: left(context) },
      });
      if (found !== undefined && found !== null) return found;
      // Whether there is such an instance or image at all is not the host's to know.
      if (found === null)
        throw new StatusError("imageNotFound", "No instance that the host is to run is made of that image.");
      throw new StatusError("storeUnavailable", "Whether the host may have the image is not known in time.");
    },
    lease: async (asked, context) => {
      if (asked.leaseEpoch === 0) await refuseUnknown(context.id, directory);
      const answer = await options.leases.renew(context.id, asked);
      if (answer.held) heard(context.id);
      return { ...answer };
    },
  };
}

const saidIn = ({
  space: spaces,
  volumeStorages: storages,
  imagePeer,
}: Pick<
  RequestOf<typeof reportService.methods.heartbeat>,
  "space" | "volumeStorages" | "imagePeer"
>): HostSaid => ({
  ...{ spaces, storages, imagePeer },
});

const leftOutOf = ({ leftOut }: CallContext) => (leftOut === undefined ? {} : { leftOut });

/**
 * Without NUMA nodes that no guest can be bound to, and without shapes and networks that the agent would not
 * heed.
 */
function offeredBy(inventory: HostInventory, knows: readonly string[]): HostInventory {
  const lacks = unknownNeeds(["binding", "shape", "interfaces"], knows);
  const numa = lacks.includes("binding") ? [] : inventory.numa;
  if (inventory.drivers === undefined) return { ...inventory, numa };
  const { shapes, network, ...others } = inventory.drivers;
  const drivers = {
    ...others,
    network: lacks.includes("interfaces") ? null : network,
    ...(lacks.includes("shape") || shapes === undefined ? {} : { shapes }),
  };
  return { ...inventory, numa, drivers };
}

/**
 * Refuses a host that is not registered (yet): a thousand of them that ask at once share a few reads.
 * @throws NOT_FOUND hostNotFound
 */
async function refuseUnknown(hostId: string, directory: ReportOptions["directory"]): Promise<void> {
  if (!directory.known(hostId)) await directory.refresh();
  if (!directory.known(hostId)) throw new StatusError("hostNotFound", `There is no host ${hostId}.`);
}

async function tellOfHosts({ directory, audience }: ReportOptions): Promise<void> {
  await directory.refresh();
  await audience.hostsChanged();
}

/** Whether the store has all this of the host already: to say it again is no news. */
function isStored({ hostId: _, ...inventory }: HostInventory, before: HostRecord): boolean {
  const said = { drivers: null, ...inventory };
  const stored = Object.fromEntries(Object.entries(before).filter(([field]) => field in said));
  return contentHash("inventory", "", said) === contentHash("inventory", "", stored);
}

/**
 * Registers a host. One that offers less than its instances' claims is stored with these claims as its
 * capacity, and so is full: refused, it would be unknown, and its guests without an owner. An agent that
 * cannot pin guests offers no NUMA nodes. `known`: nobody has to be told.
 */
async function registerHost(inventory: HostInventory, options: ReportOptions): Promise<"news" | "known"> {
  let offered = inventory;
  for (let attempt = 1; attempt <= lifeLimits.commitAttemptsMax; attempt += 1) {
    const before = await options.store.hosts.get(inventory.hostId);
    // A removed host still has its old host lease: it registers without a new one, and asks for it later.
    const known = before?.id === inventory.hostId;
    offered = keepingStorages(offered, before);
    const isSaid = known && isStored(atLeastClaimed(keepingStorages(inventory, before), before), before);
    if (isSaid && before.lease !== null) return options.directory.known(inventory.hostId) ? "known" : "news";
    await refuseTakenName(inventory, known ? before : undefined, options);
    if (attempt === 1) options.budgets.demand(inventory.hostId, "registration");
    const first = known ? before.lease === null : attempt === 1;
    const result = await options.commit(registration(offered, options.clock.nowMs(), first));
    if (result.kind === "committed") return "news";
    // Another controller granted the host lease meanwhile.
    if (result.kind === "conflict") continue;
    const claimed = await options.store.hosts.get(inventory.hostId);
    if (claimed === undefined) break;
    offered = atLeastClaimed(offered, claimed);
    const { vcpus, memoryMib, diskGib } = offered;
    options.log.warn(
      { host: inventory.hostId, vcpus, memoryMib, diskGib },
      "the host offers less than is claimed",
    );
  }
  throw new StatusError("inUse", `The host ${inventory.name} cannot be registered now.`);
}

/** Storages of volumes that have not answered in this life of the agent are where they were. */
function keepingStorages(inventory: HostInventory, before: HostRecord | undefined): HostInventory {
  const { drivers } = inventory;
  const kept = before?.drivers?.volumeStorages;
  if (!drivers || drivers.volumes === null || drivers.volumeStorages !== undefined || kept === undefined)
    return inventory;
  return { ...inventory, drivers: { ...drivers, volumeStorages: kept } };
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
