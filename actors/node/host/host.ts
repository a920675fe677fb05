/**
 * One compute node, put together from its ports: the host actor, its machines, and what controllers may ask
 * of it. Starting it takes over what is there; stopping it lets the guests run on, or takes them all down, as
 * it is told.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { HostInventory, hostAgentService, Observation } from "../../../protocol/machine.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { Consoles } from "../../ports/consoles.ts";
import type { Disks } from "../../ports/disks.ts";
import type { Guard } from "../../ports/guard.ts";
import type { Hypervisor } from "../../ports/hypervisor.ts";
import type { MachineFiles } from "../../ports/machine-files.ts";
import type { StorageLeases } from "../../ports/storage-leases.ts";
import type { ActorRef, ActorSystem } from "../../runtime/system.ts";
import { HostStorage } from "../../shared-storage/host-storage.ts";
import { sharedDisksHandlers } from "../../shared-storage/shared-disks.ts";
import { noLease } from "../machine/lease.ts";
import type { EnsureRequest } from "../machine/messages.ts";
import { createSlots } from "../machine/slots.ts";
import { hostActor } from "./actor.ts";
import { audit, type Findings } from "./audit.ts";
import { createConsoleReader } from "./console.ts";
import { LeaseHolder } from "./lease-holder.ts";
import { Ledger } from "./ledger.ts";
import { Machines } from "./machines.ts";
import type { HostMessage } from "./messages.ts";
import { News } from "./news.ts";
import type { ReportClient } from "./reporter.ts";

export interface HostOptions {
  readonly system: ActorSystem;
  readonly inventory: HostInventory;
  readonly hypervisor: Hypervisor;
  readonly disks: Disks;
  readonly files: MachineFiles;
  readonly consoles: Consoles;
  /** What is really there, found without asking the actors. */
  readonly findings: () => Promise<Findings>;
  readonly reports: ReportClient;
  /** Opens the guard of this node. Absent: it asks for no lease, and nobody takes its guests over. */
  readonly guard?: () => Promise<Guard>;
  /** Of the storage that its guests' disks are in; absent: it shares none. */
  readonly storageLeases?: StorageLeases;
  readonly clock: Clock;
  readonly log: Log;
  /** Guests that boot at once. */
  readonly bootsMax: number;
  /**
   * The host's own actor was given up by its supervisor: the node is of no use until its process begins anew.
   */
  readonly onFailed?: () => void;
}

export interface Host {
  readonly handlers: Handlers<typeof hostAgentService>;
  /**
   * Resolves when nothing of the agent acts any more; takes in no case much longer than it must. Idempotent.
   */
  stop(ending: HostEnding): Promise<void>;
  /** For who cannot wait for `stop` any more, after its guests have ended: the guard ends as well. */
  endLease(): Promise<void>;
}

export interface HostEnding {
  /** Take them down too; else they run on. */
  readonly guests: boolean;
  /** How long they may take to shut down by themselves; limits.hostShutdownGraceMs unless said otherwise. */
  readonly patienceMs?: number;
}

