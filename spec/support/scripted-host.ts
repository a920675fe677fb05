/**
 * A host that does what a test says: it answers `ensure` like the real agent and reports on its own. For
 * specs of the controller alone; whole clusters use the real host actors.
 */
import type { EnsureRequest } from "../../actors/node/machine/messages.ts";
import { agentNeeds } from "../../protocol/agent-needs.ts";
import {
  type HostInventory,
  hostAgentService,
  type MachineIntent,
  type MachineSpec,
  type Observation,
  type ReportedDeed,
  reportService,
  type SeenVolume,
  type SharedDisk,
  type VolumeRef,
} from "../../protocol/machine.ts";
import type { NetworkingAudit, PortPicture } from "../../protocol/networking.ts";
import type { Space } from "../../protocol/space.ts";
import { isDown, type MachineState } from "../../protocol/states.ts";
import type { PortTraffic } from "../../protocol/traffic.ts";
import type { VolumeStorageState } from "../../protocol/volume-storage.ts";
import { hostBinding, reportBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Bus, Clock, Ids, Log } from "../../protocol/wire/transport.ts";

export interface ScriptedHostOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly cell: string;
  readonly inventory: HostInventory;
  /** What its agent understands of the needs of `ensure`; all that there is unless said otherwise. */
  readonly knows?: readonly string[];
  /** The outcome for a machine that is told to run; absent: `running`. */
  readonly outcome?: (spec: MachineSpec, intent: MachineIntent) => Partial<Observation>;
}

export class ScriptedHost {
  readonly #options: ScriptedHostOptions;
  readonly machines = new Map<string, Observation>();
  readonly ensured: { readonly spec: MachineSpec; readonly intent: MachineIntent }[] = [];
  readonly #reports;
  /** Disks on its shared storage. */
  sharedDisks: readonly SharedDisk[] = [];
  /** Volumes on the storages that it sees. */
  volumes: readonly VolumeRef[] = [];
  /** Volumes that its guests' processes do not let go of. */
  open: readonly SeenVolume[] = [];
  /** Copies that the host was asked for; they are there as soon as `copies` says so. */
  readonly copied: { readonly source: VolumeRef; readonly copy: VolumeRef; readonly sizeBytes: number }[] =
    [];
  copies = true;
  /** Volumes that the host was told to extend while no guest had them. */
  readonly extended: (VolumeRef & { readonly sizeBytes: number })[] = [];
  readonly storage = {
    sharedDisks: async () => ({ disks: [...this.sharedDisks] }),
    removeSharedDisks: async ({ disks }: { readonly disks: readonly SharedDisk[] }) => {
      const isUnwanted = (one: SharedDisk) =>
        disks.some(
          ({ instanceId, ownerEpoch }) => one.instanceId === instanceId && one.ownerEpoch <= ownerEpoch,
        );
      this.sharedDisks = this.sharedDisks.filter((one) => !isUnwanted(one));
      return { removed: [...disks] };
    },
    listVolumes: async () => ({ volumes: this.volumes.map((one) => ({ ...one, whole: true })) }),
    removeVolumes: async ({ volumes }: { readonly volumes: readonly VolumeRef[] }) => {
      const isUnwanted = (one: VolumeRef) =>
        volumes.some(({ volumeId, epoch }) => one.volumeId === volumeId && one.epoch <= epoch);
      this.volumes = this.volumes.filter((one) => !isUnwanted(one));
      return { removed: [...volumes] };
    },
    copyVolume: async ({ source, copy, sizeBytes }: ScriptedHost["copied"][number]) => {
      this.copied.push({ source, copy, sizeBytes });
      return { made: this.copies };
    },
    extendVolume: async (wanted: VolumeRef & { readonly sizeBytes: number }) => {
      this.extended.push(wanted);
      return {};
    },
  };
  /** The host reports these file systems; undefined: it reports no file systems. */
  space: Space[] | undefined;
  /** How the storages of its volumes are; undefined: it does not say. */
  volumeStorages: VolumeStorageState[] | undefined;
  /** Answer to `networkState`: the picture that the host has applied. */
  networking: NetworkingAudit | null = null;
  /** Answer to `portStates`: ports of the picture that it has applied. */
  applied: { readonly failure: string | null; readonly ports: readonly PortPicture[] } | null = null;
  /** Answer to `portTraffic`; null: it counts nothing. */
  traffic: PortTraffic[] | null = null;
  /** It answers no question about ports. */
  mute = false;
  /** How often it was told that its networks may have changed. */
  news = 0;
  /** Ports that are not let go of, as of a guest that does not give its device back. */
  readonly clung = new Set<string>();
  /** Its disk has no room for what it is told; a delete needs none. */
  full = false;
  /** While true, nothing is answered and nothing reported. */
  silent = false;
  /** Work is done at once, but the answer waits for this. */
  answerAfter: Promise<void> = Promise.resolve();

