/**
 * Two real hosts on shared storage, with guests that write to their disks all the time: what the guard's live
 * specs need. All their processes end with the spec.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { isFrozen } from "../../nodes/drivers/cgroup/membership.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import { conditionOfTasks } from "../../nodes/drivers/process-tasks.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { machineSpec, temporaryDirectory } from "./driver-world.ts";
import type { GuardBench, GuestCondition, HangingBench } from "./guard-contract.ts";
import { HangingStorage } from "./hanging-storage.ts";
import type { TestGuest } from "./live-guest.ts";
import { qemuHost } from "./qemu-host.ts";

const never = new AbortController().signal;
export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Typed into the guest's shell: writes a block to its disk again and again. */
const loop =
  "i=0; echo WRIT''ING; while true; do i=$((i+1)); " +
  "dd if=/dev/urandom of=/dev/vda bs=4k seek=$((i%500)) count=1 conv=fsync 2>/dev/null; usleep 50000; done\n";

interface StartOptions {
  readonly fence: boolean;
  readonly before?: (instanceId: string, directory: string) => Promise<void>;
}

interface Place {
  readonly path: string;
  readonly remove: () => Promise<void>;
  readonly hanging?: HangingStorage;
}

type MakeSpec = (ownerEpoch: number, fence: boolean) => MachineSpec;

interface Started {
  readonly spec: MachineSpec;
  readonly pid: number;
  readonly disk: FileHandle;
}

export class GuardedHosts implements GuardBench {
  readonly path: string;
  readonly one: Drivers;
  readonly other: Drivers;
  readonly #remove: () => Promise<void>;
  readonly #makeSpec: MakeSpec;
  readonly #started = new Map<string, Started>();
  readonly #hanging: HangingStorage | undefined;

  private constructor(place: Place, makeSpec: MakeSpec) {
    this.path = place.path;
    this.#remove = place.remove;
    this.#hanging = place.hanging;
    this.#makeSpec = makeSpec;
    this.one = this.#drivers("one");
    this.other = this.#drivers("other");
  }

  static async make(guest: TestGuest): Promise<GuardedHosts> {
    return GuardedHosts.#at(await temporaryDirectory(), guest);
  }

  /** The same on storage that can be made to hang. */
  static async makeOnHangingStorage(guest: TestGuest): Promise<GuardedHosts & HangingBench> {
    const place = await temporaryDirectory();
    mkdirSync(join(place.path, "fuse"), { mode: 0o755 });
    const hanging = await HangingStorage.mount(join(place.path, "fuse"));
    const hosts = await GuardedHosts.#at({ ...place, hanging }, guest);
    return Object.assign(hosts, { hang: hanging.hang, answer: hanging.answer });
  }

