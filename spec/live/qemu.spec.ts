/**
 * The QEMU drivers with real guests: the contracts, and the behaviour that only real processes can show. One
 * guest at a time; needs qemu-system-x86_64, qemu-img and the tiny guest that the set-up builds.
 */
import { execFileSync } from "node:child_process";
import { chown, cp, mkdtemp, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import type { Stream } from "../../actors/ports/network.ts";
import type { BlockDevice } from "../../actors/ports/volumes.ts";
import { guestUser, imageGroup } from "../../nodes/drivers/guest-user.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { disksContract, machineFilesContract, sharedDisksContract } from "../support/disks-contract.ts";
import { machineSpec, temporaryDirectory } from "../support/driver-world.ts";
import { hypervisorContract, type Plugged } from "../support/hypervisor-contract.ts";
import { keeperContract } from "../support/keeper-contract.ts";
import { guestOfSetup, missingForGuests, type TestGuest } from "../support/live-guest.ts";
import { qemuHost } from "../support/qemu-host.ts";
import { skip } from "../support/services.ts";
import { connectStream, sourceOf } from "../support/stream-peer.ts";

const never = new AbortController().signal;
const marker = "NOVACT-GUEST READY";

interface Place {
  readonly drivers: () => Drivers;
  /** The drivers of a host on storage that all such hosts of the place share. */
  readonly sharing: (name: string) => Drivers;
  /** Sockets of a guest's interfaces, in directories that its hypervisor may write to. */
  plug(spec: MachineSpec): Promise<Plugged>;
  /** A file that is a volume of the guest's. */
  volume(spec: MachineSpec, name: string): Promise<BlockDevice>;
  makeSpec(has: { disk: boolean; kernel: boolean; diskGib?: number; ownerEpoch?: number }): MachineSpec;
  close(): Promise<void>;
}

/**
 * A state directory and an image store of their own, with the tiny guest registered. Everything that runs
 * there ends with the place.
 */
async function makePlace(guest: TestGuest): Promise<Place> {
  const directory = await temporaryDirectory();
  const imageStore = join(directory.path, "store");
  const store = new ImageStore({ directory: imageStore, sources: [guest.directory] });
  const [kernel, ramdisk, disk] = await Promise.all([
    store.registerFile({ path: guest.kernel }),
    store.registerFile({ path: guest.ramdisk }),
    store.registerFile({ path: guest.disk, format: "qcow2" }),
  ]);
  const drivers = () => qemuHost({ imageStore, stateDirectory: join(directory.path, "state") });
  const sharedDirectory = join(directory.path, "shared");
  return {
    drivers,
    sharing: (name) => qemuHost({ imageStore, sharedDirectory, stateDirectory: join(directory.path, name) }),
    plug: (spec) => plugInto(directory.path, spec),
    volume: (spec, name) => volumeIn(directory.path, spec, name),
    makeSpec: (has) =>
      machineSpec({
        ownerEpoch: has.ownerEpoch ?? 1,
        diskGib: has.diskGib ?? 0,
        image: {
          id: "tiny",
          disk: has.disk ? { ...disk, format: "qcow2", virtualSizeBytes: disk.virtualSizeBytes ?? 0 } : null,
          kernel: has.kernel ? kernel : null,
          ramdisk: has.kernel ? ramdisk : null,
          commandLine: guest.commandLine,
        },
      }),
    close: async () => {
      const { hypervisor } = drivers();
      for (const { instanceId } of await hypervisor.list()) await hypervisor.halt(instanceId, never);
      await hypervisor.detach();
      await directory.remove();
    },
  };
}

async function plugInto(place: string, { instanceId, interfaces = [] }: MachineSpec): Promise<Plugged> {
  const user = guestUser(instanceId);
  const devices = interfaces.map(async ({ portId, mac, mtuBytes }): Promise<Stream> => {
    const directory = await mkdtemp(join(place, `${portId}-`));
    if (user !== undefined) await chown(directory, user.uid, user.gid);
    return { kind: "stream", path: join(directory, "s"), mac, mtuBytes };
  });
  return {
    devices: await Promise.all(devices),
    heard: async (device) => {
      if (device.kind !== "stream") throw new Error("The guests of this host have streams.");
      const peer = await connectStream(device.path);
      try {
        return sourceOf(await peer.next());
      } finally {
        peer.close();
      }
    },
  };
}

async function volumeIn(place: string, { instanceId }: MachineSpec, name: string): Promise<BlockDevice> {
  const path = join(place, `${instanceId}.${name}`);
  const user = guestUser(instanceId);
  await writeFile(path, "");
  await truncate(path, 1024 ** 2);
  if (user !== undefined) await chown(path, user.uid, user.gid);
  return { kind: "file", path, format: "raw", mode: "readWrite" };
}

async function consoleOf(drivers: Drivers, instanceId: string): Promise<string> {
  return (await drivers.consoles.read(instanceId, {}))?.text ?? "";
}

async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("real guests", function () {
  this.timeout(90_000);
  const missing = missingForGuests();
  const guest = guestOfSetup();
  let place: Place;

  before(async function () {
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    place = await makePlace(guest);
  });
  after(() => place?.close());

  if (missing === undefined && guest !== undefined) {
    hypervisorContract({
      name: "the QEMU driver",
      timeoutMs: 90_000,
      makeSpec: (ownerEpoch) => place.makeSpec({ disk: false, kernel: true, ownerEpoch }),
      makeBench: async () => {
        const own = place.drivers();
        const textOf = (id: string) => consoleOf(own, id);
        let present = own.hypervisor;
        return {
          hypervisor: own.hypervisor,
          restartAgent: async () => {
            present = place.drivers().hypervisor;
            return present;
          },
          paths: (spec) => own.disks.ensure(spec, never),
          plug: (spec) => place.plug(spec),
          volume: (spec, name) => place.volume(spec, name),
          kill: async (instanceId) => {
            process.kill((await present.inspect(instanceId))?.pid ?? Number.NaN, "SIGKILL");
          },
          booted: (instanceId) => until(async () => (await textOf(instanceId)).includes(marker)),
          boots: async (instanceId) => (await textOf(instanceId)).split(marker).length - 1,
          hardware: async (instanceId) => {
            const { pid } = (await present.inspect(instanceId)) ?? {};
            const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
            return argv.slice(argv.indexOf("-machine"));
          },
          close: async () => {
            for (const { instanceId } of await present.list()) await present.halt(instanceId, never);
            await present.detach();
            for (const { instanceId } of await own.disks.list()) await own.disks.release(instanceId);
          },
        };
      },
    });
    keeperContract({
      ...{ name: "the keeper of QEMU's processes", timeoutMs: 90_000 },
      makeBench: async () => {
        let present = place.drivers();
        const keeperOf = ({ keepers }: Drivers) => {
          const keeper = keepers.find(({ kind }) => kind === "process");
          if (keeper === undefined) throw new Error("There is no keeper of processes.");
          return keeper;
        };
        return {
          keeper: keeperOf(present),
          keep: async (ownerEpoch) => {
            const spec = place.makeSpec({ disk: false, kernel: true, ownerEpoch });
            await present.hypervisor.start(spec, await present.disks.ensure(spec, never), never);
            return spec;
          },
          restartAgent: async () => {
            await present.hypervisor.detach();
            present = place.drivers();
            return keeperOf(present);
          },
          close: async () => {
            for (const { instanceId } of await present.hypervisor.list())
              await present.hypervisor.halt(instanceId, never);
            await present.hypervisor.detach();
            for (const { instanceId } of await present.disks.list()) await present.disks.release(instanceId);
          },
        };
      },
    });
    const ownDisks = async () => {
      const bench = await makePlace(guest);
      return { ...bench.drivers(), makeSpec: bench.makeSpec, close: bench.close };
    };
    disksContract("the file disks", ownDisks);
    machineFilesContract("the state directory", ownDisks);
    const sharingHosts = async () => {
      const { sharing, makeSpec, close } = await makePlace(guest);
      return { ...sharing("one"), other: sharing("other").disks, makeSpec, close };
    };
    disksContract("the file disks on shared storage", sharingHosts);
    sharedDisksContract("the file disks", sharingHosts);
  }

  describe("under QEMU", () => {
    let drivers: Drivers;
    beforeEach(() => {
      drivers = place.drivers();
    });
    afterEach(async () => {
      for (const { instanceId } of await drivers.hypervisor.list())
        await drivers.hypervisor.halt(instanceId, never);
      await drivers.hypervisor.detach();
      for (const { instanceId } of await drivers.disks.list()) await drivers.disks.release(instanceId);
    });

    const start = async (spec: MachineSpec) =>
      drivers.hypervisor.start(spec, await drivers.disks.ensure(spec, never), never);

    it("run as a user of their own, without rights, in a session of their own", async function () {
      if (process.getuid?.() !== 0) skip(this, "not root: guests run as the agent's own user");
      const spec = place.makeSpec({ disk: false, kernel: true });
      const { pid } = await start(spec);
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      const uid = Number(/^Uid:\t([0-9]+)/m.exec(status)?.[1]);
      expect(uid).to.be.greaterThan(0x7000_0000 - 1);
      const { kernel, ramdisk } = spec.image;
      const groups = [kernel, ramdisk].flatMap((file) =>
        file === null ? [] : (imageGroup(file.sha256) ?? []),
      );
      const given = /^Groups:\t(.*)$/m.exec(status)?.[1]?.trim().split(" ").map(Number);
      expect(new Set(given), "only those that may read its image").to.deep.equal(new Set(groups));
      expect(status).to.match(/^CapEff:\t0+$/m);
      expect(status).to.match(/^CapBnd:\t0+$/m);
      expect(status).to.match(/^NoNewPrivs:\t1$/m);
      expect(status).to.match(/^Seccomp:\t2$/m);
      expect(execFileSync("ps", ["-o", "sid=", "-p", String(pid)], { encoding: "utf8" }).trim()).to.equal(
        String(pid),
      );
      const environment = await readFile(`/proc/${pid}/environ`, "utf8");
      expect(environment).not.to.include("HOME=");
    });

    it("boot from a disk alone, have the size that was asked for, and keep what was written", async () => {
      const spec = place.makeSpec({ disk: true, kernel: false, diskGib: 1 });
      const paths = await drivers.disks.ensure(spec, never);
      await drivers.hypervisor.start(spec, paths, never);
      await until(async () => (await consoleOf(drivers, spec.instanceId)).includes(marker));
      await drivers.hypervisor.halt(spec.instanceId, never);
      const info = JSON.parse(
        execFileSync("qemu-img", ["info", "--output=json", paths.disk ?? ""], { encoding: "utf8" }),
      );
      expect(info["virtual-size"]).to.equal(1024 ** 3);
      expect(info["backing-filename-format"]).to.equal("qcow2");
      const { mtimeMs } = await stat(paths.disk ?? "");
      await drivers.disks.ensure(spec, never);
      expect((await stat(paths.disk ?? "")).mtimeMs).to.equal(mtimeMs);
    });

    it("get an address, and cannot reach a service on their host's loopback", async () => {
      let reached = false;
      const service = createServer((socket) => {
        reached = true;
        socket.end("HELLO\n");
      });
      await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
      const address = service.address();
      const port = typeof address === "object" ? (address?.port ?? 0) : 0;
      const spec = place.makeSpec({ disk: false, kernel: true });
      await start(spec);
      await until(async () => (await consoleOf(drivers, spec.instanceId)).includes(marker));
      expect(await consoleOf(drivers, spec.instanceId)).to.match(/ip=10\.0\.2\.15/);
      const { directory } = await drivers.disks.ensure(spec, never);
      const keyboard = connect(join(directory, "run", "console"));
      const tried = /TRIED [0-9]+/;
      await until(async () => {
        // The shell may not listen yet: the line is typed again until the shell has answered.
        keyboard.write(`timeout 2 nc 10.0.2.2 ${port} </dev/null; echo TRIED $?\n`);
        await new Promise((resolve) => setTimeout(resolve, 500));
        return tried.test(await consoleOf(drivers, spec.instanceId));
      });
      keyboard.destroy();
      service.close();
      expect(reached).to.equal(false);
      expect(await consoleOf(drivers, spec.instanceId)).not.to.include("HELLO");
    });

    it("leave no process behind, at whatever moment their start is called off", async () => {
      for (const ms of [1, 5, 15, 30, 45, 60, 80]) {
        const spec = place.makeSpec({ disk: false, kernel: true });
        const paths = await drivers.disks.ensure(spec, never);
        const started = await drivers.hypervisor.start(spec, paths, AbortSignal.timeout(ms)).then(
          () => true,
          () => false,
        );
        const { processes } = await drivers.audit();
        expect(processes, `called off after ${ms} ms`).to.have.length(started ? 1 : 0);
        await drivers.hypervisor.halt(spec.instanceId, never);
      }
    });

    it("that hang refuse verbs in time, and can be halted", async () => {
      const spec = place.makeSpec({ disk: false, kernel: true });
      const { pid } = await start(spec);
      process.kill(pid, "SIGSTOP");
      const paused = await drivers.hypervisor.pause(spec.instanceId, never).catch((error: unknown) => error);
      expect(paused).to.have.property("reason", "hypervisorRefused");
      expect((await drivers.audit()).processes[0]).to.include({ pid, status: "stopped" });
      await drivers.hypervisor.halt(spec.instanceId, never);
      expect((await drivers.audit()).processes).to.deep.equal([]);
    });

    it("are found, without their record, by the process table alone", async () => {
      const spec = place.makeSpec({ disk: false, kernel: true, ownerEpoch: 4 });
      const guestBefore = await start(spec);
      await drivers.hypervisor.detach();
      const paths = await drivers.disks.ensure(spec, never);
      execFileSync("rm", [join(paths.directory, "process.json")]);
      drivers = place.drivers();
      const [found] = await drivers.hypervisor.list();
      expect(found).to.include({ pid: guestBefore.pid, ownerEpoch: 4, status: "running" });
    });

    it("whose record names an innocent process do not make the driver touch it", async () => {
      const spec = place.makeSpec({ disk: false, kernel: true });
      await start(spec);
      const { directory } = await drivers.disks.ensure(spec, never);
      const record = await readFile(join(directory, "process.json"), "utf8");
      await drivers.hypervisor.halt(spec.instanceId, never);
      await drivers.hypervisor.detach();
      const forged = { ...JSON.parse(record), pid: process.pid };
      execFileSync("tee", [join(directory, "process.json")], {
        input: JSON.stringify(forged),
        stdio: "pipe",
      });
      drivers = place.drivers();
      await drivers.hypervisor.halt(spec.instanceId, never);
      expect(await drivers.hypervisor.list()).to.deep.equal([]);
    });

    it("leave nothing in the audit after halt and release, and everything while they run", async () => {
      const spec = place.makeSpec({ disk: true, kernel: true });
      const { pid } = await start(spec);
      const during = await drivers.audit();
      expect(during.processes).to.deep.equal([{ instanceId: spec.instanceId, pid, status: "running" }]);
      expect(during.directories[0]?.files).to.include.members(["disk.qcow2", "console.log", "qmp", "pid"]);
      expect(during.strays).to.deep.equal([]);
      await drivers.hypervisor.halt(spec.instanceId, never);
      expect((await drivers.audit()).strays).to.deep.equal([]);
      await drivers.disks.release(spec.instanceId);
      const after = await drivers.audit();
      expect([after.processes, after.directories, after.strays]).to.deep.equal([[], [], []]);
    });

    it("without a directory are named by the audit", async () => {
      const spec = place.makeSpec({ disk: false, kernel: true });
      const { pid } = await start(spec);
      const { directory } = await drivers.disks.ensure(spec, never);
      await cp(directory, `${directory}-kept`, { recursive: true, filter: (name) => !name.includes("/run") });
      await drivers.disks.release(spec.instanceId);
      expect((await drivers.audit()).strays.join()).to.include(`process ${pid}`);
      await drivers.hypervisor.halt(spec.instanceId, never);
      expect((await drivers.audit()).processes).to.deep.equal([]);
    });

    it("that QEMU refuses fail with a reason, and the words of QEMU stay in the detail", async () => {
      const spec = { ...place.makeSpec({ disk: false, kernel: true }), macAddress: "not-a-mac" };
      const failed = await start(spec).catch((error: unknown) => error);
      expect(failed).to.include({ reason: "hypervisorRefused" });
      expect(failed).to.have.property("detail").that.matches(/mac/i);
      expect(await drivers.hypervisor.list()).to.deep.equal([]);
    });
  });
});
