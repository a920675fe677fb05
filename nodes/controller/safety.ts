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
import { reportHandlers } from "../../actors/control/fleet/reports.ts";
import { Commits } from "../../actors/control/request/commits.ts";
import type { Store } from "../../actors/ports/store.ts";
import { type Meter, nullMeter } from "../../actors/runtime/meter.ts";
import { meterCalls, meterLoops } from "../../actors/runtime/metered.ts";
import type { ExamineStorage } from "../../actors/shared-storage/witnesses.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { reportService } from "../../protocol/machine.ts";
import { reportBinding } from "../../protocol/wire/binding.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import type { Bus, Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import { type HostAgents, hostAgents } from "./host-agents.ts";

/** What the safety channel needs of the store. */
export type SafetyStore = Pick<
  Store,
  "commit" | "getHost" | "hostsCalled" | "allHosts" | "touchHosts" | "renewLeases"
>;

export interface SafetyPorts {
  readonly cell: string;
  readonly store: SafetyStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Names the controller in proofs. */
  readonly name: string;
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
}

export interface Safety extends SafetyChannel {
  /** Tells that no host could be heard for a while, so that the silence of hosts proves nothing. */
  cutOff(): void;
}

/** Resolves when the hosts were read once and reports are heard. */
export async function assembleSafety(ports: SafetyPorts, audience: FleetAudience): Promise<Safety> {
  const { cell, store, bus, clock, ids, log, name, meter = nullMeter } = ports;
  const { commit } = new Commits(store, (hint) => audience.committed(hint), undefined, meter);
  const patience = new Patience(audience, { clock, log });
  const hostsChanged = () => {
    directory.refreshSoon();
    void patience.hostsChanged();
  };
  const examineStorage = storageExaminer(hostAgents(ports));
  const fencer = new Fencer({ commit, clock, log, name, examineStorage, onFenced: hostsChanged, meter });
  const directory = new HostDirectory({
    ...{ store, signsOfLife: store, clock, log },
    onRound: (hosts, listeningSinceMs) => {
      void fencer.round(hosts, listeningSinceMs).then(() => audience.looked(fencer.picture));
    },
  });
  const leases = new Leases({ store, commit, clock, hostsChanged, meter });
  await directory.open();
  const handlers = reportHandlers({ store, commit, clock, directory, leases, audience: patience, log });
  const server = createServer({
    ...{ bus, clock, ids, log, discoverable: false },
    binding: reportBinding(cell),
    services: [implement(reportService, handlers)],
    ...(meter.on ? { meter: meterCalls(meter, "report") } : {}),
  });
  meter.look("novact_calls_under_way", () => [[{ door: "report" }, server.inWork]]);
  meterLoops(meter, clock, () => [directory.loop]);
  return {
    cutOff: () => {
      directory.cutOff();
      audience.cutOff();
    },
    stop: async () => {
      await server.drain();
      directory.close();
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
