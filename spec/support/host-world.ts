/**
 * One compute node on simulated time and fake guests, with a controller that a test plays: it stores reports,
 * or does not, or cannot be reached. Agents may be stopped and started again on the same computer.
 */
import { partsFor } from "../../actors/control/networking/picture.ts";
import { createHost, type Host, type HostEnding } from "../../actors/node/host/host.ts";
import type { Disks } from "../../actors/ports/disks.ts";
import type { Keeper } from "../../actors/ports/keeper.ts";
import type { MachineFiles } from "../../actors/ports/machine-files.ts";
import { CountingMeter } from "../../actors/runtime/counting-meter.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import { createFakeDrivers } from "../../nodes/drivers/fake/index.ts";
import { FakeNetwork } from "../../nodes/drivers/fake/network.ts";
import type { FakeStorage } from "../../nodes/drivers/fake/storage.ts";
import { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import { agentNeeds, needsOf } from "../../protocol/agent-needs.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import type {
  HostInventory,
  MachineIntent,
  MachineSpec,
  Observation,
  ReportedDeed,
} from "../../protocol/machine.ts";
import type { HostNetworking, HostNetworkingAnswer } from "../../protocol/networking.ts";
import type { CallContext } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { ensure } from "../actors/node/machine/worlds.ts";
import { type ActorWorld, actorWorld } from "./actor-world.ts";

export const inventory: HostInventory = {
  hostId: "h1",
  name: "node-1",
  bootId: "boot-1",
  architecture: "x86_64",
  hypervisor: "fake",
  accelerator: "none",
  acceleratorReason: "fake",
  hypervisorVersion: "1",
  vcpus: 64,
  memoryMib: 65_536,
  diskGib: 1_000,
  labels: {},
  features: [],
  machineTypes: [],
  numa: [],
  storageId: null,
};

/** A controller played by a test: what it has heard, and how it answers. */
export class PlayedController {
  reachable = true;
  knows = false;
  stores = true;
  registrations = 0;
  inventory: HostInventory | undefined;
  /** The host lease. Not held: fenced, until the host reports that it has cleaned up. */
  lease = { leaseEpoch: 1, held: true };
  readonly leasesAsked: { leaseEpoch: number; cleaned: boolean }[] = [];
  /** The picture that the host is told, and the hashes of parts in each of its questions. */
  networking: HostNetworking = { version: 0, networks: [], groups: [] };
  readonly pulls: (readonly string[])[] = [];
  /** Answers instead, whatever the host has. */
  portion: (() => HostNetworkingAnswer) | undefined;
  readonly heartbeats: { complete: boolean; machines: readonly Observation[]; stopping: boolean }[] = [];
  /** What the guard was reported to have done. */
  readonly deeds: ReportedDeed[] = [];
  /** The newest observation of each machine. */
  readonly seen = new Map<string, Observation>();
  readonly history: Observation[] = [];

  readonly client = {
    register: async ({
      inventory,
      machines,
    }: {
      inventory: HostInventory;
      machines: readonly Observation[];
    }) => {
      this.#reach();
      this.inventory = inventory;
      this.registrations += 1;
      this.knows = true;
      this.#hear(machines);
      return { accepted: true };
    },
    heartbeat: async (request: {
      complete: boolean;
      machines: readonly Observation[];
      stopping: boolean;
    }) => {
      this.#reach();
      this.heartbeats.push(request);
      if (!this.knows) return { known: false, stored: [] };
      this.#hear(request.machines);
      const stored = this.stores ? request.machines.map(({ instanceId }) => instanceId) : [];
      return { known: true, stored };
    },
    lease: async (asked: { leaseEpoch: number; cleaned: boolean }) => {
      this.#reach();
      this.leasesAsked.push(asked);
      if (this.lease.held || asked.leaseEpoch !== this.lease.leaseEpoch || !asked.cleaned) return this.lease;
      this.lease = { leaseEpoch: this.lease.leaseEpoch + 1, held: true };
      return this.lease;
    },
    networkPull: async ({ have }: { have: readonly string[] }) => {
      this.pulls.push(have);
      this.#reach();
      return this.portion?.() ?? partsFor(this.networking, new Set(have));
    },
    imageTicket: async () => {
      this.#reach();
      return { origins: [] };
    },
    guarded: async ({ deeds }: { deeds: readonly ReportedDeed[] }) => {
      this.#reach();
      this.deeds.push(...deeds);
      return {};
    },
  };

  #reach(): void {
    if (!this.reachable) throw new StatusError("noResponders", "No controller.");
  }

  #hear(machines: readonly Observation[]): void {
    for (const observation of machines) {
      const known = this.seen.get(observation.instanceId);
      if (
        known !== undefined &&
        known.ownerEpoch === observation.ownerEpoch &&
        known.generation >= observation.generation
      )
        continue;
      this.seen.set(observation.instanceId, observation);
      this.history.push(observation);
    }
  }

  states(instanceId: string): readonly string[] {
    return this.history.filter((one) => one.instanceId === instanceId).map(({ state }) => state);
  }
}

export interface HostWorldOptions {
  readonly startLatencyMs?: number;
  readonly shutdownLatencyMs?: number;
  readonly bootsMax?: number;
  /** Storage that the host shares with others. */
  readonly storage?: FakeStorage;
}

