/** The fake drivers: the contracts, and the behaviour that tests and the measurements of scale rely on. */
import { expect } from "chai";
import { createFakeDrivers } from "../../../nodes/drivers/fake/index.ts";
import { FakeStorage } from "../../../nodes/drivers/fake/storage.ts";
import { FakeWorld } from "../../../nodes/drivers/fake/world.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { consolesContract } from "../../support/consoles-contract.ts";
import { disksContract, machineFilesContract, sharedDisksContract } from "../../support/disks-contract.ts";
import { machineSpec } from "../../support/driver-world.ts";
import { hypervisorContract } from "../../support/hypervisor-contract.ts";
import { keeperContract } from "../../support/keeper-contract.ts";

const never = new AbortController().signal;

const fakeDrivers = (world: FakeWorld) => createFakeDrivers({ world });

for (const startLatencyMs of [0, 2]) {
  hypervisorContract({
    name: `the fake driver (start latency ${startLatencyMs} ms)`,
    timeoutMs: 2_000,
    makeSpec: (ownerEpoch) => machineSpec({ ownerEpoch }),
    makeBench: async () => {
      const world = new FakeWorld({ clock: systemClock, startLatencyMs, shutdownLatencyMs: 1 });
      const { hypervisor, disks, consoles } = fakeDrivers(world);
      const textOf = async (id: string) => (await consoles.read(id, {}))?.text ?? "";
      return {
        hypervisor,
        restartAgent: async () => fakeDrivers(world).hypervisor,
        paths: (spec) => disks.ensure(spec, never),
        kill: async (instanceId) => world.kill(instanceId),
        booted: async () => undefined,
        boots: async (instanceId) => (await textOf(instanceId)).split("READY").length - 1,
        hardware: async (instanceId) => world.shapes.of(instanceId),
        close: async () => undefined,
      };
    },
  });
}

const file = { sha256: "0".repeat(64), sizeBytes: 1 };

const fakeDisks = (storage?: FakeStorage) => ({
  ...fakeDrivers(new FakeWorld({ clock: systemClock, ...(storage === undefined ? {} : { storage }) })),
  makeSpec: diskSpec,
  close: async () => undefined,
});

disksContract("the fake driver", async () => fakeDisks());
machineFilesContract("the fake driver", async () => fakeDisks());
disksContract("the fake driver on shared storage", async () => fakeDisks(new FakeStorage("s1")));
sharedDisksContract("the fake driver", async () => {
  const storage = new FakeStorage("s1");
  return { ...fakeDisks(storage), other: fakeDisks(storage).disks };
});

consolesContract("the fake consoles", async () => {
  const world = new FakeWorld({ clock: systemClock });
  return {
    consoles: fakeDrivers(world).consoles,
    print: async (instanceId, text) => world.print(instanceId, text),
    close: async () => undefined,
  };
});

for (const kind of ["process", "disk"])
  keeperContract({
    ...{ name: `the fake driver's keeper of each ${kind}`, timeoutMs: 2_000, tellsEpoch: kind === "process" },
    makeBench: async () => {
      const world = new FakeWorld({ clock: systemClock });
      const keeperOf = () => {
        const keeper = fakeDrivers(world).keepers.find((one) => one.kind === kind);
        if (keeper === undefined) throw new Error(`There is no keeper of each ${kind}.`);
        return keeper;
      };
      return {
        keeper: keeperOf(),
        keep: async (ownerEpoch) => {
          const { disks, hypervisor } = fakeDrivers(world);
          const spec = machineSpec({ ownerEpoch });
          const paths = await disks.ensure(spec, never);
          if (kind === "process") await hypervisor.start(spec, paths, never);
          return spec;
        },
        restartAgent: async () => keeperOf(),
        close: async () => undefined,
      };
    },
  });

function diskSpec(has: { readonly disk: boolean; readonly kernel: boolean; readonly diskGib?: number }) {
  return machineSpec({
    diskGib: has.diskGib ?? 0,
    image: {
      id: "image",
      disk: has.disk ? { ...file, format: "raw", virtualSizeBytes: 1 } : null,
      kernel: has.kernel ? file : null,
      ramdisk: null,
      commandLine: "",
    },
  });
}

describe("the fake driver, as tests use it", () => {
  const world = () => new FakeWorld({ clock: systemClock });
  const spec = machineSpec();
  const paths = { directory: "/", disk: undefined, kernel: undefined, ramdisk: undefined };

  it("fails once where it was told to, for the instance it was told", async () => {
    const given = world();
    const { hypervisor } = fakeDrivers(given);
    given.inject("start", new StatusError("hypervisorRefused", "Injected."), spec.instanceId);
    await hypervisor.start(machineSpec(), paths, never);
    const failed = await hypervisor.start(spec, paths, never).catch((error: unknown) => error);
    expect(failed).to.have.property("reason", "hypervisorRefused");
    expect((await hypervisor.start(spec, paths, never)).status).to.equal("running");
  });

  it("hangs where it was told to, until it is called off", async () => {
    const given = world();
    const { hypervisor } = fakeDrivers(given);
    given.inject("start", "hang");
    const abort = new AbortController();
    const starting = hypervisor.start(spec, paths, abort.signal);
    abort.abort();
    expect(await starting.catch((error: unknown) => error)).to.have.property("name", "AbortError");
    expect(await hypervisor.list()).to.deep.equal([]);
  });

  it("ignores the power button when it has no shutdown latency", async () => {
    const { hypervisor } = fakeDrivers(world());
    await hypervisor.start(spec, paths, never);
    await hypervisor.pressPowerButton(spec.instanceId, never);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await hypervisor.inspect(spec.instanceId))?.status).to.equal("running");
  });

  it("lists in its audit what the world has, and calls a process without a directory a stray", async () => {
    const drivers = fakeDrivers(world());
    await drivers.disks.ensure(spec, never);
    const { pid } = await drivers.hypervisor.start(spec, paths, never);
    const { instanceId } = spec;
    const before = await drivers.audit();
    expect(before.processes).to.deep.equal([{ instanceId, pid, status: "running" }]);
    expect(before.directories.map((one) => one.instanceId)).to.deep.equal([instanceId]);
    expect(before.strays).to.deep.equal([]);
    await drivers.disks.release(instanceId);
    expect((await drivers.audit()).strays).to.have.length(1);
  });

  it("makes and ends ten thousand guests, and keeps nothing of them", async () => {
    const { hypervisor, disks } = fakeDrivers(world());
    for (let count = 0; count < 10_000; count++) {
      const one = { ...spec, instanceId: `i-${count}` };
      await hypervisor.start(one, await disks.ensure(one, never), never);
    }
    expect(await hypervisor.list()).to.have.length(10_000);
    for (let count = 0; count < 10_000; count++) await hypervisor.halt(`i-${count}`, never);
    expect(await hypervisor.list()).to.deep.equal([]);
  });
});
