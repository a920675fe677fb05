/**
 * Keeps the threads of all guests of a host on their CPUs: a guest with CPUs of its own runs only there, and
 * all other guests only on the rest. Affinity is the kernel's, set by taskset; the pins of guests are read
 * from the kernel each time, so nothing here is stale after a restart of the agent. While no guest has pins,
 * no guest is touched.
 */
import { readdir, readFile } from "node:fs/promises";
import type { NumaPlacement } from "../../../protocol/numa.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { cpusOfList, type HostNumaNode } from "../computer-facts.ts";
import { isAlive, type ProcessIdentity } from "../process-table.ts";
import { runTool } from "../tool.ts";
import type { GuestProcess } from "./guest-process.ts";
import { qemuLimits } from "./limits.ts";
import { choosePins, cpuPlan, type Pins } from "./pins.ts";

/** The part of a guest that matters here. */
export interface PooledGuest {
  readonly process: ProcessIdentity & Pick<GuestProcess, "pins">;
  vcpuThreads(): Promise<readonly number[]>;
}

export interface CpuPoolsOptions {
  readonly nodes: () => Promise<readonly HostNumaNode[]>;
  /** All guests that live, or may live. */
  readonly guests: () => readonly PooledGuest[];
  readonly log: Log;
}

export class CpuPools {
  readonly #options: CpuPoolsOptions;
  #nodes: readonly HostNumaNode[] = [];
  #arranging: Promise<void> = Promise.resolve();
  /** True: some guest may be kept from CPUs that are free by now. */
  #narrowed = true;
  /** The vCPU threads of guests with pins. QEMU is asked once, because it may hang later. */
  readonly #vcpuThreads = new WeakMap<PooledGuest, readonly number[]>();

  constructor(options: CpuPoolsOptions) {
    this.#options = options;
  }

