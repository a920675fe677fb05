/** The shapes that hosts offer: told to a guest's host, kept, and heeded when a host is looked for. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

const driversOf = (version: string): HostDrivers => ({
  ...{ hypervisor: "qemu", disks: "files", network: null, volumes: null },
  abilities: {
    ...{ networks: ["user"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
  shapes: {
    ...{ versions: [1], machineType: `pc-q35-${version}`, machineTypes: [`pc-q35-${version}`] },
    ...{ aliases: [], cpuModel: "EPYC-v3", cpuModels: ["EPYC-v3"] },
  },
});

describe("the shapes of machines", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  beforeEach(async () => {
    world = await controllerWorld();
  });
  afterEach(() => world.stop());

  const create = () => world.demo.instance.create({ name: "m", flavor: "tiny", image: "tiny", wait: true });

  it("are given to guests by their hosts, and refuse in words a host that could not give the same", async () => {
    const host = await world.host("a", { drivers: driversOf("7.2") });
    const { instance } = await create();
    expect(host.ensured[0]?.spec.shape).to.deep.equal({
      ...{ version: 1, machineType: "pc-q35-7.2", cpuModel: "EPYC-v3" },
    });
    await world.host("b", { drivers: driversOf("9.0") });
    await world.host("c");
    const { hosts } = await world.demo.instance.explain(instance.id, {});
    const saidOf = (id: string) => hosts?.find(({ hostId }) => hostId === id)?.filters.shape;
    expect(saidOf("a")).to.equal(true);
    expect(saidOf("b")).to.equal(
      "the guest has had the machine type pc-q35-7.2 since its first boot, which the host does not know",
    );
    expect(saidOf("c")).to.match(/hardware of version 1/);
  });

  it("are asked for anew in a drain, where another machine that wants the same found no room", async () => {
    const upgraded = await world.host("a", { drivers: driversOf("7.2") });
    await create();
    await upgraded.register({ drivers: driversOf("9.0") });
    await create();
    await world.host("b", { drivers: driversOf("9.0") });
    await world.admin.host.drain("a", { reason: "a new disk" });
    const where = async () =>
      (await world.demo.instance.list({})).instances.map(({ state, hostId }) => `${state} on ${hostId}`);
    expect(await until(where, (now) => now.includes("running on b"))).to.deep.equal([
      ...["running on a", "running on b"],
    ]);
  });

  it("are not taken from an agent that does not say that it heeds them", async () => {
    const host = await world.host("a", { drivers: driversOf("7.2"), knows: ["lease", "binding"] });
    await create();
    expect(host.ensured[0]?.spec).not.to.have.property("shape");
  });
});
