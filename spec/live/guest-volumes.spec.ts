/**
 * Volumes of real guests: they come and go while they are written, are taken from guests that give nothing
 * back, and are what was wanted after the agent was killed anywhere. Needs QEMU and the tiny guest that the
 * set-up builds; root for the full disk alone. NOVACT_VOLUMES=full: more rounds, the whole patience, figures.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { DetachOptions, GuestVolume, Hypervisor } from "../../actors/ports/hypervisor.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import { AskedStorage, beginThread } from "../../nodes/drivers/volumes/asked.ts";
import { FileVolumes } from "../../nodes/drivers/volumes/storage.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { firstShape } from "../../protocol/shape.ts";
import { until as askedUntil } from "../support/asking.ts";
import { machineSpec, type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { guestOfSetup, missingForGuests, type TestGuest } from "../support/live-guest.ts";
import type { PluggingAgent } from "../support/plugging-agent.ts";
import { qemuHost } from "../support/qemu-host.ts";
import { skip } from "../support/services.ts";
import { mountSmall } from "../support/small-file-system.ts";
import { volumeMarks, writingGuest } from "../support/writing-guest.ts";

const never = new AbortController().signal;
const mib = 1024 ** 2;
const full = process.env.NOVACT_VOLUMES === "full";
const program = join(import.meta.dirname, "../support/plugging-agent.ts");

describe("volumes of running guests", function () {
  this.timeout(120_000);
  let directory: TemporaryDirectory;
  let guest: TestGuest;
  let imageStore: string;
  let makeSpec: () => Promise<MachineSpec>;
  let storage: FileVolumes;
  let drivers: Drivers;
  const figures: string[] = [];

  const state = () => join(directory.path, "state");
  const open = () => qemuHost({ imageStore, stateDirectory: state() });
  before(async function () {
    const [missing, found] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || found === undefined) return skip(this, missing ?? "no guest was built");
    guest = found;
    directory = await temporaryDirectory();
    imageStore = join(directory.path, "store");
    const store = new ImageStore({ directory: imageStore, sources: [guest.directory] });
    const kernel = await store.registerFile({ path: guest.kernel });
    const ramdisk = await store.registerFile({ path: guest.ramdisk });
    const image = { id: "tiny", disk: null, kernel, ramdisk, commandLine: guest.commandLine };
    storage = volumesIn(join(directory.path, "storage"));
    drivers = open();
    makeSpec = async () => {
      const shape = firstShape((await drivers.hypervisor.capabilities()).shapes);
      if (shape === null) throw new Error("QEMU offers no shapes.");
      return machineSpec({ image, shape, guest: writingGuest });
    };
  });
  afterEach(async () => {
    await Promise.all(agents.splice(0).map(killed));
    if (drivers === undefined) return;
    // A case may end while its drivers are detached, which adopt no guest any more.
    await drivers.hypervisor.detach();
    drivers = open();
    for (const { instanceId } of await drivers.hypervisor.list())
      await drivers.hypervisor.halt(instanceId, never);
  });
  after(async () => {
    await drivers?.hypervisor.detach();
    await directory?.remove();
    if (full) for (const line of figures) console.log(`      ${line}`);
  });

  const volumesIn = (path: string) => {
    mkdirSync(path, { recursive: true, mode: 0o711 });
    const data = { directory: path, overcommit: 100, shared: false, newId: "s" };
    return new FileVolumes({
      ...{ hostId: "host", clock: systemClock },
      storage: new AskedStorage(systemClock, () => beginThread(data)),
    });
  };

  /** `first`: what its serial number begins with. */
  const volumeFor = async (
    { instanceId }: MachineSpec,
    { place = 0, first = "0", sizeBytes = 16 * mib, on = storage } = {},
  ): Promise<GuestVolume> => {
    const [volumeId, epoch] = [first + randomUUID().slice(first.length), 1];
    await on.create(volumeId, { epoch, sizeBytes }, never);
    const use = { instanceId, ownerEpoch: 1, epoch, takesOver: false, mode: "readWrite" } as const;
    return { volumeId, epoch, place, device: await on.open(volumeId, use, never) };
  };
  const consoleOf = async ({ instanceId }: MachineSpec): Promise<string> =>
    (await drivers.consoles.read(instanceId, { tailLines: 2_000 }))?.text ?? "";
  /** 75 s at most: less than a case may take. */
  const until = async (met: () => Promise<boolean>) => askedUntil(met, (isMet) => isMet, 3_000);
  const times = (text: string, part: string): number => text.split(part).length - 1;
  /** The guest says once more that it has the volume, by its serial number. */
  const has = async (spec: MachineSpec, { volumeId }: GuestVolume, before: number) =>
    until(async () => times(await consoleOf(spec), `HAS ${volumeId.slice(0, 20)}`) > before);
  const startGuest = async (volumes: readonly GuestVolume[] = [], given?: MachineSpec) => {
    const spec = given ?? (await makeSpec());
    const { hypervisor, disks } = drivers;
    await hypervisor.start(spec, { ...(await disks.ensure(spec, never)), volumes }, never);
    return spec;
  };
  const detach = async (
    hypervisor: Hypervisor,
    spec: MachineSpec,
    { what, volume, ...options }: DetachOptions & { readonly what: string; readonly volume: GuestVolume },
  ) => {
    const beganMs = performance.now();
    await hypervisor.detachVolume?.(spec, volume, options, never);
    figures.push(`${what}: ${Math.round(performance.now() - beganMs)} ms`);
  };
  const volumesOf = (spec: MachineSpec) => drivers.hypervisor.volumesOf?.(spec.instanceId, never);
  /** Nobody has the file open any more: QEMU's own tool gets the lock, and writes. */
  const isFree = ({ device }: GuestVolume): boolean => {
    try {
      execFileSync("qemu-io", ["-f", "raw", "-c", "write 0 512", device.path], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };

  it("are seen by their serial numbers, written, and given back while they are written", async () => {
    const spec = await makeSpec();
    const [cold, hot] = [await volumeFor(spec, { place: 3 }), await volumeFor(spec, { place: 25 })];
    await startGuest([cold], spec);
    await has(spec, cold, 0);
    for (let round = 0; round < (full ? 50 : 10); round += 1) {
      const before = times(await consoleOf(spec), `HAS ${hot.volumeId.slice(0, 20)}`);
      await drivers.hypervisor.attachVolume?.(spec, hot, never);
      expect(isFree(hot)).to.equal(false);
      await has(spec, hot, before);
      await detach(drivers.hypervisor, spec, { what: "detached while written", volume: hot });
      expect(isFree(hot), `round ${round}`).to.equal(true);
    }
    expect((await volumesOf(spec))?.map(({ place, state: how }) => [place, how])).to.deep.equal([
      [3, "attached"],
    ]);
    expect(readFileSync(cold.device.path).subarray(0, 40).toString()).to.contain("NOVACT-GUEST WRITES 0");
    await storage.extend(cold.volumeId, { epoch: 1, sizeBytes: 32 * mib }, never);
    await drivers.hypervisor.resizeVolume?.(spec, cold, 32 * mib, never);
    const smaller = drivers.hypervisor.resizeVolume?.(spec, cold, 16 * mib, never);
    expect(await smaller?.catch((error: { reason?: string }) => error.reason)).to.equal("hypervisorRefused");
    await detach(drivers.hypervisor, spec, { what: "a cold one", volume: cold });
    expect([await volumesOf(spec), isFree(cold)]).to.deep.equal([[], true]);
  });

  it("are taken from a guest that has not run an instruction", async () => {
    const spec = await makeSpec();
    const volume = await volumeFor(spec);
    await run({ act: "start", stateDirectory: state(), imageStore, spec, volume });
    await drivers.hypervisor.detach();
    drivers = open();
    await drivers.hypervisor.list();
    expect(isFree(volume)).to.equal(false);
    await detach(drivers.hypervisor, spec, { what: "prelaunch", volume });
    expect(isFree(volume)).to.equal(true);
  });

  it("are taken from a guest that is paused, and it runs on", async () => {
    const spec = await makeSpec();
    const volume = await volumeFor(spec);
    await startGuest([volume], spec);
    await has(spec, volume, 0);
    await drivers.hypervisor.pause(spec.instanceId, never);
    await detach(drivers.hypervisor, spec, { what: "paused", volume, waitedMs: full ? 0 : 29_000 });
    expect(isFree(volume)).to.equal(true);
    await drivers.hypervisor.resume(spec.instanceId, never);
    // It was asked for, and the guest that runs again gives the dead device back.
    await until(async () => (await volumesOf(spec))?.[0]?.state !== "dead");
    await drivers.hypervisor.attachVolume?.(spec, volume, never);
    await has(spec, volume, 1);
  });

  it("are taken from a guest that has panicked", async () => {
    const spec = await startGuest();
    const volume = await volumeFor(spec, { first: volumeMarks.crash });
    await drivers.hypervisor.attachVolume?.(spec, volume, never);
    await until(async () => (await drivers.hypervisor.inspect(spec.instanceId))?.status === "panicked");
    await detach(drivers.hypervisor, spec, { what: "panicked", volume });
    expect(isFree(volume)).to.equal(true);
  });

  it("are taken from a guest that waits for a full disk, which says so and goes on when there is room", async function () {
    const small = mountSmall(this, 64);
    try {
      const spec = await startGuest();
      const on = volumesIn(join(small.path, "storage"));
      const volume = await volumeFor(spec, { first: volumeMarks.fill, sizeBytes: 256 * mib, on });
      const { hypervisor } = drivers;
      const heard: unknown[] = [];
      hypervisor.onEvent((event) => heard.push(event));
      await hypervisor.attachVolume?.(spec, volume, never);
      const pausedBy = async () => (await hypervisor.inspect(spec.instanceId))?.pausedBy;
      await until(async () => (await pausedBy()) === "diskFull");
      expect(heard).to.deep.include({ kind: "paused", instanceId: spec.instanceId, why: "diskFull" });
      expect(await hypervisor.continueFull?.(spec.instanceId, never)).to.equal(true);
      await until(async () => (await pausedBy()) === "diskFull");
      expect(await hypervisor.continueFull?.(spec.instanceId, never), "at once again").to.equal(false);
      await hypervisor.detach();
      drivers = open();
      const next = drivers.hypervisor;
      await next.list();
      expect((await next.inspect(spec.instanceId))?.pausedBy).to.equal("diskFull");
      await detach(next, spec, { what: "io-error", volume });
      await next.resume(spec.instanceId, never);
      await until(async () => (await next.inspect(spec.instanceId))?.status === "running");
    } finally {
      for (const { instanceId } of await drivers.hypervisor.list())
        await drivers.hypervisor.halt(instanceId, never);
      small.remove();
    }
  });

  it("are told when a guest gives one back that it is to have, and come to it anew", async () => {
    const spec = await makeSpec();
    const volume = await volumeFor(spec);
    await startGuest([volume], spec);
    await has(spec, volume, 0);
    const { hypervisor } = drivers;
    const heard: unknown[] = [];
    hypervisor.onEvent((event) => heard.push(event));
    await hypervisor.pause(spec.instanceId, never);
    const broken = new AbortController();
    const asked = hypervisor.detachVolume?.(spec, volume, {}, broken.signal).catch(() => "broken off");
    setTimeout(() => broken.abort(), 500);
    expect(await asked).to.equal("broken off");
    await hypervisor.attachVolume?.(spec, volume, never);
    await hypervisor.resume(spec.instanceId, never);
    const { instanceId } = spec;
    await until(async () => heard.some((event) => JSON.stringify(event).includes('"ejected"')));
    expect(heard).to.deep.include({ kind: "ejected", instanceId, place: 0 });
    await hypervisor.attachVolume?.(spec, volume, never);
    await has(spec, volume, 1);
    expect((await volumesOf(spec))?.map(({ state: how }) => how)).to.deep.equal(["attached"]);
  });

  it("are what is wanted after the agent was killed anywhere", async () => {
    const spec = await startGuest();
    await until(async () => (await consoleOf(spec)).includes("NOVACT-GUEST READY"));
    const volume = await volumeFor(spec);
    await drivers.hypervisor.detach();
    for (let kill = 0; kill < (full ? 20 : 4); kill += 1) {
      await run({ act: "plug", stateDirectory: state(), imageStore, spec, volume }, (kill * 67) % 241);
      drivers = open();
      await drivers.hypervisor.list();
      if (kill % 2 === 0) {
        await detach(drivers.hypervisor, spec, { what: "after a kill", volume });
        expect([await volumesOf(spec), isFree(volume)], `kill ${kill}`).to.deep.equal([[], true]);
      } else {
        await drivers.hypervisor.attachVolume?.(spec, volume, never);
        expect(
          (await volumesOf(spec))?.map(({ state: how }) => how),
          `kill ${kill}`,
        ).to.deep.equal(["attached"]);
        expect(isFree(volume)).to.equal(false);
      }
      await drivers.hypervisor.detach();
    }
    drivers = open();
    await drivers.hypervisor.list();
    await drivers.hypervisor.detachVolume?.(spec, volume, {}, never);
    expect([await volumesOf(spec), isFree(volume)]).to.deep.equal([[], true]);
  });
});

/** Agents of the present case; a failure leaves some running. */
const agents: ChildProcess[] = [];

async function killed(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = once(agent, "exit");
  agent.kill("SIGKILL");
  await ended;
}

/** Resolves when it has ended: by itself, or killed so long after it began to plug. */
async function run(given: PluggingAgent, killedAfterMs?: number): Promise<void> {
  const agent = spawn(process.execPath, [program, JSON.stringify(given)], { stdio: ["ignore", "pipe", 2] });
  agents.push(agent);
  const ended = once(agent, "exit");
  if (killedAfterMs !== undefined && agent.stdout !== null) {
    await Promise.race([once(agent.stdout, "data"), ended]);
    await new Promise((resolve) => setTimeout(resolve, killedAfterMs));
    agent.kill("SIGKILL");
  }
  await ended;
}
