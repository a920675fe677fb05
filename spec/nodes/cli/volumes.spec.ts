/** Volumes by the commands: made, given to an instance, shown with it, and refused in words. */
import { expect } from "chai";
import type { HostDrivers } from "../../../protocol/host-drivers.ts";
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

describe("novact volume", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a", { drivers });
    novact = commandOn(connectOn(world.bus, "test").connect);
  });
  afterEach(() => world.stop());

  it("gives an instance a volume, which is shown with it, and takes it back", async () => {
    await novact("instance create web --flavor tiny --image tiny --wait");
    expect((await novact("volume create data --size 2")).exit).to.equal(0);
    const attached = await novact("volume attach web data --wait --delete-on-termination");
    expect(attached.exit, attached.err).to.equal(0);
    const shown = await novact("instance show web");
    expect(shown.out).to.match(/^volume 0 +\S+, 2 GiB, deleted with the instance$/m);
    expect((await novact("volume list")).out).to.match(/data +2 GiB +in-use/);
    const refused = await novact("volume delete data");
    expect([refused.exit !== 0, refused.err.includes("reason: inUse")]).to.deep.equal([true, true]);
    expect((await novact("volume detach web data --wait")).exit).to.equal(0);
    expect((await novact("instance show web")).out).not.to.include("volume 0");
    expect((await novact("volume delete data")).exit).to.equal(0);
  });
});
