/**
 * A compute node out of its ports: the host with its machines, what it answers on the bus, and its reports.
 * The same for a real process and for a cluster in one process; it opens nothing and decides nothing.
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
  /** Guests that boot at once. */
  readonly bootsMax: number;
  /** False: as an agent from before there were leases. Absent: true. */
  readonly leased?: boolean;
  /** The node is of no use any more until its process begins anew; its guests run on. */
  readonly onFailed?: () => void;
}

export interface Compute {
  readonly system: ActorSystem;
  /** Answers what was asked, says its last word, and lets the guests run on or takes them down. */
  stop(ending: HostEnding): Promise<void>;
  /** For who cannot wait for `stop` any more, after its guests have ended. */
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

/** One round after the other, however long one takes. */
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
