/**
 * One simulated machine that runs guests: its processes and disks outlive its agent, and lose power with it.
 * The agent's drivers are the fake ones, with time, refusals, hangs and a full disk put in between. Every
 * process that comes or goes is told to the judge at that moment.
 */

import type { GuestEvent } from "../../actors/ports/hypervisor.ts";
import type { ImageGiving } from "../../actors/ports/image-giving.ts";
import type { Network } from "../../actors/ports/network.ts";
import { createFakeDrivers } from "../../nodes/drivers/fake/index.ts";
import type { FakeStorage } from "../../nodes/drivers/fake/storage.ts";
import type { FakeVolumePool } from "../../nodes/drivers/fake/volumes.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import { abortError } from "../../nodes/drivers/waiting.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { whileAnswering } from "./answering-volumes.ts";
import type { HostTold } from "./cluster-told.ts";
import { computerOf, type SimulatedComputer, type SimulatedHypervisor } from "./computer.ts";
import { HostCopies } from "./host-copies.ts";
import { HostImages, type ImageReach } from "./host-images.ts";
import type { ImageStores } from "./image-stores.ts";
import type { Interposer } from "./interposer.ts";
import type { Kernel } from "./kernel.ts";
import { type Machine, SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import { RootDisks } from "./root-disks.ts";
import { withRouters } from "./routed-things.ts";
import { type SlowVerb, slowedLeases, slowedNetwork, withApply } from "./slowed-network.ts";
import { slowCopies, slowedVolumes } from "./slowed-volumes.ts";
import type { Versions } from "./versions.ts";
import { WatchedWorld } from "./watched-world.ts";

export interface DriverRates {
  latencyMs: number;
  startMs: number;
  refused: number;
  /** Until it is called off, or a long time has passed: as a QEMU that does not answer. */
  hang: number;
}

/** The drivers give up on a QEMU that does not answer: QMP's greeting may take 45 s (qemuLimits). */
const hangMsMax = 45_000;

/**
 * From off to the first word of its agent: fences by power rest on no computer being faster (powerProofMs).
 */
const bootMs = 5_000;

export interface HostMachineOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly hostId: string;
  readonly monotonicShiftMs: number;
  /** Absent: the host's disks are on the host itself. */
  readonly storage?: FakeStorage;
  readonly outsideVolumes?: FakeVolumePool;
  readonly rates: DriverRates;
  readonly interposer: Interposer;
  readonly versions: Versions;
  /** The fake of a plug-in's hypervisor driver. Absent: ours. */
  readonly hypervisor?: SimulatedHypervisor | undefined;
  readonly shutdownLatencyMs: number | undefined;
  /** Its agent gives guests volumes. */
  readonly volumes: boolean;
  /** Where copies of root disks are sent. */
  readonly imageStores: ImageStores;
  readonly told: HostTold;
}

const isMap = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Size of each of a host's disks. */
const diskBytes = 2 ** 40;
/** More than is full, and less than is kept for disks that are there. */
const lowBytes = 2 ** 30;

export class HostMachine implements Machine {
  readonly name: string;
  readonly world: WatchedWorld;
  readonly roots: RootDisks;
  /** Copies of root disks, for images. */
  readonly copies: HostCopies;
  readonly rates: DriverRates;
  wallShiftMs = 0;
  readonly monotonicShiftMs: number;
  readonly #full = { state: false, shared: false };
  #low = false;
  boots = 1;
  /** When it has booted again. */
  #onAtMs = 0;
  readonly #options: HostMachineOptions;
  readonly #hanging = new Set<() => void>();
  readonly #images: HostImages;

  constructor(options: HostMachineOptions) {
    const { kernel, hostId, shutdownLatencyMs, storage, outsideVolumes: outside, told } = options;
    this.#options = options;
    this.name = hostId;
    this.rates = options.rates;
    this.monotonicShiftMs = options.monotonicShiftMs;
    // What is no process of ours: guests, and the guard, as long as the machine has power.
    const { clock } = new SimulatedProcess(kernel, `${hostId} itself`, this);
    const shutdown = shutdownLatencyMs === undefined ? {} : { shutdownLatencyMs };
    const outsideVolumes = outside === undefined ? {} : { outsideVolumes: outside };
    const shared = { ...outsideVolumes, ...(storage === undefined ? {} : { storage }) };
    this.world = new WatchedWorld({ clock, ...shutdown, ...shared }, (kind, guest) =>
      told.guest(kind, hostId, guest),
    );
    this.world.onVolume = ({ instanceId, pid }, { volumeId, epoch }, isOpen) =>
      told.volume(hostId, { instanceId, pid, volumeId, epoch }, isOpen);
    this.#images = new HostImages(this.world, (what) => told.image(hostId, what));
    this.roots = new RootDisks(this.world);
    this.copies = new HostCopies(this.world, this.roots, (what) => told.image(hostId, what));
  }

