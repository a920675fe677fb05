/** Volumes on the command line of `novact instance create`: a root disk on one, and others beside it. */
import { expect } from "chai";
import type { HostDrivers } from "../../../protocol/host-drivers.ts";
import { image } from "../../../protocol/image.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

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

describe("novact instance create with volumes", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a", { drivers, diskGib: 30 });
    novact = commandOn(connectOn(world.bus, "test").connect);
  });
  afterEach(() => world.stop());

  const create = (more: string) => novact(`instance create vm --flavor tiny --wait ${more}`);

  it("has its root disk on one that is there, and others beside it, which are shown with it", async () => {
    await novact("volume create system --size 2");
    await novact("volume create data --size 3");
    const made = await create("--image tiny --boot-volume system --volume data,delete --new-volume 4G");
    expect(made.exit, made.err).to.equal(0);
    const { out } = await novact("instance show vm");
    expect(out).to.match(/^flavor +tiny: 1 vCPU, 128 MiB, its disk is a volume$/m);
    expect(out).to.match(/^volume 0 +\S+, 2 GiB, root disk$/m);
    expect(out).to.match(/^volume 1 +\S+, 3 GiB, deleted with the instance$/m);
    expect(out).to.match(/^volume 2 +\S+, 4 GiB$/m);
    const refused = await novact("volume detach vm system");
    expect(refused.err).to.contain("reason: rootVolume");
    expect((await novact("instance delete vm --wait")).exit).to.equal(0);
    const { out: left } = await novact("volume list");
    expect(left).to.match(/system +2 GiB +available/);
    expect(left).to.match(/vm-2 +4 GiB +available/);
    expect(left).not.to.contain("data");
  });

  it("has it on a new one as --json has it, which goes with it when that is said", async () => {
    const disk = { sha256: "a".repeat(64), sizeBytes: 10, format: "raw", virtualSizeBytes: 10 } as const;
    const [kernel] = await world.store.rows.list(image, { limit: 1 });
    if (kernel === undefined) throw new Error("The world has an image.");
    const row = { ...kernel, id: "disk-image", name: "disk", disk };
    await world.store.commit({ rows: [{ resource: image, made: row }] });
    const made = await create("--image disk --volume-size 5 --delete-on-termination --json");
    expect(made.exit, made.err).to.equal(0);
    expect(made.out).to.match(/"bootIndex": ?0/);
    expect((await novact("instance delete vm --wait")).exit).to.equal(0);
    expect((await novact("volume list")).out).not.to.contain("GiB");
  });

  it("refuses what contradicts itself, or says nothing", async () => {
    const saidOf = async (more: string) => {
      const { exit, err } = await create(more);
      return [exit, err.split("\n")[0]];
    };
    expect(await saidOf("")).to.deep.equal([2, "error: Nothing says what it boots from."]);
    expect(await saidOf("--boot-volume v --volume-size 2")).to.deep.equal([
      2,
      "error: --boot-volume is a volume that has a size: leave out --volume-size.",
    ]);
    expect((await saidOf("--image tiny --delete-on-termination"))[0]).to.equal(2);
    expect((await saidOf("--image tiny --new-volume 2G,often"))[0]).to.equal(2);
    expect((await saidOf("--image tiny --new-volume some"))[0]).to.equal(2);
  });
});
