/**
 * The computer that fake guests live on: their processes, disks, files and consoles, in memory. It outlives
 * its drivers as a real computer outlives its agent: a test makes new drivers on the same world and finds the
 * guests running. In a real process (hypervisor: fake) the world ends with the process, and its guests with
 * it. Tests steer the world: which verb fails, which hangs, which guest dies.
 */
import type { SeenGuest } from "../../../actors/node/guard/messages.ts";
import type { StoredGuard } from "../../../actors/node/guard/state.ts";
import type {
  AttachedVolume,
  Guest,
  GuestEvent,
  GuestStatus,
  Loss,
  VolumeName,
} from "../../../actors/ports/hypervisor.ts";
import type { GuestData } from "../../../protocol/guest-data.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { FileSystemSpace } from "../../../protocol/space.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { hostName } from "../guest-name.ts";
import { delay, throwIfAborted } from "../waiting.ts";
import { Injections } from "./injections.ts";
import { FakePorts } from "./network.ts";
import {
  type FakeProcess,
  type FakeVerb,
  factsOf,
  isStopped,
  isThere,
  type OwnDeed,
  placesOf,
} from "./process.ts";
import { type OpenedVolume, ProcessVolumes } from "./process-volumes.ts";
import { FakeShapes } from "./shapes.ts";
import type { FakeDisk, FakeLease, FakeStorage } from "./storage.ts";
import { type FakeVolumeFile, FakeVolumePool } from "./volumes.ts";
import { type FakeWorldOptions, poolsOf } from "./world-options.ts";

export type { FakeVerb, FakeWorldOptions };

/** Above the pids that Linux gives by default, so that none is ever taken for a real one. */
const firstFakePid = 10_000_000;

export class FakeWorld {
  readonly disks = new Map<string, Set<string>>();
  readonly machineFiles = new Map<string, string>();
  readonly shapes = new FakeShapes();
  readonly ports = new FakePorts();
  /** Volumes of the host's own. */
  readonly volumes = new FakeVolumePool();
  /** Owner epochs of the guests whose disks this host has on the shared storage. */
  readonly sharedEpochs = new Map<string, number>();
  /** The storage lease that the agent holds: guests that are started are born with it. */
  lease: FakeLease | undefined;
  /** The state that a guard has stored for the next one. */
  guardMemory: StoredGuard | undefined;
  /** Room on its file systems; empty: not known, and never full. */
  spaces: readonly FileSystemSpace[] = [];
  /** Number of starts of the computer. */
  starts = 1;
  /** Hears of each file of a volume that a process opens or closes. */
  onVolume: ((guest: Guest, volume: OpenedVolume, isOpen: boolean) => void) | undefined;
  #storageHangs = false;
  readonly #processes = new Map<string, FakeProcess>();
  readonly #consoles = new Map<string, string>();
  readonly #listeners = new Set<(event: GuestEvent) => void>();
  readonly #injections = new Injections();
  readonly #options: FakeWorldOptions;
  #nextPid = firstFakePid;

  constructor(options: FakeWorldOptions) {
    this.#options = options;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get storage(): FakeStorage | undefined {
    return this.#options.storage;
  }

  /** Pools of volumes that the host sees, its own first. */
  get pools(): readonly FakeVolumePool[] {
    return poolsOf(this.volumes, this.#options);
  }

  /** Makes the next call of the verb, for this instance or for any, fail, or hang until it is aborted. */
  inject(verb: FakeVerb, outcome: StatusError | "hang", instanceId?: string): void {
    this.#injections.add({ verb, outcome, instanceId });
  }

  /** The first step of every verb. @throws the injected error; AbortError */
  enter(verb: FakeVerb, instanceId: string, signal: AbortSignal): Promise<void> {
    return this.#injections.enter(verb, instanceId, signal);
  }

  /** Starts a guest. @throws AbortError; hypervisorRefused: the disk is in use, and no process is there */
  async boot(
    spec: MachineSpec,
    signal: AbortSignal,
    volumes: ReadonlyMap<number, AttachedVolume> = new Map(),
  ): Promise<Guest> {
    const { clock, startLatencyMs = 0 } = this.#options;
    if (startLatencyMs > 0) await delay(clock, startLatencyMs, signal);
    throwIfAborted(signal);
    const pid = this.#nextPid++;
    const guest: FakeProcess = {
      instanceId: spec.instanceId,
      ownerEpoch: spec.ownerEpoch,
      name: hostName(spec),
      pid,
      startedAtMs: clock.nowMs(),
      ...{ status: "running", isFull: false, resets: 0 },
      volumes: new ProcessVolumes(
        (one) => this.fileOf(one),
        (one, isOpen) => this.onVolume?.(factsOf(guest), one, isOpen),
      ),
      clings: false,
      fence: spec.fence,
      interfaces: placesOf(spec),
      told: spec.guest?.configDrive === true ? spec.guest : undefined,
      lease: this.#leaseFor(spec),
      disk: this.#openDisk(spec, pid),
      stopping: false,
      killed: false,
      hung: false,
      pending: [],
    };
    this.#processes.set(spec.instanceId, guest);
    guest.lease?.holders.add(guest);
    for (const [place, volume] of volumes) guest.volumes.set(place, volume);
    this.#greet(guest);
    return factsOf(guest);
  }

  /** The file of a volume under the path of that epoch, on whichever storage of the host. */
  fileOf(volume: VolumeName): FakeVolumeFile | undefined {
    return this.pools.map((pool) => pool.fileOf(volume)).find((file) => file !== undefined);
  }

  /** The storage lease to start a guest with. @throws hypervisorRefused when another host has taken it */
  #leaseFor({ fence }: MachineSpec): FakeLease | undefined {
    const lease = fence === true ? this.lease : undefined;
    if (lease?.taken !== true) return lease;
    throw new StatusError("hypervisorRefused", "The host's lease on the shared storage could not be held.");
  }

