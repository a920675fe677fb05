/**
 * The cgroup of one container, `novact.<hostId>/<name>` in every hierarchy that is needed: it bounds memory,
 * processes and processor time, freezes, and kills. It must never say that a container is gone while the
 * kernel shows a process of it.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Fault } from "./fault.ts";
import { isMissing } from "./guest-files.ts";
import { type Hierarchies, neededControllers } from "./hierarchies.ts";
import { containerLimits } from "./limits.ts";
import { until } from "./waiting.ts";

export interface CgroupBounds {
  readonly memoryBytes: number;
  readonly processes: number;
  readonly cpus: number;
}

const cpuPeriodMicros = 100_000;

export class Cgroup {
  readonly name: string;
  readonly #hierarchies: Hierarchies;
  readonly #parent: string;

  /** `parent`: of all containers of one host. */
  constructor(hierarchies: Hierarchies, parent: string, name: string) {
    this.#hierarchies = hierarchies;
    this.#parent = parent;
    this.name = name;
  }

  /** Names of the cgroups that this parent has. */
  static names({ unified }: Hierarchies, parent: string): readonly string[] {
    try {
      const entries = readdirSync(join(unified, parent), { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  get unified(): string {
    return join(this.#hierarchies.unified, this.#parent, this.name);
  }

  /** All directories that a process of the container has to be in. */
  get directories(): readonly string[] {
    const roots = Object.values(this.#hierarchies.controllers).map(({ root }) => root);
    const all = new Set([this.#hierarchies.unified, ...roots]);
    return [...all].map((root) => join(root, this.#parent, this.name));
  }

  #fileOf(controller: (typeof neededControllers)[number], name: Readonly<Record<1 | 2, string>>): string {
    const { root, version } = this.#hierarchies.controllers[controller];
    return join(root, this.#parent, this.name, name[version]);
  }

  /** Makes it with these bounds. Idempotent. @throws hypervisorRefused */
  make(bounds: CgroupBounds): void {
    try {
      this.#delegate();
      for (const directory of this.directories) mkdirSync(directory, { recursive: true });
      this.#bound(bounds);
    } catch (error) {
      const message = `The container's cgroup ${this.#parent}/${this.name} could not be made.`;
      throw new Fault("hypervisorRefused", message, error);
    }
  }

  /** Version 2 hands controllers down from parent to child. */
  #delegate(): void {
    const { unified, controllers } = this.#hierarchies;
    const own = neededControllers.filter((name) => controllers[name].version === 2);
    mkdirSync(join(unified, this.#parent), { recursive: true });
    for (const directory of own.length === 0 ? [] : [unified, join(unified, this.#parent)])
      writeFileSync(join(directory, "cgroup.subtree_control"), own.map((name) => `+${name}`).join(" "));
  }

  #bound({ memoryBytes, processes, cpus }: CgroupBounds): void {
    const quota = Math.max(1, cpus) * cpuPeriodMicros;
    const { version } = this.#hierarchies.controllers.cpu;
    writeFileSync(
      this.#fileOf("memory", { 1: "memory.limit_in_bytes", 2: "memory.max" }),
      String(memoryBytes),
    );
    this.#withoutSwap(memoryBytes);
    writeFileSync(this.#fileOf("pids", { 1: "pids.max", 2: "pids.max" }), String(processes));
    writeFileSync(
      this.#fileOf("cpu", { 1: "cpu.cfs_quota_us", 2: "cpu.max" }),
      version === 1 ? String(quota) : `${quota} ${cpuPeriodMicros}`,
    );
  }

  /** Swap is another form of memory. A kernel that accounts no swap has not this file. */
  #withoutSwap(memoryBytes: number): void {
    const { version } = this.#hierarchies.controllers.memory;
    try {
      writeFileSync(
        this.#fileOf("memory", { 1: "memory.memsw.limit_in_bytes", 2: "memory.swap.max" }),
        version === 1 ? String(memoryBytes) : "0",
        { flag: "r+" },
      );
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Whether a process is in it, by the kernel's own count. */
  isPopulated(): boolean {
    return this.#event("populated") === "1";
  }

  isFrozen(): boolean {
    return this.#event("frozen") === "1";
  }

  #event(name: string): string | undefined {
    return keyed(read(join(this.unified, "cgroup.events")), name);
  }

  /** Ids of its processes. */
  processes(): readonly number[] {
    const text = read(join(this.unified, "cgroup.procs")) ?? "";
    return text.split("\n").filter(Boolean).map(Number);
  }

  /** How often the kernel has ended a process in it because its memory was used up. */
  memoryKills(): number {
    const path = this.#fileOf("memory", { 1: "memory.oom_control", 2: "memory.events" });
    return Number(keyed(read(path), "oom_kill") ?? 0);
  }

  /** How often the bound on its processes has refused one. */
  processRefusals(): number {
    return Number(keyed(read(this.#fileOf("pids", { 1: "pids.events", 2: "pids.events" })), "max") ?? 0);
  }

  /** Resolves when the kernel says that all processes are frozen, or none. @throws hypervisorRefused */
  async freeze(frozen: boolean, signal?: AbortSignal): Promise<void> {
    writeFileSync(join(this.unified, "cgroup.freeze"), frozen ? "1" : "0");
    const done = await until(() => this.isFrozen() === frozen, containerLimits.answerMsMax, signal);
    if (done) return;
    const message = `The processes of ${this.name} do not ${frozen ? "stop" : "go on"}.`;
    throw new Fault("hypervisorRefused", message);
  }

  /** Kills every process; resolves when none is left. Idempotent. @throws guestFailed */
  async kill(): Promise<void> {
    if (read(join(this.unified, "cgroup.events")) === undefined) return;
    const gone = await until(() => {
      this.strike();
      return !this.isPopulated();
    }, containerLimits.killMsMax);
    if (!gone) throw new Fault("guestFailed", `The processes of ${this.name} could not be ended.`);
  }

  /** Kills the processes of this moment, without waiting. A removed cgroup has none. */
  strike(): void {
    try {
      writeFileSync(join(this.unified, "cgroup.kill"), "1");
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** Removes it, when it is empty. Idempotent. */
  async remove(): Promise<void> {
    for (const directory of this.directories)
      await until(() => removed(directory), containerLimits.answerMsMax);
  }
}

/** ENODEV: it was removed between the opening and the writing. */
const isGone = (error: unknown): boolean =>
  isMissing(error) || (error instanceof Error && "code" in error && error.code === "ENODEV");

function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    // An ended process counts for a moment longer.
    if (error instanceof Error && "code" in error && error.code === "EBUSY") return false;
    throw error;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // ENODEV: it was removed between the opening and the reading.
    if (isMissing(error) || code === "ENODEV") return undefined;
    throw error;
  }
}

function keyed(text: string | undefined, name: string): string | undefined {
  const line = text?.split("\n").find((one) => one.startsWith(`${name} `));
  return line?.slice(name.length + 1);
}

/** The instance and the owner epoch that a cgroup's name tells; undefined: it is none of a container. */
export function cgroupOwner(
  name: string,
): { readonly instanceId: string; readonly ownerEpoch: number } | undefined {
  const [, instanceId = "", epoch = ""] = /^([A-Za-z0-9_-]{1,64})\.([0-9]{1,15})$/.exec(basename(name)) ?? [];
  return instanceId === "" ? undefined : { instanceId, ownerEpoch: Number(epoch) };
}
