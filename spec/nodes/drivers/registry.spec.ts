/** The drivers of a host, opened by their names: in which order, from which registry, with which options. */
import { Type } from "@sinclair/typebox";
import { expect } from "chai";
import { FakeDisks } from "../../../nodes/drivers/fake/files.ts";
import { FakeWorld } from "../../../nodes/drivers/fake/world.ts";
import { createDrivers } from "../../../nodes/drivers/index.ts";
import type { DisksDriver, DriverChoices, HypervisorDriver } from "../../../nodes/drivers/kinds.ts";
import { builtInRegistry } from "../../../nodes/drivers/registry.ts";
import { systemClock, systemIds } from "../../../nodes/process/clock.ts";
import { machineSpec, silentLog, temporaryDirectory } from "../../support/driver-world.ts";
import { keeperContract } from "../../support/keeper-contract.ts";

const never = new AbortController().signal;
const nothing = Type.Object({}, { additionalProperties: false });

const choices = (hypervisor: string, disks: string): DriverChoices => ({
  hypervisor: { driver: hypervisor, options: {} },
  disks: { driver: disks, options: {} },
  ...{ network: undefined, volumes: undefined },
});

const contextOf = (path: string) => ({
  ...{ hostId: "h", hostName: "a", clock: systemClock, ids: systemIds(0), log: silentLog },
  ...{ stateDirectory: path, computerDirectory: path, imageStore: path },
});

keeperContract({
  ...{ name: "the keeper of disks in files", timeoutMs: 10_000, tellsEpoch: false },
  makeBench: async () => {
    const place = await temporaryDirectory();
    const open = () => createDrivers(choices("fake", "files"), contextOf(place.path));
    const keeperOf = () => {
      const keeper = open().keepers.find(({ kind }) => kind === "disk");
      if (keeper === undefined) throw new Error("There is no keeper of disks.");
      return keeper;
    };
    return {
      keeper: keeperOf(),
      keep: async (ownerEpoch) => {
        const spec = machineSpec({ ownerEpoch });
        await open().disks.ensure(spec, never);
        return spec;
      },
      restartAgent: async () => keeperOf(),
      close: () => place.remove(),
    };
  },
});

describe("the drivers of a host", () => {
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  const context = () => contextOf(place.path);

  it("are opened by their names, disks first, and the hypervisor with what the disks brought", () => {
    const opened: string[] = [];
    const world = new FakeWorld({ clock: systemClock });
    const disks = new FakeDisks(world);
    const toyDisks: DisksDriver = {
      options: nothing,
      open: () => {
        opened.push("disks");
        return { disks, storageId: "s", space: { look: async () => [] }, keepers: [] };
      },
    };
    const toy: HypervisorDriver = {
      options: nothing,
      open: (given, options) => {
        opened.push(`hypervisor on ${given.disks.storageId}`);
        const { machineFiles: _, ...part } = builtInRegistry.hypervisors.fake.open(given, options);
        return part;
      },
    };
    const registry = { ...builtInRegistry, hypervisors: { toy }, disks: { logical: toyDisks } };
    const drivers = createDrivers(choices("toy", "logical"), context(), registry);
    expect(opened).to.deep.equal(["disks", "hypervisor on s"]);
    expect(drivers).to.deep.include({ storageId: "s", keepsDisks: true });
    expect(drivers.names).to.deep.equal({
      ...{ hypervisor: "toy", disks: "logical", network: null, volumes: null },
    });
    expect(() => createDrivers(choices("qemu", "logical"), context(), registry)).to.throw(/no .* qemu.*toy/);
  });

  it("keep machine files in the state directory, unless the hypervisor brings its own", async () => {
    const registry = {
      ...builtInRegistry,
      hypervisors: {
        toy: {
          options: nothing,
          open: (given: Parameters<HypervisorDriver["open"]>[0]) => {
            const { machineFiles: _, ...part } = builtInRegistry.hypervisors.fake.open(given, {});
            return part;
          },
        },
        fake: builtInRegistry.hypervisors.fake,
      },
    };
    await createDrivers(choices("fake", "fake"), context(), registry).machineFiles.write("i1", { a: 1 });
    const opened = createDrivers(choices("toy", "fake"), context(), registry);
    expect(await opened.machineFiles.readAll()).to.deep.equal([]);
    await opened.machineFiles.write("i2", { a: 1 });
    const again = createDrivers(choices("toy", "fake"), context(), registry);
    expect(await again.machineFiles.readAll()).to.deep.equal([{ instanceId: "i2", content: { a: 1 } }]);
  });

  it("rely on storage leases only where the hypervisor can tell which guests hold them", () => {
    const shared = { driver: "files", options: { sharedDirectory: `${place.path}/shared` } };
    const on = (hypervisor: string) =>
      createDrivers({ ...choices(hypervisor, "files"), disks: shared }, context());
    expect(on("qemu").storageLeases).not.to.equal(undefined);
    expect(on("fake").storageLeases).to.equal(undefined);
  });

  it("run fake guests on fake disks of the same world, and on others in a world of their own", async () => {
    const spec = machineSpec();
    for (const disks of ["fake", "files"]) {
      const drivers = createDrivers(choices("fake", disks), context());
      await drivers.disks.ensure(spec, never);
      const { pid } = await drivers.hypervisor.start(
        spec,
        { directory: "/", disk: undefined, kernel: undefined, ramdisk: undefined },
        never,
      );
      const found = await drivers.audit();
      expect(found.processes).to.deep.equal([{ instanceId: spec.instanceId, pid, status: "running" }]);
      expect(found.directories.map(({ instanceId }) => instanceId)).to.deep.equal([spec.instanceId]);
      expect(drivers.keepsDisks).to.equal(disks === "files");
    }
  });

  it("of networks and volumes are opened where they are chosen, and keep what they keep", async () => {
    const fake = { driver: "fake", options: {} };
    const drivers = createDrivers({ ...choices("fake", "fake"), network: fake, volumes: fake }, context());
    const port = {
      portId: "p1",
      networkId: "n1",
      instanceId: "i1",
      ownerEpoch: 2,
      hostName: "i",
      mac: "52:54:00:00:00:01",
    };
    await drivers.network?.ensurePort({ ...port, mtuBytes: 1_400 }, never);
    const { holdings } = await drivers.audit();
    expect(holdings).to.have.length(1);
    expect(holdings[0]).to.include({ kind: "network", instanceId: "i1", ownerEpoch: 2 });
    expect(drivers.volumes?.map(({ kind }) => kind)).to.deep.equal(["volume"]);
    expect(createDrivers(choices("fake", "fake"), context()).network).to.equal(undefined);
  });
});
