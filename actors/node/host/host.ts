/**
 * One compute node, put together from its ports: the host actor, its machines, and the questions that
 * controllers may ask. Starting takes over what is there; stopping lets the guests run on or shuts them all
 * down, as told.
 */

import { refuseUnknownNeeds } from "../../../protocol/agent-needs.ts";
import type { HostInventory, hostAgentService, Observation } from "../../../protocol/machine.ts";
import { type MachineState, machineStates } from "../../../protocol/states.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { Consoles } from "../../ports/consoles.ts";
import type { DiskSpace } from "../../ports/disk-space.ts";
import type { Disks } from "../../ports/disks.ts";
import type { Guard } from "../../ports/guard.ts";
import type { Hypervisor } from "../../ports/hypervisor.ts";
import type { ImageGiving } from "../../ports/image-giving.ts";
import type { Keeper } from "../../ports/keeper.ts";
import type { MachineFiles } from "../../ports/machine-files.ts";
import type { Network } from "../../ports/network.ts";
import type { StorageLeases } from "../../ports/storage-leases.ts";
import type { VolumeStorage } from "../../ports/volumes.ts";
import { actorLimits } from "../../runtime/limits.ts";
import { type Meter, nullMeter } from "../../runtime/meter.ts";
import { meterImagePeer, meterSpaces, meterVolumeStorages } from "../../runtime/metered.ts";
import { SpaceWatch } from "../../runtime/space-watch.ts";
import type { ActorRef, ActorSystem } from "../../runtime/system.ts";
import { HostStorage } from "../../shared-storage/host-storage.ts";
import { sharedDisksHandlers } from "../../shared-storage/shared-disks.ts";
import { DiskTurns } from "../machine/disk-turns.ts";
import type { EnsureRequest } from "../machine/messages.ts";
import { createSlots } from "../machine/slots.ts";
import { VolumeStorages } from "../machine/volume-storages.ts";
import { hostActor } from "./actor.ts";
import { audit, type Findings } from "./audit.ts";
import { createConsoleReader } from "./console.ts";
import { RootCopies } from "./copies.ts";
import { GuardDeeds } from "./guard-deeds.ts";
import { LeaseHolder } from "./lease-holder.ts";
import { Ledger } from "./ledger.ts";
import { hostLimits } from "./limits.ts";
import { Machines } from "./machines.ts";
import type { HostMessage } from "./messages.ts";
import { Networking } from "./networking.ts";
import { News } from "./pending-reports.ts";
import type { ReportClient } from "./reporter.ts";
import { HostTraffic } from "./traffic.ts";
import { VolumeCopies } from "./volume-copies.ts";
import { closeForgotten } from "./volume-notes.ts";
import { VolumeStorageWatch } from "./volume-storage-watch.ts";
import { volumeHandlers } from "./volumes.ts";

export interface HostOptions {
  readonly system: ActorSystem;
  readonly inventory: HostInventory;
  readonly hypervisor: Hypervisor;
  readonly disks: Disks;
  readonly files: MachineFiles;
  readonly consoles: Consoles;
  /** Looks at what is really on the host, without asking the actors. */
  readonly findings: () => Promise<Findings>;
  /** What guests are plugged into. Absent: the host has no network. */
  readonly network?: Network | undefined;
  /** Storages of volumes that the host sees, its own first. Absent: no volumes are kept here. */
  readonly volumes?: readonly VolumeStorage[];
  /** The images that the host gives to other hosts. Absent: the host gives none. */
  readonly imageGiving?: ImageGiving | undefined;
  /** Keepers of what is neither a process nor a disk. */
  readonly others: readonly Keeper[];
  /** False: the disks end with the agent. */
  readonly keepsDisks: boolean;
  readonly reports: ReportClient;
  /** Words of {@link agentNeeds}: what needs others is refused, and machines that do are left alone. */
  readonly knows: readonly string[];
  /** Opens the guard of this node. */
  readonly guard: () => Promise<Guard>;
  /** Room on the host's file systems; absent: it is not known. */
  readonly space?: DiskSpace;
  /** Storage leases on the storage of its guests' disks; absent: the host shares no storage. */
  readonly storageLeases?: StorageLeases;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
  /** How many guests may boot at once. */
  readonly bootsMax: number;
  /**
   * Called when the supervisor gave up the host actor itself: the node is useless until its process restarts.
   */
  readonly onFailed?: () => void;
}

export interface Host {
  /** What the process runs is the assembly's to say. */
  readonly handlers: Omit<Handlers<typeof hostAgentService>, "release">;
  /** To be called from time to time: removes copies of disks that nobody asks for. */
  tidy(): Promise<void>;
  /** Stops the agent; resolves when nothing of it acts any more, within a bounded time. Idempotent. */
  stop(ending: HostEnding): Promise<void>;
  /**
   * Ends the guard as well, once the guests have ended, for a caller that cannot wait for `stop` any more.
   */
  endLease(): Promise<void>;
}

