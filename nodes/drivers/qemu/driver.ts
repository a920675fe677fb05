/**
 * The hypervisor port on QEMU. It owns every QEMU process of one state directory: starts, adopts, controls
 * and ends them. Calls for one guest run one after another; guests do not wait for each other. This file must
 * never start a guest while another process of the same instance lives (I2): living processes are found in
 * the kernel's process table before the first start, adopted when they are of the same owner epoch, and ended
 * with proof when they are older.
 */
import type {
  Guest,
  GuestEvent,
  GuestPaths,
  Hypervisor,
  HypervisorCapabilities,
  Loss,
} from "../../../actors/ports/hypervisor.ts";
import type { NetworkDevice } from "../../../actors/ports/network.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { entering } from "../cgroup/entry.ts";
import { lossByEnd } from "../cgroup/loss.ts";
import { guestDirectory, makeGuestDirectory } from "../guest-directory.ts";
import { guestUser } from "../guest-user.ts";
import { refuseIncomplete } from "../incomplete.ts";
import { isAlive, readBootId } from "../process-table.ts";
import { refuseUnplugged } from "../unplugged.ts";
import { Turns, throwIfAborted } from "../waiting.ts";
import { abilities } from "./abilities.ts";
import { qemuArguments } from "./arguments.ts";
import { cardsOf, placedOf, refuseOtherEpoch } from "./cards.ts";
import { CpuPools } from "./cpu-pools.ts";
import { canRaiseLimits } from "./file-limit.ts";
import { QemuGuest } from "./guest.ts";
import {
  clearRemains,
  type FoundProcess,
  findGuests,
  type GuestProcess,
  inOrderOfProof,
  record,
  recordedStart,
  type SpawnedGuest,
  type SpawnOptions,
} from "./guest-process.ts";
import { bringUp, whenUnlocked } from "./launch.ts";
import { type Launch, launchOf } from "./launcher.ts";
import { qemuLimits } from "./limits.ts";
import { unlessRefused } from "./offers.ts";
import type { QemuOptions } from "./options.ts";
import { type Pins, pinsOfArgv } from "./pins.ts";
import {
  argumentsFor,
  closeAll,
  imageGroups,
  namespaceOf,
  openFor,
  recordFence,
  refuseElsewhere,
  refuseUnfit,
  spawn,
  unlessAborted,
} from "./starting.ts";
import { readyVolumes } from "./volume-sockets.ts";
import { VolumeVerbs } from "./volume-verbs.ts";

export class QemuHypervisor extends VolumeVerbs implements Hypervisor {
  readonly #options: QemuOptions;
  readonly #guests = new Map<string, QemuGuest>();
  readonly #turns = new Turns();
  readonly #cpus: CpuPools;
  readonly #listeners: ((event: GuestEvent) => void)[] = [];
  #bootId: Promise<string> | undefined;
  #scanning: Promise<void> = Promise.resolve();
  #scanned = false;
  #detached = false;

