/** Volumes that come to instances and leave them, as their clients see it: rows, places, refusals. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const shapes = {
  ...{ versions: [1], machineType: "pc-q35-7.2", aliases: [], machineTypes: [] },
  ...{ cpuModel: "qemu64", cpuModels: [] },
};
const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: null, volumes: "fake", shapes: shapes as never },
  abilities: {
    ...{ networks: [], volumes: ["file"], hotPlug: true, liveMigration: false, console: true, save: false },
  },
};
const wait = true;

describe("attached volumes", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
  });
  afterEach(() => world.stop());

  const make = async (name = "vm") =>
    (await world.demo.instance.create({ name, flavor: "tiny", image: "tiny", wait })).instance;
  const volumeOf = async (id: string) => (await world.demo.volume.get(id, {})).volume;
  const made = async (name: string) => (await world.demo.volume.create({ name, sizeGib: 2 })).volume.id;

  it("are in use from the commit on, and free when their host has let go of them", async () => {
    const { demo } = world;
    const host = await world.host("a", { drivers });
    const vm = await make();
    const id = await made("data");
    const { instance, operation } = await demo.instance.volumeAttach(vm.id, { volume: "data", wait });
    expect([operation.kind, operation.state]).to.deep.equal(["volumeAttach", "done"]);
    expect(instance.volumes).to.deep.equal([
      { volumeId: id, place: 0, sizeGib: 2, deleteOnTermination: false },
    ]);
    const about = { status: "in-use", instanceId: vm.id, made: true, epoch: 1, hostId: vm.hostId };
    expect(await volumeOf(id)).to.include(about);
    expect(host.ensured.at(-1)?.spec.volumes).to.deep.equal([
      {
        volumeId: id,
        epoch: 1,
        place: 0,
        sizeBytes: 2 * 1024 ** 3,
        storageId: null,
        made: false,
        source: null,
      },
    ]);
    expect((await refused(demo.volume.delete(id, {}))).reason).to.equal("inUse");
    expect((await refused(demo.volume.extend(id, { sizeGib: 3 }))).reason).to.equal("inUse");
    await demo.instance.volumeExtend(vm.id, { volume: id, sizeGib: 3, wait });
    expect((await volumeOf(id)).sizeGib).to.equal(3);
    host.open = [{ volumeId: id, epoch: 1, state: "open" }];
    await demo.instance.volumeDetach(vm.id, { volume: id });
    expect((await volumeOf(id)).status).to.equal("detaching");
    const waitingFor = async () => (await demo.instance.explain(vm.id, {})).waitingFor[0];
    await until(waitingFor, (sentence) => sentence === `Host host-a to let go of its volume ${id}.`);
    const forced = await demo.instance.volumeDetach(vm.id, { volume: id, force: true });
    expect(forced.operation.state).to.equal("running");
    const told = () => Promise.resolve(host.ensured.at(-1)?.spec.forcedVolumes);
    await until(told, (volumes) => volumes?.[0]?.volumeId === id);
    host.open = [];
    await host.become(vm.id, { volumes: [] });
    expect(await volumeOf(id)).to.include({ status: "available", instanceId: null, epoch: 1 });
    await demo.volume.delete(id, {});
  });

  it("have one instance, however many ask for them at once", async () => {
    const { demo } = world;
    await world.host("a", { drivers });
    const vms = await Promise.all(["one", "two", "three"].map(make));
    const id = await made("data");
    const asked = await Promise.allSettled(
      vms.map((vm) => demo.instance.volumeAttach(vm.id, { volume: id, wait })),
    );
    expect(asked.filter(({ status }) => status === "fulfilled")).to.have.length(1);
    for (const one of asked)
      if (one.status === "rejected") expect(one.reason).to.have.property("reason", "inUse");
    expect((await volumeOf(id)).epoch).to.equal(1);
  });

  it("go with their instance, or are free when nothing of it is left", async () => {
    const { demo } = world;
    const host = await world.host("a", { drivers });
    const vm = await make();
    const [stays, goes] = [await made("stays"), await made("goes")];
    await demo.instance.volumeAttach(vm.id, { volume: stays, place: 5, wait });
    await demo.instance.volumeAttach(vm.id, { volume: goes, deleteOnTermination: true, wait });
    const hostDisk = async () => (await world.store.hosts.get(vm.hostId ?? ""))?.diskGibClaimed;
    const before = await hostDisk();
    host.silent = true;
    await demo.instance.delete(vm.id, {});
    expect(await volumeOf(stays)).to.include({ status: "detaching", instanceId: vm.id });
    host.silent = false;
    await until(
      () => volumeOf(stays),
      ({ status }) => status === "available",
    );
    expect((await refused(demo.volume.get(goes, {}))).reason).to.equal("notFound");
    expect((await demo.quota.get({})).quota.used).to.include({ volumes: 1, volumeGib: 2 });
    expect(await hostDisk(), "what is left of it has its room").to.equal(before);
  });

  it("are not of another project, nor on a host that cannot open them", async () => {
    const { demo, other } = world;
    await world.host("a", { drivers: { ...drivers, abilities: { ...drivers.abilities, volumes: [] } } });
    const vm = await make();
    const id = await made("data");
    const { volume: theirs } = await other.volume.create({ name: "theirs", sizeGib: 1 });
    const asked = (volume: string) => refused(demo.instance.volumeAttach(vm.id, { volume }));
    expect((await asked(theirs.id)).reason).to.equal("notFound");
    expect((await asked(id)).message).to.contain("gives guests no volumes");
  });
});