  /** What hangs goes on, and nothing else will. */
  heal(): void {
    this.world.unhangStorage();
    this.diskFull = false;
    this.sharedFull = false;
    this.disksLow = false;
    this.rates.refused = 0;
    this.rates.hang = 0;
    for (const goOn of this.#hanging) goOn();
    this.#hanging.clear();
  }

  get diskFull(): boolean {
    return this.#full.state;
  }

  set diskFull(full: boolean) {
    this.#full.state = full;
    this.#tellSpace();
  }

  set sharedFull(full: boolean) {
    this.#full.shared = full;
    this.#tellSpace();
  }

  /** Little is free where it makes disks, and yet it is not full: what is there goes on. */
  set disksLow(low: boolean) {
    this.#low = low;
    this.#tellSpace();
  }

  #tellSpace(): void {
    const { state, shared } = this.#full;
    const isShared = this.#options.storage !== undefined;
    const sized = (of: string, full: boolean, disks: boolean) => ({
      ...{ of, totalBytes: diskBytes, ...(disks ? { disks } : {}) },
      freeBytes: full ? 0 : disks && this.#low ? lowBytes : diskBytes,
    });
    this.world.spaces = [
      sized("state directory", state, !isShared),
      sized("shared directory", shared, isShared),
    ];
  }

  losePower(): void {
    this.world.losePower();
    this.world.routed.clear();
    this.#options.told.applied(this.name, undefined);
    this.boots += 1;
  }

  /** By its power controller. */
  switchOff(): void {
    this.losePower();
    this.#onAtMs = this.#options.kernel.nowMs + bootMs;
  }

  /** Runs the start of an agent: at once, or when the computer has booted. */
  begin(agent: SimulatedProcess, label: string, start: () => void): void {
    const { kernel } = this.#options;
    const bootsMs = this.#onAtMs - kernel.nowMs;
    if (bootsMs > 0) kernel.after(agent, bootsMs, label, start);
    else kernel.soon(agent, label, start);
  }