  constructor(options: QemuOptions) {
    super(options);
    this.#options = options;
    const guests = () => [...this.#guests.values()];
    this.#cpus = new CpuPools({ nodes: options.nodes, guests, log: options.log });
  }

  async capabilities(): Promise<HypervisorCapabilities> {
    const { version: findVersion, accelerator: choose, shapes: find } = this.#options;
    const found = unlessRefused(find(), this.#options.log);
    const [version, choice, shapes] = await Promise.all([findVersion(), choose(), found]);
    const { accelerator, reason: acceleratorReason } = choice;
    const { bounding } = this.#options.groups;
    const offered = shapes === undefined ? {} : { shapes };
    return { kind: "qemu", accelerator, acceleratorReason, version, bounding, ...offered, ...abilities };
  }

  onEvent(listener: (event: GuestEvent) => void): void {
    this.#listeners.push(listener);
  }

  async list(): Promise<readonly Guest[]> {
    await this.#scan();
    const living = await Promise.all(
      [...this.#guests.values()].map(async (guest) => ((await isAlive(guest.process)) ? [guest.facts] : [])),
    );
    return living.flat();
  }

  async inspect(instanceId: string): Promise<Guest | undefined> {
    const guest = await this.#living(instanceId);
    return guest?.facts;
  }

  start(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest> {
    return this.#turns.run(spec.instanceId, async () => {
      throwIfAborted(signal);
      await refuseUnfit(spec, this.#options.shapes);
      refuseIncomplete(spec, paths);
      refuseUnplugged(spec, paths, abilities.networks);
      await readyVolumes(spec, paths.volumes ?? []);
      const living = await this.#living(spec.instanceId);
      if (living !== undefined && (await this.#takeOver(living, spec, paths, signal))) return living.facts;
      return this.#launch(spec, paths, signal);
    });
  }

  pause(instanceId: string, signal: AbortSignal): Promise<void> {
    return this.command(instanceId, signal, (guest) => guest.pause(signal));
  }

  resume(instanceId: string, signal: AbortSignal): Promise<void> {
    return this.command(instanceId, signal, (guest) => guest.resume(signal));
  }

  pressPowerButton(instanceId: string, signal: AbortSignal): Promise<void> {
    return this.command(instanceId, signal, (guest) => guest.pressPowerButton(signal));
  }

  reset(instanceId: string, signal: AbortSignal): Promise<void> {
    return this.command(instanceId, signal, (guest) => guest.reset(signal));
  }

  rewire(spec: MachineSpec, devices: readonly NetworkDevice[], signal: AbortSignal): Promise<void> {
    return this.command(spec.instanceId, signal, async (guest) => {
      await refuseUnfit(spec, this.#options.shapes);
      refuseUnplugged(spec, { interfaces: devices }, abilities.networks);
      refuseOtherEpoch(guest.facts, spec);
      await refuseElsewhere(guest.facts.pid, devices);
      await guest.rewire(cardsOf(spec, devices, guest.process.directory), signal);
    });
  }

  unplugOthers(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    return this.command(spec.instanceId, signal, async (guest) => {
      refuseOtherEpoch(guest.facts, spec);
      await guest.unplugOthers(placedOf(spec), signal);
    });
  }

  halt(instanceId: string, signal: AbortSignal): Promise<void> {
    return this.#turns.run(instanceId, async () => {
      throwIfAborted(signal);
      const guest = await this.#living(instanceId);
      await guest?.halt(signal);
      // A process that broke out of its guest may look like none, but it cannot leave the guest's cgroups.
      if (guest === undefined) await this.#options.groups.remove(instanceId, signal);
      else await this.#clear(guest.process, signal);
    });
  }

  async detach(): Promise<void> {
    this.#detached = true;
    for (const guest of this.#guests.values()) guest.release();
    this.#guests.clear();
    await this.#options.network?.close();
  }

  protected command<T>(
    instanceId: string,
    signal: AbortSignal,
    work: (guest: QemuGuest) => Promise<T>,
  ): Promise<T> {
    return this.#turns.run(instanceId, async () => {
      throwIfAborted(signal);
      const guest = await this.#living(instanceId);
      if (guest !== undefined) return work(guest);
      throw new StatusError("guestFailed", `Instance ${instanceId} has no running process.`);
    });
  }

  /** The guest of the instance whose process lives at this moment, according to the kernel. */
  async #living(instanceId: string): Promise<QemuGuest | undefined> {
    await (this.#scanned ? undefined : this.#scan());
    const guest = this.#guests.get(instanceId);
    return guest !== undefined && (await isAlive(guest.process)) ? guest : undefined;
  }

  /** True when the living process serves this start; otherwise the process is gone when this resolves. */
  async #takeOver(living: QemuGuest, spec: MachineSpec, paths: GuestPaths, signal: AbortSignal) {
    const { ownerEpoch, status } = living.facts;
    if (ownerEpoch > spec.ownerEpoch) {
      const message = `A guest of a newer epoch of instance ${spec.instanceId} runs on this host.`;
      throw new StatusError("staleEpoch", message);
    }
    if (ownerEpoch === spec.ownerEpoch && (status === "running" || status === "paused")) {
      await paths.plugged?.(signal);
      await living.resume(signal);
      return true;
    }
    await living.halt(signal);
    return false;
  }

  async #launch(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest> {
    if (this.#detached) throw new StatusError("hostStopping", "The host's agent is ending.");
    const { clock, log, directories } = this.#options;
    const [directory, user] = [guestDirectory(directories, spec.instanceId), guestUser(spec.instanceId)];
    const choice = await this.#options.accelerator();
    const given = await argumentsFor(directories, spec, paths, choice);
    await (spec.numa && this.#cpus.open());
    await makeGuestDirectory(directory, user);
    await clearRemains(directory);
    const bootId = await this.#readBootId();
    const network = namespaceOf(paths, await this.#options.network?.path());
    const { instanceId, ownerEpoch, fence } = spec;
    const members = [...choice.groups, ...imageGroups(spec)];
    const launched = { user, network, spec, groups: members, raisesLimits: canRaiseLimits() };
    const tag = { instanceId, ownerEpoch, fence };
    recordFence(directory, tag, paths.disk ?? paths.ephemeral ?? paths.swap);
    return whenUnlocked(instanceId, { clock, signal }, async () => {
      throwIfAborted(signal);
      const groups = await this.#options.groups.make(tag, spec, signal);
      const about = { tag, directory, user, bootId, nowMs: clock.nowMs() };
      const pinned = () => {
        const pins = this.#cpus.choose(spec.numa);
        const qemu = { command: this.#options.executable, argv: qemuArguments({ ...given, pins }) };
        return { launch: entering(groups, launchOf(launched, qemu)), pins };
      };
      const { spawned, guest } = await this.#spawn(pinned, about, paths, signal);
      const beforeRun = async () => {
        await this.#cpus.arrange(guest);
        await paths.plugged?.(signal);
      };
      await bringUp(guest, spawned, { clock, log, signal, beforeRun });
      return guest.facts;
    });
  }

  /**
   * Chooses CPUs and starts the process. Between the choice and #keep nothing is awaited, so that no other
   * start chooses the same CPUs, and no scan finds the process first.
   */
  async #spawn(
    pinned: () => { launch: Launch; pins: Pins | undefined },
    about: SpawnOptions,
    paths: GuestPaths,
    signal: AbortSignal,
  ) {
    const { openLease } = this.#options;
    const wanted = about.tag.fence === true && openLease !== undefined;
    const lease = wanted ? await unlessAborted(openLease(), signal) : undefined;
    const opened = lease === undefined ? [] : [lease];
    try {
      const plugs = await openFor(paths);
      opened.push(...plugs);
      throwIfAborted(signal);
      const { launch, pins } = pinned();
      const spawned = spawn(launch, { ...about, held: lease?.fd, given: plugs.map(({ fd }) => fd) });
      return { spawned, guest: this.#keep({ ...spawned.process, pins }, spawned.ended) };
    } finally {
      await closeAll(opened);
    }
  }

  /** `ended`: of a process that was just started, and has to establish itself first. */
  #keep(process: GuestProcess, ended?: SpawnedGuest["ended"]): QemuGuest {
    const { clock, log } = this.#options;
    const guest: QemuGuest = new QemuGuest(process, {
      clock,
      log,
      established: ended === undefined,
      emit: (event) => this.#emit(event),
      whyLost: () => this.#whyLost(process, ended),
      onGone: () => this.#forget(guest),
    });
    this.#guests.set(process.tag.instanceId, guest);
    return guest;
  }

  /** Asks at once: the cgroups are removed soon. */
  async #whyLost({ tag }: GuestProcess, ended: SpawnedGuest["ended"] | undefined): Promise<Loss | undefined> {
    const counted = this.#options.groups.lossOf(tag);
    return lossByEnd(counted, await ended);
  }

  #forget(guest: QemuGuest): void {
    const { instanceId } = guest.process.tag;
    if (this.#guests.get(instanceId) === guest) this.#guests.delete(instanceId);
    if (!this.#detached) this.#cpus.arrangeSoon();
    void this.#turns
      .run(instanceId, () => this.#clearAfter(guest.process))
      .catch((error: unknown) => {
        this.#options.log.warn(
          { instanceId, error: String(error) },
          "a guest's stale files could not be removed",
        );
      });
  }

  /**
   * Removes a gone guest's files, in the instance's order of calls, so that a later start does not lose its
   * new sockets.
   */
  async #clearAfter(process: GuestProcess): Promise<void> {
    if (!this.#guests.has(process.tag.instanceId)) await this.#clear(process);
  }

  /** Removes what a process has left that is proved gone, whatever it had begun included. */
  async #clear({ tag, directory }: GuestProcess, signal?: AbortSignal): Promise<void> {
    await this.#options.groups.remove(tag.instanceId, signal);
    await clearRemains(directory);
  }

  #emit(event: GuestEvent): void {
    if (this.#detached) return;
    for (const listener of this.#listeners) listener(event);
  }

  /**
   * Scans for living guests, one scan at a time. When it resolves, every guest is connected, or known not to
   * answer.
   */
  #scan(): Promise<void> {
    this.#scanning = this.#scanning.catch(() => undefined).then(() => this.#adoptAll());
    return this.#scanning;
  }

  /** Takes control of every living guest that is not known yet, including guests that do not answer. */
  async #adoptAll(): Promise<void> {
    const bootId = await this.#readBootId();
    const found = await findGuests(this.#options.directories);
    // Before the first start: afterwards an empty cgroup may be one whose process is about to come.
    if (!this.#scanned) await this.#options.groups.sweep(new Set(found.map(({ tag }) => tag.instanceId)));
    const unknown = found.filter((one) => one.hasDirectory && !this.#knows(one));
    // One after the other for each instance: of two processes the recorded one, else the older one, is ours.
    const byInstance = [...Map.groupBy(unknown, ({ tag }) => tag.instanceId).values()];
    for (let first = 0; first < byInstance.length; first += qemuLimits.adoptionsAtOnce) {
      const batch = byInstance.slice(first, first + qemuLimits.adoptionsAtOnce);
      await Promise.all(batch.map((ofOne) => this.#adoptOf(ofOne, bootId)));
    }
    if (unknown.length > 0) this.#cpus.arrangeSoon();
    this.#scanned = true;
  }

  async #adoptOf(ofOne: readonly FoundProcess[], bootId: string): Promise<void> {
    const directory = guestDirectory(this.#options.directories, ofOne[0]?.tag.instanceId ?? "");
    for (const one of inOrderOfProof(directory, ofOne, bootId)) await this.#adopt(one, bootId);
  }

  #knows(one: FoundProcess): boolean {
    const known = this.#guests.get(one.tag.instanceId)?.process;
    return known?.pid === one.pid && known.startTicks === one.startTicks;
  }

  async #adopt(one: FoundProcess, bootId: string): Promise<void> {
    const { log } = this.#options;
    const known = this.#guests.get(one.tag.instanceId);
    const second = known !== undefined && (await isAlive(known.process));
    // From here to #keep nothing is awaited: no start can come between the proof and the adoption.
    if (!(await isAlive(one)) || this.#knows(one) || this.#detached) return;
    if (second) {
      log.error(
        { ...one.tag, pid: one.pid },
        "a second living process of one instance; it is left to the operator",
      );
      return;
    }
    const guest = this.#keep(this.#identify(one, bootId));
    try {
      await guest.connect();
    } catch (error) {
      log.warn({ ...one.tag, pid: one.pid, error: String(error) }, "a living guest does not answer yet");
      guest.recover();
    }
  }

  #identify(one: FoundProcess, bootId: string): GuestProcess {
    const { clock, log, directories } = this.#options;
    const { pid, startTicks, tag } = one;
    const directory = guestDirectory(directories, tag.instanceId);
    const recorded = recordedStart(directory, one, bootId);
    const startedAtMs = recorded?.startedAtMs ?? clock.nowMs();
    const guest = { pid, startTicks, tag, directory, startedAtMs, pins: pinsOfArgv(one.argv) };
    if (recorded !== undefined) return guest;
    log.warn({ ...tag, pid }, "a living guest was not recorded at its start; the process table proves it");
    record(guest, bootId);
    return guest;
  }

  #readBootId(): Promise<string> {
    this.#bootId ??= readBootId();
    return this.#bootId;
  }
}