  /** Reads the host's NUMA nodes. Call it before the first choice. */
  async open(): Promise<void> {
    if (this.#nodes.length === 0) this.#nodes = await this.#options.nodes();
  }

  /**
   * Chooses the CPUs of a new guest, synchronously, so that no two starts choose the same ones: the caller
   * has to add the guest to the guests before it awaits anything. @throws INTERNAL hypervisorRefused
   */
  choose(placement: NumaPlacement | null): Pins | undefined {
    return placement === null ? undefined : choosePins(placement, this.#nodes, this.#taken());
  }

  #taken(): ReadonlySet<number> {
    return new Set(this.#options.guests().flatMap(({ process }) => process.pins?.own ?? []));
  }

  /**
   * Brings every living guest to its CPUs, one guest after the other; resolves when all are there. Concurrent
   * calls run one after the other. `beginning`: a guest whose CPUs do not run yet, and must not before it is
   * there. @throws Error when a guest cannot be brought to its CPUs
   */
  arrange(beginning?: PooledGuest): Promise<void> {
    this.#arranging = this.#arranging.catch(() => undefined).then(() => this.#arrange(beginning));
    return this.#arranging;
  }

  /** As `arrange`, for a caller that cannot wait; failures go to the log. */
  arrangeSoon(): void {
    this.arrange().catch((error: unknown) =>
      this.#options.log.warn({ error: String(error) }, "guests could not be brought to their CPUs"),
    );
  }

  async #arrange(beginning: PooledGuest | undefined): Promise<void> {
    const guests = this.#options.guests();
    const pinned = guests.some(({ process }) => process.pins !== undefined);
    if (!pinned && !this.#narrowed) return;
    await this.open();
    if (this.#nodes.length === 0) return;
    this.#narrowed = pinned;
    const taken = this.#taken();
    for (const guest of guests) {
      try {
        await this.#bring(guest, taken, guest === beginning);
      } catch (error) {
        // A starting guest that shares CPUs may start nevertheless; one with CPUs of its own must have them
        // to itself.
        if (guest === beginning || beginning?.process.pins?.own !== undefined) throw error;
        this.#options.log.warn(
          { pid: guest.process.pid, error: String(error) },
          "a guest is not on its CPUs",
        );
      }
    }
  }

  async #bring(guest: PooledGuest, taken: ReadonlySet<number>, begins: boolean): Promise<void> {
    const { pid, pins } = guest.process;
    try {
      const vcpuThreads = pins === undefined ? [] : await this.#threadsOf(guest, begins);
      if (vcpuThreads === undefined) return;
      const plan = cpuPlan(pins, vcpuThreads.length, this.#nodes, taken);
      const wanted = new Map(vcpuThreads.map((thread, index) => [thread, plan.vcpus[index] ?? plan.process]));
      await bringThreads(pid, (thread) => wanted.get(thread) ?? plan.process);
    } catch (error) {
      // A process that has ended, or is ending, is on no CPU.
      if (await isAlive(guest.process)) throw error;
    }
  }

  /**
   * The guest's vCPU threads; undefined when QEMU does not answer: the guest either starts as well, and is
   * brought to its CPUs before they run, or it hangs, and was brought there at its start. @throws QmpSilence,
   * QmpRefusal for the starting guest
   */
  async #threadsOf(guest: PooledGuest, begins: boolean): Promise<readonly number[] | undefined> {
    const known = this.#vcpuThreads.get(guest);
    if (known !== undefined) return known;
    try {
      const threads = await guest.vcpuThreads();
      this.#vcpuThreads.set(guest, threads);
      return threads;
    } catch (error) {
      if (begins) throw error;
      return undefined;
    }
  }
}

/**
 * Moves the threads of a process to their CPUs. A thread that is started meanwhile begins on its parent's
 * CPUs, so the threads are looked at again until all are where they belong. A thread on fewer CPUs is fine:
 * the kernel may keep a guest from some.
 */
async function bringThreads(pid: number, cpusOf: (thread: number) => readonly number[]): Promise<void> {
  for (let round = 1; ; round += 1) {
    const astray = await threadsAstray(pid, cpusOf);
    const outside = astray.filter(({ isOutside }) => isOutside);
    if (astray.length === 0 || (round > 1 && outside.length === 0)) return;
    if (round > qemuLimits.affinityRoundsMax)
      throw new Error(`Threads of process ${pid} do not stay on their CPUs.`);
    for (const { thread } of astray) await setAffinity(thread, cpusOf(thread));
  }
}

async function threadsAstray(pid: number, cpusOf: (thread: number) => readonly number[]) {
  const threads = (await readdir(`/proc/${pid}/task`)).map(Number);
  const found = await Promise.all(
    threads.map(async (thread) => {
      const has = await affinityOf(pid, thread);
      if (has === undefined) return [];
      const wanted = new Set(cpusOf(thread));
      const isOutside = has.some((cpu) => !wanted.has(cpu));
      return isOutside || has.length < wanted.size ? [{ thread, isOutside }] : [];
    }),
  );
  return found.flat();
}

/** The CPUs that a thread may use; undefined: the thread has ended. */
async function affinityOf(pid: number, thread: number): Promise<readonly number[] | undefined> {
  const status = await readFile(`/proc/${pid}/task/${thread}/status`, "utf8").catch(() => undefined);
  const [, list] = /^Cpus_allowed_list:\s*(\S+)/m.exec(status ?? "") ?? [];
  return list === undefined ? undefined : cpusOfList(list);
}

async function setAffinity(thread: number, cpus: readonly number[]): Promise<void> {
  const argv = ["--pid", "--cpu-list", cpus.join(","), String(thread)];
  const { exitCode, errors } = await runTool("taskset", argv, { timeoutMs: qemuLimits.affinityTimeoutMs });
  // A thread that has ended meanwhile is noticed at the next look.
  if (exitCode !== 0 && !/No such process/.test(errors)) throw new Error(`taskset: ${errors.trim()}`);
}