  static async #at(place: Place, guest: TestGuest): Promise<GuardedHosts> {
    const { path } = place;
    const store = new ImageStore({ directory: join(path, "store"), sources: [guest.directory] });
    const kernel = await store.registerFile({ path: guest.kernel });
    const ramdisk = await store.registerFile({ path: guest.ramdisk });
    const disk = await store.registerFile({ path: guest.disk, format: "qcow2" });
    const { virtualSizeBytes = 0 } = disk;
    const root = { ...disk, format: "qcow2", virtualSizeBytes } as const;
    const image = { id: "tiny", disk: root, kernel, ramdisk, commandLine: guest.commandLine };
    return new GuardedHosts(place, (ownerEpoch, fence) => machineSpec({ ownerEpoch, fence, image }));
  }

  #drivers(name: string): Drivers {
    return qemuHost({
      stateDirectory: join(this.path, name),
      imageStore: join(this.path, "store"),
      sharedDirectory: this.#hanging?.directory ?? join(this.path, "shared"),
    });
  }

  /** New drivers of the first host, as its restarted agent would have them. */
  nextLife(): Drivers {
    return this.#drivers("one");
  }

  open = () => this.one.guard();
  nowMs = () => systemClock.monotonicMs();
  pass = sleep;

  /** `before` is called when the guest's directory is there, and its process is not. */
  async startGuest({ fence, before }: StartOptions): Promise<string> {
    const spec = this.#makeSpec(1, fence);
    const paths = await this.one.disks.ensure(spec, never);
    await before?.(spec.instanceId, paths.directory);
    // A guest that the guard stops while it starts does not answer: do not wait for the start.
    const starting = this.one.hypervisor.start(spec, paths, never).catch((error: unknown) => error);
    const pid = await this.#pidOf(spec.instanceId);
    const disk = await open(this.#behind(paths.disk ?? ""), "r");
    this.#started.set(spec.instanceId, { spec, pid, disk });
    while ((await this.conditionOf(spec.instanceId)) === "running") {
      if ((await this.consoleOf(spec.instanceId)).includes("READY")) break;
      await sleep(30);
    }
    if ((await this.conditionOf(spec.instanceId)) === "running") {
      await starting;
      await this.#beginToWrite(spec.instanceId, paths.directory);
    }
    return spec.instanceId;
  }

  /** The path by which a file can be looked at while its storage hangs. */
  #behind(path: string): string {
    const { directory, behind } = this.#hanging ?? {};
    return directory === undefined || behind === undefined ? path : path.replace(directory, behind);
  }

  async #pidOf(instanceId: string): Promise<number> {
    for (;;) {
      const { processes } = await this.one.audit();
      const found = processes.find((one) => one.instanceId === instanceId);
      if (found !== undefined) return found.pid;
      await sleep(10);
    }
  }

  async #beginToWrite(instanceId: string, directory: string): Promise<void> {
    const keyboard = connect(join(directory, "run", "console"));
    keyboard.on("error", () => undefined);
    while (!(await this.consoleOf(instanceId)).includes("WRITING")) {
      keyboard.write(`\n${loop}`);
      for (let round = 0; round < 20; round += 1) {
        if ((await this.consoleOf(instanceId)).includes("WRITING")) break;
        await sleep(50);
      }
    }
    keyboard.destroy();
  }

  async consoleOf(instanceId: string): Promise<string> {
    return (await this.one.consoles.read(instanceId, {}))?.text ?? "";
  }

  pidOf(instanceId: string): number {
    return this.#started.get(instanceId)?.pid ?? Number.NaN;
  }

  async conditionOf(instanceId: string): Promise<GuestCondition> {
    return conditionOfProcess(this.pidOf(instanceId));
  }

  async isWritten(instanceId: string): Promise<boolean> {
    const { disk } = this.#started.get(instanceId) ?? {};
    const before = await disk?.stat();
    await sleep(700);
    const after = await disk?.stat();
    return before?.mtimeMs !== after?.mtimeMs;
  }

  #taking(instanceId: string): MachineSpec {
    const { spec } = this.#started.get(instanceId) ?? {};
    if (spec === undefined) throw new Error("There is no such guest.");
    return { ...spec, ownerEpoch: 2, takesOverDisk: true };
  }

  async takeOver(instanceId: string): Promise<void> {
    await this.other.disks.ensure(this.#taking(instanceId), never);
  }

  async canOpenDisk(instanceId: string): Promise<boolean> {
    const spec = this.#taking(instanceId);
    const paths = await this.other.disks.ensure(spec, never);
    return (await this.other.hypervisor.start(spec, paths, never)).status === "running";
  }

  async endGuest(instanceId: string): Promise<void> {
    await this.one.hypervisor.halt(instanceId, never);
  }

  get guardPid(): number {
    const line = readFileSync(join(this.path, "one/guard/log"), "utf8")
      .match(/as process ([0-9]+)/g)
      ?.at(-1);
    return Number(line?.split(" ").at(-1));
  }

  async killGuard(): Promise<void> {
    process.kill(this.guardPid, "SIGKILL");
  }

  async close(): Promise<void> {
    await this.#hanging?.answer();
    for (const drivers of [this.one, this.other]) {
      const { processes } = await drivers.audit();
      for (const { pid } of processes) process.kill(pid, "SIGKILL");
      while (await isOccupied(drivers)) await sleep(10);
      await drivers.hypervisor.detach();
    }
    for (const { disk } of this.#started.values()) await disk.close();
    await (await this.open()).end();
    await this.#hanging?.close();
    await this.#remove();
  }
}

/** A process of a guest is left, or the cgroup of one that has ended: the guard counts both. */
async function isOccupied(drivers: Drivers): Promise<boolean> {
  const { holdings } = await drivers.audit();
  return holdings.some(({ kind }) => kind === "process" || kind === "cgroup");
}

/** The condition of a process, as the kernel has it now: stopped by a signal, or frozen with its cgroup. */
export function conditionOfProcess(pid: number): GuestCondition {
  const condition = conditionOfTasks(pid);
  return condition === "running" && isFrozen(pid) ? "stopped" : condition;
}
