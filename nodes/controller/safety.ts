/**
 * The safety channel of a controller, put together from its ports: it hears the reports of hosts, counts the
 * renewals of their leases, and fences. Its connections are its own, and in production its thread is too
 * (safety-thread.ts). It must never wait for the controller's actors before it answers a renewal.
 */
import { HostDirectory } from "../../actors/control/directory/directory.ts";
import { Fencer } from "../../actors/control/fleet/fencer.ts";
import { Leases } from "../../actors/control/fleet/leases.ts";
import type { FleetAudience, SafetyChannel } from "../../actors/control/fleet/link.ts";
import { Patience } from "../../actors/control/fleet/patience.ts";
import { ReportBudgets } from "../../actors/control/fleet/report-budgets.ts";
import { reportHandlers } from "../../actors/control/fleet/reports.ts";
import { Commits } from "../../actors/control/request/commits.ts";
import type { Store, StorePart, WriterPicture } from "../../actors/ports/store.ts";
import { createActorSystem } from "../../actors/runtime/actor.ts";
import { type Meter, nullMeter } from "../../actors/runtime/meter.ts";
import { meterCalls } from "../../actors/runtime/metered.ts";
import type { ExamineStorage } from "../../actors/shared-storage/witnesses.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { reportService } from "../../protocol/machine.ts";
import { reportBinding } from "../../protocol/wire/binding.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import type { Bus, Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import { Debug } from "./debug.ts";
import { type HostAgents, hostAgents } from "./host-agents.ts";
import { tellOfSupervision } from "./supervision.ts";

/** What the safety channel needs of the store. */
export type SafetyStore = StorePart<{ hosts: "get" | "called" | "all"; signsOfLife: "touch" | "renew" }> &
  Pick<Store, "commit">;

export interface SafetyPorts {
  readonly cell: string;
  readonly store: SafetyStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Of the controller, among those of the cell; it stands in proofs. */
  readonly name: string;
  /** Called when a loop that no host can do without was given up: the process is of no use any more. */
  readonly onFailed?: (() => void) | undefined;
  /** As that of ControllerPorts. */
  readonly writer?: () => WriterPicture;
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
}

export interface Safety extends SafetyChannel {
  /** Tells that no host could be heard for a while, so that the silence of hosts proves nothing. */
  cutOff(): void;
}

/** Resolves when the hosts were read once and reports are heard. */
export async function assembleSafety(ports: SafetyPorts, audience: FleetAudience): Promise<Safety> {
  const { cell, store, bus, clock, ids, log, name, onFailed, meter = nullMeter } = ports;
  const system = createActorSystem({ clock, log, meter });
  const { commit } = new Commits(store, (hint) => audience.committed(hint), undefined, meter);
  const told = { commit, clock, log, prefix: "safety/" };
  system.onSupervision((event) => void tellOfSupervision(event, told));
  const patience = new Patience(audience, { clock, log });
  const hostsChanged = () => {
    directory.refreshSoon();
    void patience.hostsChanged();
  };
  const examineStorage = storageExaminer(hostAgents(ports));
  const budgets = new ReportBudgets({ clock, log });
  const common = { system, commit, clock, log, meter, onFailed };
  const fencer = new Fencer({
    ...{ ...common, name, examineStorage, onFenced: hostsChanged },
    onLooked: (seen) => audience.looked({ ...seen, excessive: budgets.lately() }),
  });
  const directory = new HostDirectory({
    ...{ ...common, store, signsOfLife: store.signsOfLife },
    onRound: (read) => fencer.hostsRead(read),
  });
  const leases = new Leases({ ...common, store, hostsChanged });
  await directory.open();
  const questions = new Debug({ ...ports, half: "safety", system }).serve();
  const reporting = { store, commit, clock, directory, leases, audience: patience, budgets, log };
  const handlers = reportHandlers(reporting);
  const server = createServer({
    ...{ bus, clock, ids, log, discoverable: false },
    binding: reportBinding(cell),
    services: [implement(reportService, handlers)],
    ...(meter.on ? { meter: meterCalls(meter, "report") } : {}),
  });
  meter.look("novact_calls_under_way", () => [[{ door: "report" }, server.inWork]]);
  return {
    cutOff: () => {
      directory.cutOff();
      audience.cutOff();
    },
    stop: async () => {
      await Promise.all([server.drain(), questions.drain()]);
      directory.close();
      await system.stop();
    },
  };
}

function storageExaminer(hostAgent: HostAgents): ExamineStorage {
  const timeoutMs = wireLimits.hostRequestTimeoutMs;
  return async (witnessId, { hostId, leaseEpoch }, take) => {
    const answer = await hostAgent(witnessId).storageLease({ hostId, leaseEpoch, take }, { timeoutMs });
    return answer.state;
  };
}
