/**
 * A whole cell in one process: controllers, compute nodes, NATS, PostgreSQL and machines, all simulated, with
 * the real actors inside. It starts processes, and does to them what faults say; it judges nothing.
 */

import type { OpenSafety } from "../../actors/control/fleet/link.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import { MemoryStore } from "../../db/memory/store.ts";
import { assembleCompute, type Compute } from "../../nodes/compute/assembly.ts";
import { assembleController } from "../../nodes/controller/assembly.ts";
import { assembleSafety } from "../../nodes/controller/safety.ts";
import {
  type AnswerMessage,
  answerCall,
  type CallMessage,
  LinkedAudience,
} from "../../nodes/controller/safety-link.ts";
import { FakeStorage } from "../../nodes/drivers/fake/storage.ts";
import type { FakeVolumePool } from "../../nodes/drivers/fake/volumes.ts";
import { startEventPublisher } from "../../nodes/events/publisher.ts";
import { allServices } from "../support/all-services.ts";
import { createMemoryEventStream } from "../support/memory-event-stream.ts";
import { previousSnapshot, snapshotOf } from "../versions/snapshot.ts";
import { ActorFaults } from "./actor-faults.ts";
import type { ClusterTold } from "./cluster-told.ts";
import type { SimulatedHypervisor } from "./computer.ts";
import { type ForeignRules, pluginOf } from "./foreign.ts";
import { pullsImages, reachedBy } from "./host-images.ts";
import { HostMachine } from "./host-machine.ts";
import { ImageStores } from "./image-stores.ts";
import { Interposer } from "./interposer.ts";
import { type Kernel, nobody } from "./kernel.ts";
import { Network } from "./network.ts";
import { numaNodesOf } from "./numa-nodes.ts";
import { outsideOf, seenBy } from "./outside-volumes.ts";
import { projects } from "./plan-hostile.ts";
import type { Parameters } from "./plan-parameters.ts";
import { takesUploads } from "./plan-uploads.ts";
import { simulatedPower } from "./power.ts";
import { across, type Machine, SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import { driversOfHost, shapesOfHost } from "./shapes.ts";
import { type SimulatedSink, sinkOf } from "./sinks.ts";
import { StoreServer, streamOf } from "./store.ts";
import type { Tally } from "./tally.ts";
import { knownBy, oneVersion, type VersionDraw, Versions, versionsOf, withoutOlder } from "./versions.ts";

export const cell = "sim";
const realVersions = new Versions(cell, snapshotOf(allServices), previousSnapshot());

export interface ClusterOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly parameters: Parameters;
  readonly told: ClusterTold;
  /** True: every controller has a plug-in that extends the API. */
  readonly extended?: boolean;
  /** Images belong to projects: see migration 0018, for which controllers of the version before end. */
  readonly imaged?: boolean;
  /** Of a plug-in: rules at every controller, a fake hypervisor on every host. Absent: none. */
  readonly foreign?: ForeignRules;
  readonly hypervisor?: SimulatedHypervisor | undefined;
  /** What the versions before and after this one know; absent: what the snapshot says. */
  readonly versions?: Versions;
}

interface HostPlace {
  readonly machine: HostMachine;
  agent: SimulatedProcess;
  compute: Compute | undefined;
  /** It has been told to end. */
  leaving: boolean;
}

interface ControllerPlace {
  readonly machine: Machine;
  process: SimulatedProcess;
}

const nameOf = (index: number): string => `node-${index + 1}`;
/** How long a host stays off that its power controller was told to switch off. */
const offMs = 25_000;
/** Size of the database's disk. */
const databaseBytes = 2 ** 40;

