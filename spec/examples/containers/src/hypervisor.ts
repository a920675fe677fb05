/**
 * The hypervisor port on containers. Each container has a shim, which is a process that outlives the agent,
 * and a cgroup. Whatever the driver answers was read from the kernel and from the shim's record at that
 * moment; only the names of watched containers are remembered. This file must never adopt a shim of another
 * directory, start a second shim on a disk, nor say that a container is gone while the container's cgroup has
 * a process.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type Guest,
  type GuestEvent,
  type GuestPaths,
  type Hypervisor,
  type HypervisorCapabilities,
  type Log,
  type MachineSpec,
  StatusError,
} from "novact/plugin";
import { capabilitiesOf } from "./capabilities.ts";
import { Cgroup } from "./cgroup.ts";
import { firstProcess } from "./command-line.ts";
import { instanceIds } from "./consoles.ts";
import { guestDirectory, guestFiles } from "./guest-files.ts";
import { type ContainerHost, cgroupParent, cgroupsOf, hierarchies, runtimeDefault, told } from "./host.ts";
import { type LaunchOrder, launchShim } from "./launch.ts";
import { containerLimits } from "./limits.ts";
import { isAttached } from "./loop-devices.ts";
import { ociConfig } from "./oci-config.ts";
import type { HypervisorOptions } from "./options.ts";
import { livingRecord, type ShimRecord, startTicksOf } from "./shim-record.ts";
import { recordedUids } from "./uid-range.ts";
import { Turns, until } from "./waiting.ts";

const processesMaxDefault = 1_024;
const bytesPerMib = 1024 * 1024;
const statuses = {
  starting: "running",
  running: "running",
  ended: "shutdown",
  panicked: "panicked",
} as const;

export class ContainerHypervisor implements Hypervisor {
  readonly #host: ContainerHost;
  readonly #options: HypervisorOptions;
  readonly #log: Log;
  readonly #turns = new Turns();
  readonly #listeners: ((event: GuestEvent) => void)[] = [];
  /** State in which each watched container was last seen. */
  readonly #watched = new Map<string, ShimRecord["state"]>();
  #looks: NodeJS.Timeout | undefined;

  constructor(host: ContainerHost, options: HypervisorOptions, log: Log) {
    this.#host = host;
    this.#options = options;
    this.#log = log;
  }

  get #runtime(): string {
    return this.#options.runtime ?? runtimeDefault;
  }

  capabilities(): Promise<HypervisorCapabilities> {
    return capabilitiesOf(this.#runtime);
  }

  start(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest> {
    return this.#turn(spec.instanceId, async () => {
      signal.throwIfAborted();
      const living = this.#record(spec.instanceId);
      if (living !== undefined && living.ownerEpoch > spec.ownerEpoch) {
        const message = `A container of a newer epoch of instance ${spec.instanceId} runs on this host.`;
        throw new StatusError("staleEpoch", message);
      }
      const isSame = living?.ownerEpoch === spec.ownerEpoch && living.state === "running";
      if (isSame && living !== undefined) return this.#goOn(living, signal);
      await this.#end(spec.instanceId);
      return this.#boot(spec, paths, signal);
    });
  }

  #turn<T>(instanceId: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(instanceId, () => told(work));
  }

  async #goOn(record: ShimRecord, signal: AbortSignal): Promise<Guest> {
    await this.#cgroup(record).freeze(false, signal);
    this.#watch(record);
    return this.#guest(record);
  }

  async #boot(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest> {
    const order = await this.#prepare(spec, paths);
    const { directory } = paths;
    const pid = launchShim(directory);
    try {
      const started = await until(
        () => (this.#record(spec.instanceId)?.state ?? "starting") !== "starting" || !lives(pid),
        containerLimits.startMsMax,
        signal,
      );
      const record = this.#record(spec.instanceId);
      if (started && record !== undefined && record.boots > 0) {
        // One that has ended since then did run: its end is told as an event.
        const ran = { ...record, state: "running" } as const;
        this.#watch(ran);
        return this.#guest(ran);
      }
      throw startFailed(spec.instanceId, record?.message ?? shimSaid(directory));
    } catch (error) {
      if (lives(pid) && pid !== undefined) process.kill(pid, "SIGKILL");
      await until(() => !lives(pid), containerLimits.killMsMax);
      await this.#end(order.instanceId);
      throw error;
    }
  }

  /** Writes what the shim and the runtime read. @throws hypervisorRefused */
  async #prepare(spec: MachineSpec, paths: GuestPaths): Promise<LaunchOrder> {
    const { directory } = paths;
    const uidFirst = await recordedUids(directory);
    refuseForeign(spec, paths);
    if (uidFirst === undefined) throw refused(spec.instanceId, "its disk has no user ids");
    const first = firstProcess(spec.image.commandLine);
    const processesMax = this.#options.processesMax ?? processesMaxDefault;
    const order: LaunchOrder = {
      instanceId: spec.instanceId,
      ownerEpoch: spec.ownerEpoch,
      runtime: this.#runtime,
      cgroup: { parent: cgroupParent(this.#host), name: `${spec.instanceId}.${spec.ownerEpoch}` },
      memoryMib: spec.memoryMib,
      processesMax,
      powerSignal: first.powerSignal,
    };
    const plan = {
      root: join(directory, guestFiles.root),
      ...{ uidFirst, capabilities: this.#options.capabilities ?? "none", openFilesMax: openFilesMax() },
    };
    mkdirSync(join(directory, guestFiles.bundle), { recursive: true, mode: 0o711 });
    mkdirSync(plan.root, { recursive: true, mode: 0o711 });
    mkdirSync(join(directory, guestFiles.pipes), { recursive: true, mode: 0o700 });
    rmSync(join(directory, guestFiles.shim), { force: true });
    write(join(directory, guestFiles.config), ociConfig(spec, first, plan));
    write(join(directory, guestFiles.launch), order);
    this.#cgroup(order).make({
      memoryBytes: spec.memoryMib * bytesPerMib,
      ...{ processes: processesMax, cpus: spec.vcpus },
    });
    return order;
  }

  async list(): Promise<readonly Guest[]> {
    const all = await instanceIds(this.#host.containers);
    const found = await Promise.all(all.map((instanceId) => this.#adopt(instanceId)));
    return found.filter((guest) => guest !== undefined);
  }

  /** What a shim has left behind that died while no agent lived is ended. */
  #adopt(instanceId: string): Promise<Guest | undefined> {
    return this.#turn(instanceId, async () => {
      const record = this.#record(instanceId);
      if (record === undefined) {
        await this.#end(instanceId);
        return undefined;
      }
      this.#watch(record);
      return this.#guest(record);
    });
  }

  async inspect(instanceId: string): Promise<Guest | undefined> {
    const record = this.#record(instanceId);
    return record === undefined ? undefined : this.#guest(record);
  }

  async pause(instanceId: string, signal: AbortSignal): Promise<void> {
    await told(() => this.#cgroup(this.#running(instanceId, "paused")).freeze(true, signal));
  }

  async resume(instanceId: string, signal: AbortSignal): Promise<void> {
    await told(() => this.#cgroup(this.#running(instanceId, "resumed")).freeze(false, signal));
  }

  async pressPowerButton(instanceId: string, signal: AbortSignal): Promise<void> {
    const { pid, presses } = this.#living(instanceId);
    process.kill(pid, "SIGUSR2");
    await this.#answered(instanceId, (record) => record.presses > presses, signal);
  }

  async reset(instanceId: string, signal: AbortSignal): Promise<void> {
    const { pid, boots } = this.#living(instanceId);
    this.#watched.set(instanceId, "starting");
    process.kill(pid, "SIGUSR1");
    const isAgain = (record: ShimRecord) => record.boots > boots && record.state === "running";
    await this.#answered(instanceId, isAgain, signal);
  }

  async #answered(
    instanceId: string,
    isAnswer: (record: ShimRecord) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const answered = await until(
      () => isAnswer(this.#living(instanceId)),
      containerLimits.answerMsMax,
      signal,
    );
    if (!answered) throw refused(instanceId, "its shim does not answer");
  }

  halt(instanceId: string, signal: AbortSignal): Promise<void> {
    return this.#turn(instanceId, async () => {
      signal.throwIfAborted();
      await this.#end(instanceId);
    });
  }

  /** Ends the shim first: a shim starts containers. @throws guestFailed while a process is left */
  async #end(instanceId: string): Promise<void> {
    this.#watched.delete(instanceId);
    const directory = guestDirectory(this.#host.containers, instanceId);
    const record = livingRecord(directory);
    if (record !== undefined) process.kill(record.pid, "SIGKILL");
    for (const cgroup of cgroupsOf(this.#host, instanceId)) {
      await cgroup.kill();
      await cgroup.remove();
    }
    const disk = join(directory, guestFiles.disk);
    const isGone = () => livingRecord(directory) === undefined && !isAttached(disk);
    if (await until(isGone, containerLimits.killMsMax)) return;
    throw new StatusError("guestFailed", `The container of instance ${instanceId} could not be ended.`);
  }

  onEvent(listener: (event: GuestEvent) => void): void {
    this.#listeners.push(listener);
  }

  async detach(): Promise<void> {
    clearInterval(this.#looks);
    this.#looks = undefined;
    this.#listeners.length = 0;
    this.#watched.clear();
  }

  #watch({ instanceId, state }: ShimRecord): void {
    this.#watched.set(instanceId, state);
    this.#looks ??= setInterval(() => this.#look(), containerLimits.lookPeriodMs);
  }

  #look(): void {
    for (const [instanceId, before] of this.#watched) {
      const record = this.#record(instanceId);
      if (this.#turns.isBusy(instanceId)) continue;
      if (record === undefined) void this.#lose(instanceId);
      else if (record.state !== before) {
        this.#watched.set(instanceId, record.state);
        if (record.state === "ended") this.#tell({ kind: "shutdown", instanceId });
        if (record.state === "panicked" || record.state === "failed")
          this.#tell({ kind: "panicked", instanceId });
      }
    }
  }

  /** Without its shim a container is ended before it is said to be lost. */
  #lose(instanceId: string): Promise<void> {
    return this.#turn(instanceId, async () => {
      if (!this.#watched.has(instanceId) || this.#record(instanceId) !== undefined) return;
      try {
        await this.#end(instanceId);
        this.#tell({ kind: "lost", instanceId });
      } catch (error) {
        this.#log.error({ err: error, instanceId }, "what is left of a container could not be ended");
        this.#watched.set(instanceId, "running");
      }
    });
  }

  #tell(event: GuestEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #record(instanceId: string): ShimRecord | undefined {
    const record = livingRecord(guestDirectory(this.#host.containers, instanceId));
    return record?.instanceId === instanceId ? record : undefined;
  }

  /** @throws guestFailed */
  #living(instanceId: string): ShimRecord {
    const record = this.#record(instanceId);
    if (record !== undefined) return record;
    throw new StatusError("guestFailed", `Instance ${instanceId} has no running container.`);
  }

  /** @throws guestFailed, hypervisorRefused */
  #running(instanceId: string, what: string): ShimRecord {
    const record = this.#living(instanceId);
    if (record.state === "running") return record;
    throw refused(instanceId, `it has ended by itself and cannot be ${what}`);
  }

  #cgroup(of: Pick<ShimRecord, "instanceId" | "ownerEpoch">): Cgroup {
    return new Cgroup(hierarchies(), cgroupParent(this.#host), `${of.instanceId}.${of.ownerEpoch}`);
  }

  #guest(record: ShimRecord): Guest {
    const { instanceId, ownerEpoch, pid, startedAtMs, state } = record;
    const isPaused = state === "running" && this.#cgroup(record).isFrozen();
    const status = isPaused ? "paused" : state === "failed" ? "panicked" : statuses[state];
    return { instanceId, ownerEpoch, pid, status, startedAtMs };
  }
}

