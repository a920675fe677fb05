/** What hosts say of their drivers reaches operators, the scheduler and the doctor; also what one unsays. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { controllerWorld } from "../support/controller-world.ts";

const driversOf = (hotPlug: boolean): HostDrivers => ({
  ...{ hypervisor: "fake", disks: "files", network: null, volumes: null },
  abilities: {
    ...{ networks: ["user"], volumes: [], hotPlug, liveMigration: false, console: true, save: false },
  },
});

describe("the drivers of hosts", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  beforeEach(async () => {
    world = await controllerWorld();
  });
  afterEach(() => world.stop());

  const shown = async (id: string) => {
    const { drivers, generation } = (await world.admin.host.get(id, {})).host;
    return { drivers, generation };
  };

  it("are shown to operators, are no news when they are said again, and unknown of an agent of before", async () => {
    await world.host("a", { drivers: driversOf(true) });
    const before = await shown("a");
    expect(before.drivers).to.deep.equal(driversOf(true));
    await world.host("a", { drivers: driversOf(true) });
    expect(await shown("a")).to.deep.equal(before);
    await world.host("a");
    expect(await shown("a")).to.deep.equal({ drivers: null, generation: before.generation + 1 });
  });

  it("choose the host of a flavor that asks for an ability", async () => {
    await world.host("a", { drivers: driversOf(false) });
    const extraSpecs = { "capabilities:can_hot_plug": "true", "capabilities:disks": "files" };
    await world.admin.flavor.create({ ...{ name: "hot", vcpus: 1, memoryMib: 128, diskGib: 0 }, extraSpecs });
    const create = () => world.demo.instance.create({ name: "m", flavor: "hot", image: "tiny", wait: true });
    const refused = await create().catch((error: unknown) => error);
    expect(String(refused)).to.contain("the flavor wants can_hot_plug true, the host has false");
    await world.host("b", { drivers: driversOf(true) });
    expect((await create()).instance.hostId).to.equal("b");
  });

  it("are an observation of the doctor, and no finding, when one of them is there in two versions", async () => {
    await world.host("a", { drivers: driversOf(true), hypervisorVersion: "1.0" });
    await world.host("b", { drivers: driversOf(true), hypervisorVersion: "2.0" });
    const { observations = [] } = await world.admin.doctor.examine({});
    expect(observations.map(({ message }) => message)).to.deep.equal([
      "Hosts have it with different versions: 1.0 on host-a; 2.0 on host-b.",
    ]);
  });
});