  /** True when every living guest that another host may take over holds the storage lease. */
  everyGuestHolds(lease: FakeLease): boolean {
    return [...this.#processes.values()].every((guest) => !guest.fence || guest.lease === lease);
  }

  #openDisk(spec: MachineSpec, pid: number): FakeDisk | undefined {
    const disk = this.storage?.find(spec.instanceId, spec.ownerEpoch);
    if (this.storage?.locks === true && disk !== undefined && disk.openedBy.size > 0) {
      throw new StatusError("hypervisorRefused", diskInUse(spec.instanceId));
    }
    disk?.openedBy.add(pid);
    return disk;
  }

  /** All guests that a guard has to know of, as the guard's process table would show them. */
  fencedGuests(): readonly SeenGuest[] {
    const fenced = [...this.#processes.values()].filter((guest) => guest.fence && isThere(guest));
    return fenced.map((guest) => {
      const { instanceId, ownerEpoch, pid, disk } = guest;
      return {
        ...{ instanceId, ownerEpoch, pid, startTicks: pid, stopped: isStopped(guest) },
        diskPresent: disk === undefined || this.storage?.find(instanceId, ownerEpoch) === disk,
      };
    });
  }

  /**
   * Sends SIGSTOP. Once it has taken effect, the guest neither writes nor answers nor acts; while its storage
   * hangs it has none.
   */
  freeze(instanceId: string): void {
    const guest = this.#processes.get(instanceId);
    if (guest !== undefined) guest.stopping = true;
  }

  thaw(instanceId: string): void {
    const guest = this.#processes.get(instanceId);
    if (guest === undefined || !guest.stopping) return;
    guest.stopping = false;
    guest.hung = this.#storageHangs;
    for (const deed of guest.pending.splice(0)) this.guestDoes(instanceId, deed);
  }

  isFrozen(instanceId: string): boolean {
    const guest = this.#processes.get(instanceId);
    return guest !== undefined && isStopped(guest);
  }

  /** Whether the hypervisor of the guest answers: not while it is stopped, hangs or dies. */
  answers(instanceId: string): boolean {
    const guest = this.#processes.get(instanceId);
    return guest === undefined || !(guest.hung || guest.killed || isStopped(guest));
  }

  /** Whether the guest was killed, and its process is still there. */
  isDying(instanceId: string): boolean {
    return this.#processes.get(instanceId)?.killed === true;
  }

  /**
   * The storage stops answering: of each guest that runs one thread waits in the kernel, so that signals have
   * no effect until the storage answers again; SIGKILL ends the other threads at once. A guest that is
   * stopped already stays stopped: it asks nothing of the storage before it goes on.
   */
  hangStorage(): void {
    this.#storageHangs = true;
    for (const guest of this.#processes.values()) if (!isStopped(guest)) guest.hung = true;
  }

  /** Whether what the host asks of its storage is answered. */
  get storageAnswers(): boolean {
    return !this.#storageHangs;
  }

  /** The storage answers again: pending signals take effect. */
  unhangStorage(): void {
    this.#storageHangs = false;
    for (const guest of [...this.#processes.values()]) {
      guest.hung = false;
      if (guest.killed && this.leave(guest.instanceId))
        this.emit({ kind: "lost", instanceId: guest.instanceId });
    }
  }

  /** Lets the guest write to its disk on the shared storage; false when it cannot. */
  write(instanceId: string): boolean {
    const guest = this.#processes.get(instanceId);
    if (guest?.disk === undefined || guest.killed || isStopped(guest) || guest.status !== "running")
      return false;
    guest.disk.writes += 1;
    return true;
  }

  #greet(guest: FakeProcess): void {
    const text = `NOVACT-GUEST UP fake\nNOVACT-GUEST READY hostname=${guest.name} ip=none\n`;
    this.print(guest.instanceId, text);
  }

  /** The MACs of a guest's interfaces, by their places; undefined: it was told of none. */
  interfacesOf(instanceId: string): ReadonlyMap<number, string> | undefined {
    return this.#processes.get(instanceId)?.interfaces;
  }

  rewire(spec: MachineSpec): void {
    const guest = this.#processes.get(spec.instanceId);
    if (guest !== undefined) guest.interfaces = placesOf(spec);
  }

  unplugOthers(spec: MachineSpec): void {
    const guest = this.#processes.get(spec.instanceId);
    const wanted = placesOf(spec);
    const present = [...(guest?.interfaces ?? [])];
    const kept = present.filter(([place, mac]) => wanted?.get(place) === mac);
    if (guest !== undefined) guest.interfaces = new Map(kept);
  }

  toldTo(instanceId: string): GuestData | undefined {
    return this.#processes.get(instanceId)?.told;
  }

  find(instanceId: string): Guest | undefined {
    const guest = this.#processes.get(instanceId);
    return guest && isThere(guest) ? factsOf(guest) : undefined;
  }

  /** The same for the process as it really is, whatever its threads' states are taken for. */
  protected known(instanceId: string): Guest | undefined {
    const guest = this.#processes.get(instanceId);
    return guest && factsOf(guest);
  }

  list(): readonly Guest[] {
    return [...this.#processes.values()].filter(isThere).map(factsOf);
  }

  setStatus(instanceId: string, status: GuestStatus): void {
    const guest = this.#processes.get(instanceId);
    if (guest === undefined) return;
    guest.status = status;
    guest.isFull = false;
  }

  /** For the hypervisor alone; undefined: no process lives. */
  processOf(instanceId: string): FakeProcess | undefined {
    return this.#processes.get(instanceId);
  }

  reboot(instanceId: string): void {
    const guest = this.#processes.get(instanceId);
    if (guest === undefined) return;
    guest.status = "running";
    guest.resets += 1;
    this.#greet(guest);
  }

  /** Presses the power button: the guest obeys some time later, or never. */
  pressButton(instanceId: string): void {
    const { clock, shutdownLatencyMs } = this.#options;
    const { pid, resets } = this.#processes.get(instanceId) ?? {};
    if (shutdownLatencyMs === undefined) return;
    clock.after(shutdownLatencyMs, () => {
      const present = this.#processes.get(instanceId);
      if (present?.pid === pid && present?.resets === resets) this.guestDoes(instanceId, "shutdown");
    });
  }

  /** Kills the process on a driver's order; while its storage hangs it stays there. */
  end(instanceId: string): void {
    this.#sendKill(instanceId);
  }

  /** True when the process is gone at once. */
  #sendKill(instanceId: string): boolean {
    const guest = this.#processes.get(instanceId);
    if (guest === undefined) return false;
    guest.killed = true;
    return guest.hung ? false : this.leave(instanceId);
  }

  /** The last thread of the process has ended; false when there was none. */
  protected leave(instanceId: string): boolean {
    const guest = this.#processes.get(instanceId);
    guest?.disk?.openedBy.delete(guest.pid);
    guest?.volumes.clear();
    if (guest !== undefined) guest.lease?.holders.delete(guest);
    return this.#processes.delete(instanceId);
  }

  /** Kills the process, as SIGKILL does. `why`: what the host can tell of it. */
  kill(instanceId: string, why?: Loss): void {
    if (this.#sendKill(instanceId)) this.emit({ kind: "lost", instanceId, ...(why && { why }) });
  }

  /** The guest's process wants more memory than its bound, and is ended by the kernel. */
  exceedMemory(instanceId: string): void {
    const message = "The guest's process needed more memory than its bound and was ended by the kernel.";
    this.kill(instanceId, { reason: "memoryExceeded", message });
  }

  /** Cuts the computer's power: every process ends, disks and files stay, and nobody is told. */
  losePower(): void {
    for (const instanceId of [...this.#processes.keys()]) this.leave(instanceId);
    this.ports.applied = undefined;
    this.starts += 1;
  }

  /** Lets the guest act by itself. */
  guestDoes(instanceId: string, kind: OwnDeed): void {
    const guest = this.#processes.get(instanceId);
    if (guest === undefined || guest.killed) return;
    if (isStopped(guest)) {
      guest.pending.push(kind);
      return;
    }
    guest.status = kind === "resumed" || kind === "reset" ? "running" : kind;
    if (kind === "reset") this.#greet(guest);
    const why = kind === "paused" && guest.isFull ? { why: "diskFull" as const } : {};
    this.emit({ kind, instanceId, ...why } as GuestEvent);
  }

  print(instanceId: string, text: string): void {
    this.#consoles.set(instanceId, (this.#consoles.get(instanceId) ?? "") + text);
  }

  console(instanceId: string): string | undefined {
    return this.#consoles.get(instanceId);
  }

  forget(instanceId: string): void {
    this.disks.delete(instanceId);
    this.sharedEpochs.delete(instanceId);
    this.#consoles.delete(instanceId);
  }

  listen(listener: (event: GuestEvent) => void): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: (event: GuestEvent) => void): void {
    this.#listeners.delete(listener);
  }

  emit(event: GuestEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

export const diskInUse = (instanceId: string): string =>
  `The disk of instance ${instanceId} is in use by another process.`;