function openFilesMax(): number {
  const [, own = ""] = /^Max open files +\S+ +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return Math.min(containerLimits.openFilesMax, own === "unlimited" ? Number.POSITIVE_INFINITY : Number(own));
}

/** A shim that was not started has no process. */
const lives = (pid: number | undefined): boolean => pid !== undefined && startTicksOf(pid) !== undefined;

function write(path: string, content: object): void {
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
}

function shimSaid(directory: string): string {
  const lines = readFileSync(join(directory, guestFiles.shimLog), "utf8").trim().split("\n");
  return (lines.at(-1) ?? "").slice(0, 500);
}

/** @throws hypervisorRefused */
function refuseForeign({ instanceId, fence, numa }: MachineSpec, { disk }: GuestPaths): void {
  if (disk === undefined) throw refused(instanceId, "its image has no root file system");
  if (basename(disk) !== guestFiles.disk)
    throw refused(instanceId, "its disk is of another driver: containers need the disks `container-roots`");
  if (numa !== null) throw refused(instanceId, "containers are given no CPUs or huge pages of their own");
  if (fence)
    throw refused(instanceId, "another host may take it over, and nothing here would stop it in time");
}

const refused = (instanceId: string, why: string): StatusError =>
  new StatusError("hypervisorRefused", `Instance ${instanceId} runs as no container: ${why}.`);

/** What the runtime says is not for users: it names paths of the host. */
const startFailed = (instanceId: string, detail: string): StatusError =>
  new StatusError("guestFailed", `The container of instance ${instanceId} did not start.`, { detail });