export class Cluster {
  readonly network: Network;
  readonly store: StoreServer;
  readonly stream = createMemoryEventStream();
  readonly imageStores: ImageStores;
  readonly interposer = new Interposer();
  readonly actors: ActorFaults;
  readonly hosts: HostPlace[] = [];
  readonly controllers: ControllerPlace[] = [];
  readonly #options: ClusterOptions;
  /** The storage of all hosts, when hosts share their disks. */
  readonly storage: FakeStorage | undefined;
  readonly outside: FakeVolumePool | undefined;
  /** Undefined: there is no sink of events. */
  readonly sink: SimulatedSink | undefined;
  /** Drawn for each life: a process may come back newer, and older too. */
  #nextVersion: VersionDraw;
  /** For each life of an agent: whether it can hold a lease on the storage. */
  readonly #storageAware: () => boolean;
  /** Of all lives of all processes and their threads. */
  readonly tallies: Tally[] = [];
  #births = 0;
  #streamUp = true;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { kernel, random, parameters, told, versions = realVersions } = options;
    const { interposer } = this;
    const itself = { name: "store", wallShiftMs: 0, monotonicShiftMs: 0 };
    const world = new SimulatedProcess(kernel, "store", itself);
    const bytesOf = { kernel, random: random.fork("image stores"), interposer, told: told.bytes };
    this.imageStores = new ImageStores(bytesOf);
    const lives = parameters.oneVersion === true ? oneVersion : versionsOf(random.fork("versions"));
    this.#nextVersion = options.imaged === true ? withoutOlder(lives) : lives;
    const storage = random.fork("storage unaware");
    this.#storageAware = () => !storage.chance(parameters.storageUnaware ?? 0);
    this.network = new Network({
      kernel,
      random: random.fork("bus"),
      interposer,
      versions,
      rates: { ...pick(parameters), lateMs: 1_500 },
      sent: told.sent,
    });
    this.store = new StoreServer({
      kernel,
      random: random.fork("store"),
      interposer,
      inner: new MemoryStore(world.clock),
      rates: storeRates(parameters),
      committed: told.committed,
      renewed: told.renewed,
    });
    const { crashed, silent } = told;
    this.actors = new ActorFaults({ kernel, random: random.fork("actors"), crashed, silent });
    const { sharedDisks } = parameters;
    this.sink = sinkOf(parameters, { kernel, random: random.fork("sink"), told: told.delivered });
    this.storage =
      sharedDisks === undefined ? undefined : new FakeStorage("shared", { locks: sharedDisks === "locked" });
    this.outside = outsideOf(parameters);
    for (let index = 0; index < parameters.controllers; index += 1) this.#addController(index);
    for (let index = 0; index < parameters.hosts; index += 1) this.#addHost(index);
  }

  /** What the meters of processes have counted otherwise than it happened. */
  get miscounts(): readonly string[] {
    return this.tallies.flatMap(({ differences }) => differences);
  }

  #addController(index: number): void {
    const monotonicShiftMs = 1_000_000 * (index + 1);
    const machine = { name: `controller-${index + 1}`, wallShiftMs: 0, monotonicShiftMs };
    const place = { machine, process: new SimulatedProcess(this.#options.kernel, `c${index + 1}`, machine) };
    this.controllers.push(place);
    this.startController(index);
  }

  #addHost(index: number): void {
    const { kernel, random, parameters, told, versions = realVersions } = this.#options;
    const hostId = `h${index + 1}`;
    const machine = new HostMachine({
      kernel,
      random: random.fork(hostId),
      hostId,
      monotonicShiftMs: 7_000_000 * (index + 1),
      ...(this.storage === undefined ? {} : { storage: this.storage }),
      ...seenBy(index, this.outside),
      ...{ interposer: this.interposer, versions, hypervisor: this.#options.hypervisor },
      rates: {
        latencyMs: parameters.driverLatencyMs,
        startMs: parameters.startMs,
        refused: parameters.refused,
        hang: parameters.hang,
      },
      shutdownLatencyMs: parameters.shutdownMs,
      ...{ volumes: parameters.volumes === true, told, imageStores: this.imageStores },
    });
    machine.world.shapes.offered = shapesOfHost(index);
    machine.world.ports.onChange = (port, isThere) => told.port(machine.name, port, isThere);
    this.hosts.push({
      machine,
      agent: new SimulatedProcess(kernel, hostId, machine),
      compute: undefined,
      leaving: false,
    });
    this.startAgent(index);
  }

  /** A new life, under the same name. */
  startController(index: number): void {
    const place = this.controllers[index];
    if (place === undefined) return;
    place.process.kill();
    const { kernel, random, parameters } = this.#options;
    this.#births += 1;
    const process = new SimulatedProcess(kernel, `c${index + 1}`, place.machine, this.#births);
    place.process = process;
    process.version = this.#nextVersion.controller();
    kernel.soon(process, startLabel(process), () => {
      const bus = this.network.connect(process);
      const store = this.store.connect(process);
      const reach = {
        latencyMs: () => random.latencyMs(this.network.rates.latencyMs),
        up: () => this.#streamUp,
      };
      const stream = streamOf(process, this.stream.connect(), reach);
      const { clock, ids, log } = process;
      const { meter } = process.tally;
      this.tallies.push(process.tally);
      const openPublisher = (system: ActorSystem) =>
        startEventPublisher({ store, stream, system, log, meter });
      const onFailed = () => {
        process.kill();
        kernel.after(nobody, 1_000, `${process.name} is started again`, () => {
          if (place.process === process) this.startController(index);
        });
      };
      const common = { cell, store, bus, clock, ids, log, meter, openPublisher, onFailed };
      const look = async () => [
        { of: "database", freeBytes: this.store.full ? 0 : databaseBytes, totalBytes: databaseBytes },
      ];
      const name = `controller-${index + 1}`;
      const { scheduler, ...extended } = pluginOf(this.#options);
      const ports = { ...common, name, scheduler, projects, firstTurn: index, space: { look } };
      const power = simulatedPower({
        ...{ process, random: random.fork(`power of ${process.name} ${this.#births}`) },
        switchOff: (hostName) => this.#switchOff(hostName),
        isOff: (hostName) => !this.hosts.some(({ agent }, at) => nameOf(at) === hostName && agent.alive),
      });
      const openSafety = this.#safetyOf(process, index, onFailed);
      const hasDoor = pullsImages(parameters) || takesUploads(parameters);
      const door = hasDoor ? { imageDoor: this.imageStores.doorOf(process) } : {};
      const more = { openSafety, imageFiles: this.imageStores.files, power, ...door };
      const sinks = this.sink?.at(process, { store, holder: name });
      void assembleController({ ...ports, ...more, ...sinks, ...extended }).then((controller) => {
        bus.onConnected(() => controller.cutOff());
      });
    });
  }

  /** The safety channel of a controller: a thread with connections of its own, and the real link to it. */
  #safetyOf(process: SimulatedProcess, index: number, onFailed: () => void): OpenSafety {
    const { kernel } = this.#options;
    const thread = process.thread("safety");
    const { clock, ids, log, tally } = thread;
    this.tallies.push(tally);
    return (inner) => {
      const { told } = this.#options;
      told.roomForgotten(process.name);
      const heard: typeof inner.heard = (hostId, said) => {
        if (said?.spaces !== undefined) told.roomHeard(process.name, hostId, said.spaces);
        inner.heard(hostId, said);
      };
      const audience = { ...inner, heard };
      const calls = (call: unknown) =>
        kernel.soon(process, "", () => void answerCall(call as CallMessage, audience, answers));
      const linked = new LinkedAudience({ postMessage: calls });
      const answers = {
        postMessage: (answer: unknown) =>
          kernel.soon(thread, "", () => linked.answered(answer as AnswerMessage)),
      };
      return across(kernel, process, thread, async () => {
        const [bus, store] = [this.network.connect(thread), this.store.connect(thread)];
        const { meter } = tally;
        const name = `controller-${index + 1}`;
        const ports = { cell, store, bus, clock, ids, log, meter, name, onFailed };
        const safety = await assembleSafety(ports, linked);
        bus.onConnected(() => safety.cutOff());
        return { stop: () => across(kernel, process, thread, () => safety.stop()) };
      });
    };
  }

  startAgent(index: number, version = this.#nextVersion.agent()): void {
    const place = this.hosts[index];
    if (place === undefined) return;
    place.agent.kill();
    const { kernel, parameters } = this.#options;
    this.#births += 1;
    const { machine } = place;
    const agent = new SimulatedProcess(kernel, machine.name, machine, this.#births);
    place.agent = agent;
    place.leaving = false;
    agent.version = version;
    machine.begin(agent, startLabel(agent), () => {
      const bus = this.network.connect(agent);
      const inventory = {
        hostId: machine.name,
        name: nameOf(index),
        bootId: `boot-${machine.boots}`,
        architecture: "x86_64",
        hypervisor: "simulated",
        accelerator: "none",
        acceleratorReason: "simulated",
        hypervisorVersion: "1",
        vcpus: parameters.hostVcpus,
        memoryMib: parameters.hostVcpus * 256,
        diskGib: parameters.sharedGib ?? 100,
        storageId: this.storage?.storageId ?? null,
        numa: numaNodesOf(parameters.numaNodes ?? 0, parameters.hostVcpus),
        ...{ labels: this.#options.foreign?.labels ?? {}, features: [], machineTypes: [] },
        drivers: driversOfHost(index, parameters.oneVersion === true, parameters.volumes),
      } as const;
      const { clock, ids, log, tally } = agent;
      this.tallies.push(tally);
      const images = reachedBy({ bus, clock, ids, cell, hostId: machine.name }, this.imageStores, parameters);
      place.compute = assembleCompute({
        ...{ cell, inventory, bus, clock, ids, log, meter: tally.meter },
        ...machine.ports(agent, this.#storageAware(), images),
        bootsMax: 8,
        knows: knownBy(agent.version),
        onFailed: () => {
          agent.kill();
          kernel.after(nobody, 1_000, `${machine.name} is started again`, () => this.startAgent(index));
        },
      });
    });
  }

  /** Also when it is off already; it is on again after a while, unless somebody was earlier. */
  #switchOff(hostName: string): void {
    const index = this.hosts.findIndex((_, at) => nameOf(at) === hostName);
    const place = this.hosts[index];
    if (place === undefined) return;
    const { kernel } = this.#options;
    kernel.trace.note(kernel.nowMs, place.machine.name, "is switched off");
    place.agent.kill();
    place.machine.switchOff();
    const { agent } = place;
    kernel.after(nobody, offMs, `${place.machine.name} is switched on`, () => {
      // As it was: nobody puts an older version on a computer by switching it on.
      if (place.agent === agent && !agent.alive) this.startAgent(index, agent.version);
    });
  }

  /** The agent ends in order, and leaves its guests running. */
  stopAgent(index: number): void {
    const place = this.hosts[index];
    if (place?.compute === undefined) return;
    const { agent, compute } = place;
    place.leaving = true;
    this.#options.kernel.soon(agent, "stops", () => {
      void compute.stop({ guests: false }).then(() => agent.kill());
    });
  }

  busDown(): void {
    this.#streamUp = false;
    this.network.serverDown();
  }

  busUp(): void {
    this.#streamUp = true;
    this.network.serverUp();
  }

  /** Every fault is over; what is dead is started, what is paused goes on. */
  heal(): void {
    this.network.rates.lost = 0;
    this.network.rates.doubled = 0;
    this.network.rates.late = 0;
    this.#streamUp = true;
    this.network.heal();
    this.store.heal();
    this.actors.heal();
    this.sink?.heal();
    this.imageStores.heal();
    // An agent of the version before can neither start nor remove what one of today was given to run. Hosts
    // that are switched off later, or come back only later, have none either.
    this.#nextVersion = { ...this.#nextVersion, agent: () => "same" };
    this.hosts.forEach(({ machine, agent, leaving }, index) => {
      machine.heal();
      if (!agent.alive || leaving || agent.version === "older") this.startAgent(index);
      else if (agent.paused) agent.resume();
    });
    this.controllers.forEach(({ process }, index) => {
      if (!process.alive) this.startController(index);
      else if (process.paused) process.resume();
    });
  }
}

const startLabel = ({ version }: SimulatedProcess): string =>
  version === "same" ? "starts" : `starts, as the ${version} version`;

function pick({ latencyMs, lost, doubled, late }: Parameters) {
  return { latencyMs, lost, doubled, late };
}

function storeRates({ storeLatencyMs, rolledBack, answerLost, slow, batched }: Parameters) {
  const rates = { latencyMs: storeLatencyMs, rolledBack, answerLost, slow, slowMs: 2_000 };
  return batched === undefined ? rates : { ...rates, batched };
}
