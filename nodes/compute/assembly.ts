/**
 * A compute node, put together from its ports: the host with its machines, its methods on the bus, and its
 * reports. The same for a real process and for a cluster in one process. This file opens nothing and decides
 * nothing.
 */
import { createHost, type HostEnding } from "../../actors/node/host/host.ts";
import { createActorSystem } from "../../actors/runtime/actor.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import { limits } from "../../protocol/limits/limits.ts";
import { type HostInventory, hostAgentService, reportService } from "../../protocol/machine.ts";
import { hostBinding, reportBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import type { Bus, Clock, Ids, Log, Timer } from "../../protocol/wire/transport.ts";
import type { Drivers } from "../drivers/kinds.ts";

export interface ComputePorts {
  readonly cell: string;
  readonly inventory: HostInventory;
  readonly drivers: Drivers;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Number of guests that boot at once. */
  readonly bootsMax: number;
  /** False: the agent behaves as one from before there were host leases. Absent: true. */
  readonly leased?: boolean;
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

export function assembleCompute(ports: ComputePorts): Compute {
  const { cell, inventory, drivers, bus, clock, ids, log, bootsMax } = ports;
  const system = createActorSystem({ clock, log });
  const wire = { bus, clock, ids, log };
  const { hypervisor, disks, consoles, machineFiles } = drivers;
  const host = createHost({
    system,
    inventory,
    hypervisor,
    disks,
    consoles,
    files: machineFiles,
    findings: () => drivers.audit(),
    ...(ports.leased === false ? {} : { guard: () => drivers.guard() }),
    ...(drivers.storageLeases === undefined ? {} : { storageLeases: drivers.storageLeases }),
    reports: createClient(reportService, { ...wire, binding: reportBinding(cell, inventory.hostId) }),
    clock,
    log,
    bootsMax,
    ...(ports.onFailed === undefined ? {} : { onFailed: ports.onFailed }),
  });
  const server = createServer({
    ...wire,
    binding: hostBinding(cell, inventory.hostId),
    services: [implement(hostAgentService, host.handlers)],
    discoverable: false,
  });
  const trimming = trimPeriodically(ports);
  return {
    system,
    endLease: () => host.endLease(),
    stop: async (ending) => {
      trimming.cancel();
      await host.stop(ending);
      await server.drain();
      await system.stop();
    },
  };
}

/** Trims the logs periodically, one round after the other, however long a round takes. */
function trimPeriodically({ drivers, clock, log }: ComputePorts): Timer {
  let timer: Timer;
  let ended = false;
  const next = () => {
    timer = clock.after(limits.consoleTrimPeriodMs, () => {
      drivers.consoles
        .trim()
        .catch((error: unknown) => log.warn({ err: error }, "A console log could not be cut."))
        .finally(() => {
          if (!ended) next();
        });
    });
  };
  next();
  return {
    cancel: () => {
      ended = true;
      timer.cancel();
    },
  };
}