  constructor(options: ScriptedHostOptions) {
    this.#options = options;
    const { bus, clock, ids, log, cell, inventory } = options;
    const common = { bus, clock, ids, log };
    this.#reports = createClient(reportService, {
      ...common,
      binding: reportBinding(cell, inventory.hostId),
    });
    createServer({
      ...common,
      binding: hostBinding(cell, inventory.hostId),
      discoverable: false,
      services: [
        implement(hostAgentService, {
          ensure: (request) => this.#answer(request),
          storageLease: async () => ({ state: "absent" as const }),
          console: async () => ({ text: "hello", offset: 0, nextOffset: 5, more: false }),
          networkChanged: async () => {
            this.news += 1;
            return {};
          },
          portStates: async ({ portIds }) => {
            if (this.mute) throw new StatusError("hostUnreachable", "Silent.");
            const { failure = null, ports = [] } = this.applied ?? {};
            const its = { failure, ports: ports.filter(({ id }) => portIds.includes(id)) };
            return { networking: this.applied && its };
          },
          portTraffic: async ({ portIds }) => {
            if (this.mute) throw new StatusError("hostUnreachable", "Silent.");
            return { ports: this.traffic?.filter(({ portId }) => portIds.includes(portId)) ?? null };
          },
          networkState: async () => {
            if (this.mute) throw new StatusError("hostUnreachable", "Silent.");
            return { networking: this.networking };
          },
          audit: async () => {
            if (this.silent) throw new StatusError("hostUnreachable", "Silent.");
            return {
              hostId: inventory.hostId,
              machines: [...this.machines.values()],
              processes: [...this.machines.values()]
                .filter(({ state }) => !isDown(state))
                .map(({ instanceId, state }) => ({ instanceId, pid: 1, status: state })),
              directories: [...this.machines.keys()].map((instanceId) => ({ instanceId, files: [] })),
              strays: [],
              ...(this.space === undefined ? {} : { space: this.space }),
              ...(this.volumeStorages === undefined ? {} : { volumeStorages: this.volumeStorages }),
            };
          },
          release: async () => ({ version: "0.0.0" }),
          sharedDisks: () => this.storage.sharedDisks(),
          removeSharedDisks: (request) => this.storage.removeSharedDisks(request),
          listVolumes: () => this.storage.listVolumes(),
          removeVolumes: (request) => this.storage.removeVolumes(request),
          copyVolume: (request) => this.storage.copyVolume(request),
          extendVolume: (request) => this.storage.extendVolume(request),
          copyDisk: async () => {
            throw new StatusError("notCopyable", "A scripted host copies no disks.");
          },
          endCopy: async () => ({}),
          imageOffer: async () => {
            throw new StatusError("notFound", "A scripted host has no images.");
          },
        }),
      ],
    });
  }

  async #answer({ spec, intent, observedGeneration }: EnsureRequest) {
    if (this.silent) throw new StatusError("hostUnreachable", "Silent.");
    if (this.full && intent.power !== "deleted")
      throw new StatusError("diskFull", "The host could not write down the intent.");
    this.ensured.push({ spec, intent });
    const observation = this.#ensure(spec, intent, observedGeneration);
    await this.answerAfter;
    return { observation };
  }

  /** `change`: what its inventory says otherwise, as after an upgrade. */
  async register(change: Partial<HostInventory> = {}): Promise<void> {
    await this.#reports.register({
      inventory: { ...this.#options.inventory, ...change },
      machines: [...this.machines.values()],
      knows: [...(this.#options.knows ?? agentNeeds)],
    });
  }

  async lease(
    leaseEpoch: number,
    cleaned = false,
  ): Promise<{ readonly leaseEpoch: number; readonly held: boolean }> {
    return this.#reports.lease({ leaseEpoch, cleaned, storageId: null });
  }

  /** The machine changes by itself; the report is acknowledged when this resolves. */
  async become(instanceId: string, change: Partial<Observation>): Promise<void> {
    const known = this.machines.get(instanceId);
    if (known === undefined) throw new Error(`no machine ${instanceId}`);
    const observation = { ...known, ...change, generation: known.generation + 1 };
    this.machines.set(instanceId, observation);
    await this.report(observation);
  }

  /** Asks for the picture of its networks, without having any of it. */
  async pull(): Promise<void> {
    await this.#reports.networkPull({ have: [] });
  }

  /** Reports what its guard did. */
  async guarded(...deeds: ReportedDeed[]): Promise<void> {
    await this.#reports.guarded({ bootId: this.#options.inventory.bootId, deeds });
  }

  async report(...machines: Observation[]): Promise<readonly string[]> {
    const space = this.space === undefined ? {} : { space: this.space };
    const storages = this.volumeStorages === undefined ? {} : { volumeStorages: this.volumeStorages };
    const beat = { complete: false, machines, stopping: false, leaseEpoch: 0, ...space, ...storages };
    const { stored } = await this.#reports.heartbeat(beat);
    return stored;
  }

  #portsOf(interfaces: NonNullable<MachineSpec["interfaces"]>): string[] {
    return [...new Set([...interfaces.map(({ portId }) => portId), ...this.clung])];
  }

  #volumesOf(volumes: NonNullable<MachineSpec["volumes"]>): SeenVolume[] {
    const held = volumes.map(({ volumeId, epoch, sizeBytes }) => ({
      ...{ volumeId, epoch, sizeBytes, state: "attached" as const },
    }));
    return [...held, ...this.open.filter((one) => !held.some(({ volumeId }) => volumeId === one.volumeId))];
  }

  #ensure(spec: MachineSpec, intent: MachineIntent, observedGeneration: number): Observation {
    const known = this.machines.get(spec.instanceId);
    if (
      known !== undefined &&
      known.intentGeneration >= intent.generation &&
      known.ownerEpoch === spec.ownerEpoch
    )
      return known;
    const state: MachineState = intent.power === "deleted" ? "gone" : intent.power;
    const observation: Observation = {
      instanceId: spec.instanceId,
      ownerEpoch: spec.ownerEpoch,
      generation: Math.max(known?.generation ?? 0, observedGeneration) + 1,
      intentGeneration: intent.generation,
      resetCount: intent.resetCount,
      state,
      reason: "requested",
      message: "",
      address: null,
      startedAtMs: null,
      atMs: this.#options.clock.nowMs(),
      ...(spec.interfaces && { ports: this.#portsOf(spec.interfaces) }),
      ...(spec.volumes && { volumes: state === "running" ? this.#volumesOf(spec.volumes) : [] }),
      ...(intent.power === "running" ? this.#options.outcome?.(spec, intent) : {}),
    };
    if (state === "gone") this.machines.delete(spec.instanceId);
    else this.machines.set(spec.instanceId, observation);
    return observation;
  }
}

/** A host's inventory with room for a few guests. */
export function inventoryOf(hostId: string, change: Partial<HostInventory> = {}): HostInventory {
  return {
    hostId,
    name: `host-${hostId}`,
    bootId: "boot-1",
    architecture: "x86_64",
    hypervisor: "fake",
    accelerator: "none",
    acceleratorReason: "a scripted host",
    hypervisorVersion: "0",
    vcpus: 16,
    memoryMib: 16_384,
    diskGib: 100,
    labels: {},
    features: [],
    machineTypes: [],
    numa: [],
    storageId: null,
    ...change,
  };
}