export class HostWorld {
  readonly actors: ActorWorld = actorWorld();
  readonly clock = this.actors.clock;
  readonly controller = new PlayedController();
  readonly machine: FakeWorld;
  /** Writes of machine files fail while this is set. */
  diskFull = false;
  writes = 0;
  /** How long a write of a machine file takes, and the release of a guest's disks. */
  writeMs = 0;
  releaseMs = 0;
  /** What the host keeps beside processes and disks. */
  readonly others: Keeper[] = [];
  /** What the next life of the agent understands of the needs of machines. */
  knows: readonly string[] = agentNeeds;
  /** What the present life of the agent has counted. */
  meter = new CountingMeter(silentLog);
  host: Host;
  readonly #bootsMax: number;
  readonly #network: FakeNetwork;

  constructor({ startLatencyMs = 0, shutdownLatencyMs, bootsMax = 4, storage }: HostWorldOptions = {}) {
    const { clock } = this;
    const shared = storage === undefined ? {} : { storage };
    const shutdown = shutdownLatencyMs === undefined ? {} : { shutdownLatencyMs };
    this.machine = new FakeWorld({ clock, startLatencyMs, ...shutdown, ...shared });
    this.#bootsMax = bootsMax;
    this.#network = new FakeNetwork(this.machine.ports);
    this.others.push(this.#network);
    this.host = this.#start();
  }

  get system(): ActorSystem {
    return this.actors.system;
  }

  #start(): Host {
    const { clock } = this;
    const log = silentLog;
    this.meter = new CountingMeter(log);
    const drivers = createFakeDrivers({ world: this.machine });
    const { hypervisor, disks, machineFiles, consoles, audit, guard, space, volumes } = drivers;
    return createHost({
      system: this.system,
      inventory: { ...inventory, storageId: this.machine.storage?.storageId ?? null },
      hypervisor,
      disks: this.#slow(disks),
      consoles,
      files: this.#watched(machineFiles),
      findings: audit,
      volumes: volumes ?? [],
      ...{ keepsDisks: false, network: this.#network, others: this.others },
      reports: this.controller.client,
      knows: this.knows,
      guard,
      space,
      clock,
      log,
      meter: this.meter,
      bootsMax: this.#bootsMax,
    });
  }

  #watched(files: MachineFiles): MachineFiles {
    return {
      readAll: () => files.readAll(),
      remove: (instanceId) => files.remove(instanceId),
      write: async (instanceId, content) => {
        if (this.diskFull) throw new StatusError("diskFull", "No space.");
        this.writes += 1;
        await this.#pass(this.writeMs);
        await files.write(instanceId, content);
      },
    };
  }

  #slow(disks: Disks): Disks {
    const { image } = disks;
    return {
      ...(image === undefined ? {} : { image: image.bind(disks) }),
      ensure: (spec, signal) => disks.ensure(spec, signal),
      list: () => disks.list(),
      listShared: () => disks.listShared(),
      releaseShared: (instanceId, ownerEpoch) => disks.releaseShared(instanceId, ownerEpoch),
      release: async (instanceId, ownerEpoch, options) => {
        await this.#pass(this.releaseMs);
        await disks.release(instanceId, ownerEpoch, options);
      },
    };
  }

  async #pass(ms: number): Promise<void> {
    if (ms > 0) await new Promise<void>((resolve) => this.clock.after(ms, resolve));
  }

  context(timeoutMs: number = wireLimits.hostRequestTimeoutMs): CallContext {
    return {
      project: "admin",
      id: "h1",
      requestId: "r",
      deadlineMs: this.clock.monotonicMs() + timeoutMs,
      traceparent: undefined,
      signal: new AbortController().signal,
      onlyWaits: () => undefined,
    };
  }

  /** Asks the host as a controller does; the controller takes in the answer. */
  async ensure(
    instanceId: string,
    changes: Partial<MachineIntent> = {},
    ownerEpoch = 1,
    interfaces?: MachineSpec["interfaces"],
  ): Promise<Observation> {
    const observedGeneration = this.controller.seen.get(instanceId)?.generation ?? 0;
    const plain = ensure(changes, { instanceId, ownerEpoch, observedGeneration });
    const request = interfaces === undefined ? plain : { ...plain, spec: { ...plain.spec, interfaces } };
    return this.settled(async () => {
      const asked = { ...request, needs: needsOf(request) };
      const { observation } = await this.host.handlers.ensure(asked, this.context());
      return observation;
    });
  }

  /** Runs work to its end, with as much time as it needs. */
  async settled<T>(work: () => Promise<T>): Promise<T> {
    let outcome: { value: T } | { thrown: unknown } | undefined;
    void work().then(
      (value) => {
        outcome = { value };
      },
      (thrown: unknown) => {
        outcome = { thrown };
      },
    );
    await this.clock.runUntil(() => outcome !== undefined);
    if (outcome === undefined) throw new Error("unreachable");
    if ("thrown" in outcome) throw outcome.thrown;
    return outcome.value;
  }

  /** Waits until the controller has heard that the machine is in the state; answers how many ms that took. */
  until(instanceId: string, state: Observation["state"]): Promise<number> {
    return this.clock.runUntil(() => this.controller.seen.get(instanceId)?.state === state, 120_000);
  }

  stopAgent(options: HostEnding = { guests: false }): Promise<void> {
    return this.settled(() => this.host.stop(options));
  }

  startAgent(): void {
    this.host = this.#start();
  }

  end(): Promise<void> {
    return this.actors.end();
  }
}

const silentLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