  /**
   * Drivers of one life of the agent, and what it gives to other hosts; `storageAware`: it can hold a lease
   * on the storage.
   */
  ports(
    agent: SimulatedProcess,
    storageAware: boolean,
    reach?: ImageReach,
  ): { readonly drivers: Drivers; readonly imageGiving?: ImageGiving } {
    const inner = createFakeDrivers({ world: this.world });
    const turned = () => this.#options.told.turned(this.name);
    agent.onDeath(() => void inner.hypervisor.detach());
    agent.onDeath(turned);
    turned();
    const verb = <T>(what: string, work: () => Promise<T>, signal?: AbortSignal) =>
      this.#verb({ agent, what, work, signal });
    const { storageLeases: aware, ...rest } = inner;
    const storageLeases = storageAware ? aware : undefined;
    const { network, machineFiles } = rest;
    const step = <T>(work: () => Promise<T>, signal: AbortSignal) =>
      verb("pullImage", () => this.#roomy(work), signal);
    const images = reach && this.#images.behind(rest.disks, { ...reach, agent, step });
    const { disks } = images ?? rest;
    const fake = this.#options.hypervisor?.(this.#computer(agent));
    const hypervisor = fake ?? rest.hypervisor;
    if (storageLeases !== undefined) agent.onDeath(() => void storageLeases.close());
    const { versions, volumes: given, imageStores: stores } = this.#options;
    const copying = { verb, roomy: <T>(work: () => Promise<T>) => this.#roomy(work), stores };
    const roomy = <T>(work: () => Promise<T>, shared: boolean) => this.#roomy(work, shared);
    slowCopies(rest.volumes ?? [], { verb, roomy, answers: () => this.world.storageAnswers });
    const storages = rest.volumes?.map((one) => whileAnswering(one, this.world));
    const volumed = given ? slowedVolumes({ hypervisor, disks, storages, verb, roomy }) : {};
    const drivers: Drivers = {
      ...rest,
      ...(storageLeases === undefined ? {} : { storageLeases: slowedLeases(storageLeases, verb) }),
      hypervisor: {
        capabilities: () => hypervisor.capabilities(),
        start: async (spec, paths, signal) => {
          const guest = await verb("start", () => hypervisor.start(spec, paths, signal), signal);
          // A fake has waited for it; a process whose agent died meanwhile has gone on alone.
          if (fake === undefined) await this.#startTakes(agent, spec.instanceId, signal);
          else this.world.run(spec.instanceId);
          return guest;
        },
        ...{ list: () => hypervisor.list(), inspect: (id) => hypervisor.inspect(id) },
        ...volumed.verbs,
        ...(fake === undefined ? this.copies.verbsOf(copying) : {}),
        rewire: (...asked) => verb("rewire", async () => hypervisor.rewire?.(...asked), asked[2]),
        unplugOthers: (...asked) => verb("unplug", async () => hypervisor.unplugOthers?.(...asked), asked[1]),
        pause: (id, signal) => verb("pause", () => hypervisor.pause(id, signal), signal),
        resume: (id, signal) => verb("resume", () => hypervisor.resume(id, signal), signal),
        pressPowerButton: (...asked) => verb("press", () => hypervisor.pressPowerButton(...asked), asked[1]),
        reset: (id, signal) => verb("reset", () => hypervisor.reset(id, signal), signal),
        halt: (id, signal) => verb("halt", () => hypervisor.halt(id, signal), signal),
        onEvent: (listener) =>
          hypervisor.onEvent((event: GuestEvent) => {
            this.#options.kernel.soon(agent, `guest ${event.kind} ${event.instanceId}`, () =>
              listener(event),
            );
          }),
        detach: () => hypervisor.detach(),
      },
      disks: {
        ensure: (spec, signal) =>
          verb("ensureDisks", () => roomy(() => disks.ensure(spec, signal), !spec.takesOverDisk), signal),
        release: (...asked) => verb("releaseDisks", () => disks.release(...asked)),
        ...volumed.disks,
        copies: this.copies.portOf(copying),
        list: () => disks.list(),
        listShared: () => disks.listShared(),
        releaseShared: (id, ownerEpoch) => verb("releaseDisks", () => disks.releaseShared(id, ownerEpoch)),
      },
      ...(network === undefined ? {} : { network: this.#carrying(network, verb) }),
      ...volumed.drivers,
      machineFiles: {
        readAll: async () =>
          (await machineFiles.readAll()).map(({ instanceId, content }) => ({
            instanceId,
            content: isMap(content) ? versions.kept(agent.version, "host-agent.ensure", content) : undefined,
          })),
        write: (id, content) => verb("writeFile", () => this.#roomy(() => machineFiles.write(id, content))),
        remove: (id) => verb("removeFile", () => machineFiles.remove(id)),
      },
    };
    return { drivers, ...(images && { imageGiving: images.imageGiving }) };
  }

  #carrying(network: Network, verb: SlowVerb): Network {
    return withRouters(slowedNetwork(this.#watched(network), verb), this.world.routed, verb);
  }

  #watched(network: Network): Network {
    const apply = async (networking: HostNetworking, signal: AbortSignal) => {
      const version = await network.apply(networking, signal);
      if (this.world.ports.applied === networking) this.#options.told.applied(this.name, networking);
      return version;
    };
    return withApply(network, apply);
  }

  #computer(agent: SimulatedProcess): SimulatedComputer {
    return computerOf({
      ...{ hostId: this.name, world: this.world, agent },
      begin: async (spec, signal) => {
        if (!agent.alive) return new Promise(() => undefined);
        const guest = await this.world.boot(spec, signal);
        await this.#startTakes(agent, spec.instanceId, signal);
        return guest;
      },
    });
  }

  /** `shared`: the work needs room on the shared storage as well. */
  #roomy<T>(work: () => Promise<T>, shared = false): Promise<T> {
    if (this.#full.state || (shared && this.#full.shared))
      return Promise.reject(new StatusError("diskFull", "No space is left."));
    return work();
  }

  /** The process is there at once; its CPU runs some time later. Called off, it is ended again. */
  async #startTakes(agent: SimulatedProcess, instanceId: string, signal: AbortSignal): Promise<void> {
    const { kernel, random } = this.#options;
    await kernel.sleep(agent, random.latencyMs(this.rates.startMs), "");
    if (!signal.aborted) {
      this.world.run(instanceId);
      return;
    }
    this.world.end(instanceId);
    throw abortError();
  }

  async #verb<T>({ agent, what, work, signal }: Verb<T>): Promise<T> {
    const { kernel, random, interposer } = this.#options;
    if (!agent.alive) return new Promise(() => undefined);
    const isFile = what === "writeFile" || what === "removeFile";
    const fault = interposer.durable(agent, what);
    if (fault === "crashBefore") {
      agent.kill();
      return new Promise(() => undefined);
    }
    await kernel.sleep(agent, random.latencyMs(this.rates.latencyMs) + (fault === "delay" ? 400 : 0), "");
    if (!isFile && random.chance(this.rates.hang)) await this.#hang(agent, signal);
    if (!isFile && random.chance(this.rates.refused))
      throw new StatusError("hypervisorRefused", "The simulated hypervisor does not want to.");
    if (kernel.trace.isRead) kernel.trace.note(kernel.nowMs, agent.name, `does ${what}`);
    const value = await work();
    if (fault === "double") await work();
    if (fault === "crashAfter") agent.kill();
    await kernel.sleep(agent, random.latencyMs(this.rates.latencyMs), "");
    if (fault === "loseReply" && !isFile)
      throw new StatusError("hypervisorRefused", "The simulated hypervisor has done it and says no.");
    return value;
  }

  #hang(agent: SimulatedProcess, signal: AbortSignal | undefined): Promise<void> {
    const { kernel, random } = this.#options;
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(abortError()), { once: true });
      const step = kernel.after(agent, random.between(0, hangMsMax), "", resolve);
      this.#hanging.add(() => {
        if (step.run === undefined) return;
        step.run = undefined;
        kernel.soon(agent, "", resolve);
      });
    });
  }
}

interface Verb<T> {
  readonly agent: SimulatedProcess;
  readonly what: string;
  readonly work: () => Promise<T>;
  readonly signal: AbortSignal | undefined;
}