export interface HostEnding {
  /** True: shut the guests down; false: they run on. */
  readonly guests: boolean;
  /** How long the guests may take to shut down by themselves; absent: hostLimits.hostShutdownGraceMs. */
  readonly patienceMs?: number;
}

export function createHost(options: HostOptions): Host {
  const { system, inventory, hypervisor, disks, files, consoles, reports, clock, log } = options;
  const ledger = new Ledger();
  const news = new News(ledger);
  const { knows, keepsDisks, findings: look } = options;
  const networking = networkingOf(options, ledger);
  const ports = machinePorts(options, networking);
  const { storages, diskTurns } = ports;
  const copies = new RootCopies({ hypervisor, copies: disks.copies, diskTurns, clock, log });
  const machines = new Machines({
    ports,
    publish: (observation, told) => news.publish(observation, told),
    lease: () => holder.current(),
  });
  const leaseEpoch = () => {
    const lease = holder.current();
    return lease.kind === "held" ? lease.leaseEpoch : 0;
  };
  const registered = () => holder.hurry();
  const { told, stop: stopWatching } = watchRoom(options);
  const { storageId, hostId } = inventory;
  const common = { inventory, knows, reports, ledger, leaseEpoch, registered, ...told, clock, log };
  const storage = new HostStorage({ leases: options.storageLeases, storageId, clock, log });
  const changed = (anew: boolean) => ref.tell({ kind: "lease", anew });
  const holder = leaseHolder(options, { ledger, machines, storage, changed });
  const ref = system.spawn(hostActor({ ...common, machines, hypervisor, files, news }));
  ref.onEnd(({ how }) => {
    if (how === "failed") options.onFailed?.();
  });
  holder.start();
  networking?.start();
  const traffic = new HostTraffic(options);
  traffic.start();
  meterHost(options, ledger);
  news.onNews(() => {
    holder.poke();
    return ref.tell({ kind: "news" });
  });
  hearGuests(options, machines);
  const reader = createConsoleReader(consoles, clock, inventory.drivers?.abilities.console ?? true);
  const volumeCopies = new VolumeCopies(storages);
  const ending = new AbortController();
  let stopped: Promise<void> | undefined;
  return {
    handlers: {
      ensure: async (request, context) => {
        refuseUnknownNeeds(request.needs, knows);
        return ensure(ref, request, context);
      },
      ...networkHandlers(networking),
      portTraffic: ({ portIds }) => traffic.of(portIds),
      console: (request, context) => reader.read(request, context),
      storageLease: async ({ hostId, leaseEpoch, take }) => ({
        state: await storage.examine({ hostId, leaseEpoch }, take),
      }),
      audit: () => audit({ hostId, ledger, files, knows, look, keepsDisks, ...told, networking }),
      ...sharedDisksHandlers({ storageId, disks, ledger }),
      ...volumeHandlers(storages, ledger, clock),
      ...volumeCopies.handlers,
      ...copies.handlers,
      ...imageHandlers(options),
    },
    tidy: async () => {
      await closeForgotten({ storages, hypervisor, files, machines, log }, ending.signal);
      await copies.tidy();
    },
    stop: (how) => {
      ending.abort();
      volumeCopies.stop();
      const works = [copies.stop(), storages.makings.end()];
      const watched = Promise.all([stopWatching(), networking?.stop(), traffic.stop(), ...works]);
      stopped ??= stop(ref, options, how)
        .then(() => holder.end(how.guests))
        .then(async () => void (await watched));
      return stopped;
    },
    endLease: () => holder.end(true),
  };
}

/** Looks at the host's file systems, and at the storages of its volumes. */
function watchRoom(options: HostOptions) {
  const { system, inventory, space, volumes = [], log, meter = nullMeter, imageGiving } = options;
  const watch = new SpaceWatch({ space, system, log });
  void watch.start();
  const { storageId: disksStorageId } = inventory;
  const storages = new VolumeStorageWatch({ system, storages: volumes, disksStorageId, log });
  meterSpaces(meter, () => watch.spaces);
  meterVolumeStorages(meter, () => storages.states);
  if (imageGiving !== undefined) meterImagePeer(meter, () => imageGiving.told());
  const stop = () => Promise.all([watch.stop(), storages.stop()]);
  return { told: { spaces: () => watch.spaces, storages, imageGiving }, stop };
}

function hearGuests({ hypervisor, log }: HostOptions, machines: Machines): void {
  hypervisor.onEvent((event) => {
    if (machines.hear(event)) return;
    log.error({ instanceId: event.instanceId, event: event.kind }, "A machine did not hear its guest.");
  });
}

type Handled = Handlers<typeof hostAgentService>;

const networkHandlers = (
  networking: Networking | undefined,
): Pick<Handled, "networkChanged" | "networkState" | "portStates"> => ({
  networkChanged: async () => {
    networking?.hurry();
    return {};
  },
  networkState: async () => ({ networking: networking?.state ?? null }),
  portStates: async ({ portIds }) => ({ networking: networking?.portStates(portIds) ?? null }),
});