export function createHost(options: HostOptions): Host {
  const { system, inventory, hypervisor, disks, files, consoles, reports, clock, log } = options;
  const ledger = new Ledger();
  let holder: LeaseHolder | undefined;
  const news = new News(ledger);
  const ports = { hypervisor, disks, files, clock, log, slots: createSlots(options.bootsMax) };
  const machines = new Machines({
    ports,
    publish: (observation, told) => news.publish(observation, told),
    lease: () => holder?.current() ?? noLease,
  });
  const leaseEpoch = () => {
    const lease = holder?.current() ?? noLease;
    return lease.kind === "held" ? lease.epoch : 0;
  };
  const registered = () => holder?.hurry();
  const said = { ...inventory, binds: true, ...(options.guard === undefined ? {} : { leases: true }) };
  const common = { inventory: said, reports, ledger, leaseEpoch, registered, clock, log };
  const ref = system.spawn(hostActor({ ...common, machines, hypervisor, files, news }));
  ref.onEnd(({ how }) => {
    if (how === "failed") options.onFailed?.();
  });
  const { storageId = null } = inventory;
  const storage = new HostStorage({ leases: options.storageLeases, storageId, clock, log });
  const changed = (anew: boolean) => ref.tell({ kind: "lease", anew });
  holder = leaseHolder(options, { ledger, machines, storage, changed });
  holder?.start();
  news.onNews(() => {
    holder?.poke();
    return ref.tell({ kind: "news" });
  });
  hypervisor.onEvent((event) => {
    if (machines.hear(event)) return;
    log.error({ instanceId: event.instanceId, event: event.kind }, "A machine did not hear its guest.");
  });
  const reader = createConsoleReader(consoles, clock);
  let stopped: Promise<void> | undefined;
  return {
    handlers: {
      ensure: (request, context) => ensure(ref, request, context),
      ensureLeased: (request, context) => ensure(ref, request, context),
      ensureBound: (request, context) => ensure(ref, request, context),
      console: (request, context) => reader.read(request, context),
      storageLease: async ({ hostId, leaseEpoch: epoch, take }) => ({
        state: await storage.examine({ hostId, epoch }, take),
      }),
      audit: () => audit({ hostId: inventory.hostId, ledger, files, look: options.findings }),
      ...sharedDisksHandlers({ storageId, disks, ledger }),
    },
    stop: (ending) => {
      stopped ??= stop(ref, options, ending).then(() => holder?.end(ending.guests));
      return stopped;
    },
    endLease: async () => holder?.end(true),
  };
}

function ensure(
  ref: ActorRef<HostMessage>,
  request: EnsureRequest,
  { deadlineMs, signal }: Pick<CallContext, "deadlineMs" | "signal">,
): Promise<{ observation: Observation }> {
  refuseWhenBusy(ref);
  return ref.ask((reply) => ({ kind: "ensure", request, reply }), { deadlineMs, signal });
}

interface LeaseParts {
  readonly ledger: Ledger;
  readonly machines: Machines;
  readonly storage: HostStorage;
  readonly changed: (anew: boolean) => void;
}

function leaseHolder(
  options: HostOptions,
  { ledger, machines, storage, changed }: LeaseParts,
): LeaseHolder | undefined {
  const { guard, reports, clock, log, hypervisor, inventory } = options;
  if (guard === undefined) return undefined;
  /** Neither what the machines say nor what is really there knows of one. */
  const isClean = async () => {
    if (!ledger.areDown(machines.fenced)) return false;
    const living = await hypervisor.list();
    return !living.some(({ instanceId }) => machines.mayBeFenced(instanceId));
  };
  const { hostId } = inventory;
  return new LeaseHolder({ hostId, reports, guard, storage, clock, log, isClean, changed });
}

/**
 * The rest of the mailbox is for what the host hears from its machines. @throws RESOURCE_EXHAUSTED
 * mailboxFull
 */
function refuseWhenBusy(ref: ActorRef<HostMessage>): void {
  if (ref.waiting < limits.mailboxLengthMax) return;
  const retryAfterMs = limits.mailboxRetryAfterMs;
  throw new StatusError("mailboxFull", "The host has too much to do.", { retryAfterMs });
}

async function stop(ref: ActorRef<HostMessage>, options: HostOptions, ending: HostEnding): Promise<void> {
  const { clock, log, hypervisor } = options;
  if (ending.guests) {
    const graceMs = ending.patienceMs ?? limits.hostShutdownGraceMs;
    const deadlineMs = clock.monotonicMs() + graceMs + limits.hostHaltMs;
    await ref
      .ask<undefined>((reply) => ({ kind: "stopGuests", graceMs, reply }), { deadlineMs })
      .catch((error: unknown) =>
        log.error({ err: error }, "Not every guest is down; the agent ends anyway."),
      );
  }
  const deadlineMs = clock.monotonicMs() + limits.hostFarewellMs;
  await ref
    .ask<undefined>((reply) => ({ kind: "leaving", reply }), { deadlineMs })
    .catch((error: unknown) => log.warn({ err: error }, "The host's last reports were not heard."));
  await ref.stop();
  await hypervisor.detach();
}
