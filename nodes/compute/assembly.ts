/**
 * A compute node, put together from its ports: the host with its machines, its methods on the bus, and its
 * reports. The same for a real process and for a cluster in one process. This file opens nothing and decides
 * nothing.
 */
import { createHost, type Host, type HostEnding } from "../../actors/node/host/host.ts";
import type { ImageGiving } from "../../actors/ports/image-giving.ts";
import { createActorSystem } from "../../actors/runtime/actor.ts";
import { type Meter, nullMeter } from "../../actors/runtime/meter.ts";
import { meterCalls } from "../../actors/runtime/metered.ts";
import { Periodic } from "../../actors/runtime/periodic.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import { type AgentNeed, agentNeeds } from "../../protocol/agent-needs.ts";
import { canPlug } from "../../protocol/host-drivers.ts";
import { type HostInventory, hostAgentService, reportService } from "../../protocol/machine.ts";
import type { PluginVersion, Release } from "../../protocol/release.ts";
import { hostBinding, reportBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Bus, Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import type { Drivers } from "../drivers/kinds.ts";
import { computeLimits } from "./limits.ts";

export interface ComputePorts {
  readonly cell: string;
  readonly inventory: HostInventory;
  readonly drivers: Drivers;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
  /** Number of guests that boot at once. */
  readonly bootsMax: number;
  /** The words of `ensure`'s `needs` that the agent knows. Absent: all words. */
  readonly knows?: readonly string[];
  /** What the process runs. Absent: it does not tell, as in specs. */
  readonly release?: Release;
  /** The images that the host gives to other hosts. Absent: the host gives none. */
  readonly imageGiving?: ImageGiving | undefined;
  /** The plug-ins that the process has loaded. Absent: the agent does not tell. */
  readonly plugins?: readonly PluginVersion[];
  /** Called when the node cannot work any more until its process starts again; its guests run on. */
  readonly onFailed?: () => void;
}

export interface Compute {
  readonly system: ActorSystem;
  /**
   * Answers the requests that it has taken, sends its last reports, and leaves the guests running or shuts
   * them down.
   */
  stop(ending: HostEnding): Promise<void>;
  /** Ends the host lease, for a caller that cannot wait for `stop` any more, once the guests have ended. */
  endLease(): Promise<void>;
}

/** The needs that the agent meets with these drivers: a guest is started with all that it needs, or not. */
function knownNeeds({ drivers }: HostInventory): readonly AgentNeed[] {
  const met: Partial<Record<AgentNeed, boolean>> = {
    configDrive: drivers?.abilities.configDrive === true,
    shape: drivers?.shapes !== undefined,
    localDisks: drivers?.abilities.localDisks === true,
    interfaces: canPlug(drivers),
    volumes: (drivers?.abilities.volumes.length ?? 0) > 0,
  };
  return agentNeeds.filter((need) => met[need] !== false);
}

export function assembleCompute(ports: ComputePorts): Compute {
  const { cell, inventory, drivers, bus, clock, ids, log, bootsMax, meter = nullMeter } = ports;
  const system = createActorSystem({ clock, log, meter });
  const wire = { bus, clock, ids, log };
  const { hypervisor, disks, consoles, machineFiles } = drivers;
  const { volumes = [] } = drivers;
  const isReleasedByVerbs = (kind: string) =>
    kind === "process" || kind === "disk" || volumes.some((one) => one.kind === kind);
  const host = createHost({
    system,
    inventory,
    hypervisor,
    disks,
    consoles,
    files: machineFiles,
    findings: () => drivers.audit(),
    keepsDisks: drivers.keepsDisks,
    network: drivers.network,
    volumes,
    // Processes, disks and volumes are released by the verbs of their ports.
    others: drivers.keepers.filter(({ kind }) => !isReleasedByVerbs(kind)),
    knows: ports.knows ?? knownNeeds(inventory),
    guard: () => drivers.guard(),
    space: drivers.space,
    imageGiving: ports.imageGiving,
    ...(drivers.storageLeases === undefined ? {} : { storageLeases: drivers.storageLeases }),
    reports: createClient(reportService, { ...wire, binding: reportBinding(cell, inventory.hostId) }),
    clock,
    log,
    meter,
    bootsMax,
    ...(ports.onFailed === undefined ? {} : { onFailed: ports.onFailed }),
  });
  const server = createServer({
    ...wire,
    binding: hostBinding(cell, inventory.hostId),
    services: [
      implement(hostAgentService, {
        ...host.handlers,
        audit: async (...asked) => ({ ...(await host.handlers.audit(...asked)), ...loaded(ports) }),
        release: async () => releaseOf(ports),
      }),
    ],
    discoverable: false,
    ...(meter.on ? { meter: meterCalls(meter, "host") } : {}),
  });
  meter.look("novact_calls_under_way", () => [[{ door: "host" }, server.inWork]]);
  const trims = trimming(system, ports, host);
  trims.next();
  return {
    system,
    endLease: () => host.endLease(),
    stop: async (ending) => {
      void trims.stop();
      await host.stop(ending);
      await server.drain();
      await system.stop();
    },
  };
}

const loaded = ({ plugins }: { readonly plugins?: ComputePorts["plugins"] | undefined }) =>
  plugins === undefined ? {} : { plugins: [...plugins] };

/** @throws unknownMethod, as an agent that does not know the question */
function releaseOf({ release, plugins }: ComputePorts): Release {
  if (release !== undefined) return { ...release, ...loaded({ plugins }) };
  throw new StatusError("unknownMethod", "This agent does not say what it runs.");
}

/** Trims the logs and the caches periodically: what grows for ever would fill the disk. */
function trimming(system: ActorSystem, { drivers, log }: ComputePorts, host: Pick<Host, "tidy">): Periodic {
  return new Periodic(system, {
    name: "trimming",
    pauseMs: () => computeLimits.consoleTrimPeriodMs,
    round: async ({ fail }) => {
      const failed = (what: string) => (error: unknown) => {
        log.warn({ err: error }, what);
        fail();
      };
      await drivers.consoles.trim().catch(failed("A console log could not be cut."));
      await drivers.disks.tidy?.().catch(failed("The cache of images could not be looked through."));
      await host.tidy().catch(failed("Copies of disks could not be looked through."));
    },
  });
}