const imageHandlers = ({ imageGiving }: HostOptions): Pick<Handled, "imageOffer"> => ({
  imageOffer: async (asked) => {
    if (imageGiving !== undefined) return imageGiving.offer(asked);
    throw new StatusError("notFound", "This host gives no images to others.");
  },
});

/** What each machine works with. */
function machinePorts(options: HostOptions, networking: Networking | undefined) {
  const { hypervisor, disks, others, files, knows, clock, log } = options;
  return {
    ...{ hypervisor, disks, others, files, knows, clock, log },
    network: networking?.hurried,
    networks: networking?.pictures.bind(networking),
    storages: new VolumeStorages(options.volumes),
    diskTurns: new DiskTurns(),
    slots: createSlots(options.bootsMax),
  };
}

/** Undefined: the host has no network. */
function networkingOf(options: HostOptions, ledger: Ledger): Networking | undefined {
  const { network, reports, system, clock, log } = options;
  const runs = (instanceId: string) =>
    ledger.all().some((one) => one.instanceId === instanceId && isLiving(one.state));
  return network && new Networking({ network, reports, system, runs, clock, log });
}

/** A guest that is only starting may not have opened what it is to be plugged into. */
const isLiving = (state: MachineState): boolean => state === "running" || state === "paused";

/** Shows the guests by their newest observations. */
function meterHost({ meter = nullMeter }: HostOptions, ledger: Ledger): void {
  meter.zero("novact_guard_deeds_total");
  meter.look("novact_guests", () => {
    const latest = new Map(ledger.all().map(({ instanceId, state }) => [instanceId, state]));
    const states = [...latest.values()];
    return machineStates.map((state) => [{ state }, states.filter((one) => one === state).length] as const);
  });
}

function ensure(
  ref: ActorRef<HostMessage>,
  request: EnsureRequest,
  { deadlineMs, signal, requestId }: Pick<CallContext, "deadlineMs" | "signal" | "requestId">,
): Promise<{ observation: Observation }> {
  refuseWhenBusy(ref);
  return ref.ask((reply) => ({ kind: "ensure", request, requestId, reply }), { deadlineMs, signal });
}

interface LeaseParts {
  readonly ledger: Ledger;
  readonly machines: Machines;
  readonly storage: HostStorage;
  readonly changed: (anew: boolean) => void;
}

function leaseHolder(options: HostOptions, { ledger, machines, storage, changed }: LeaseParts): LeaseHolder {
  const { system, guard, reports, clock, log, hypervisor, inventory, onFailed, meter = nullMeter } = options;
  /**
   * True when no machine reports, the hypervisor finds, and no keeper keeps a process of a guest that another
   * host may take over: what a guest has left behind may have the disk open as the guest had.
   */
  const isClean = async () => {
    if (!ledger.areDown(machines.fenced)) return false;
    const kept = await Promise.all(options.others.map((keeper) => keeper.list()));
    const left = kept.flat().filter(({ populated }) => populated === true);
    const living = [...(await hypervisor.list()), ...left];
    return !living.some(({ instanceId }) => machines.mayBeFenced(instanceId));
  };
  const { hostId, bootId } = inventory;
  const deeds = new GuardDeeds({ bootId, reports, clock, log, meter });
  const answered = (one: Guard) => void deeds.report(one);
  const common = { system, storage, clock, log, onFailed };
  return new LeaseHolder({ ...common, hostId, reports, guard, isClean, changed, answered });
}

/**
 * Refuses a controller's question when the mailbox is this full: the rest of it is kept for messages of the
 * machines. @throws RESOURCE_EXHAUSTED mailboxFull
 */
function refuseWhenBusy(ref: ActorRef<HostMessage>): void {
  if (ref.waiting < actorLimits.mailboxLengthMax) return;
  const retryAfterMs = actorLimits.mailboxRetryAfterMs;
  throw new StatusError("mailboxFull", "The host has too much to do.", { retryAfterMs });
}

async function stop(ref: ActorRef<HostMessage>, options: HostOptions, ending: HostEnding): Promise<void> {
  const { clock, log, hypervisor, network } = options;
  if (ending.guests) {
    const graceMs = ending.patienceMs ?? hostLimits.hostShutdownGraceMs;
    const deadlineMs = clock.monotonicMs() + graceMs + hostLimits.hostHaltMs;
    await ref
      .ask<undefined>((reply) => ({ kind: "stopGuests", graceMs, reply }), { deadlineMs })
      .catch((error: unknown) =>
        log.error({ err: error }, "Not every guest is down; the agent ends anyway."),
      );
  }
  const deadlineMs = clock.monotonicMs() + hostLimits.hostFarewellMs;
  await ref
    .ask<undefined>((reply) => ({ kind: "leaving", reply }), { deadlineMs })
    .catch((error: unknown) => log.warn({ err: error }, "The host's last reports were not heard."));
  await ref.stop();
  await hypervisor.detach();
  await network
    ?.detach(ending.guests)
    .catch((error: unknown) => log.warn({ err: error }, "The host's network goes on."));
}
