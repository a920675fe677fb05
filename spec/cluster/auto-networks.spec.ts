/** `networks: "auto"` and `"none"`: the only network that there is for a project, and no interface at all. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
};

describe("a create that says auto or none for its networks", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a", { drivers });
  });
  afterEach(() => world.stop());

  const create = async (networks?: "auto" | "none") =>
    (
      await world.demo.instance.create({
        ...{ name: "vm", flavor: "tiny", image: "tiny" },
        ...(networks && { networks }),
      })
    ).instance;
  const auto = () => create("auto");
  const make = async (who: "demo" | "other" | "admin", name: string, cidr: string, more: object = {}) => {
    const { network } = await world[who].network.create({ name, ...more });
    if (cidr !== "") await world[who].subnet.create({ name: `of ${name}`, network: network.id, cidr });
    return network.id;
  };
  const whyNot = async () => {
    const { reason, message } = await refused(auto());
    return [reason, message];
  };

  it("has the project's only network, whatever others share", async () => {
    await make("admin", "public", "10.9.0.0/24", { shared: true });
    await make("other", "foreign", "10.8.0.0/24");
    const own = await make("demo", "lan", "10.0.0.0/24");
    const [only, ...more] = (await auto()).interfaces ?? [];
    expect([only?.networkId, more]).to.deep.equal([own, []]);
    expect(only?.addresses).to.have.length(1);
  });

  it("has the only network that is shared where the project has none", async () => {
    await make("admin", "outside", "10.7.0.0/24", { external: true });
    await make("admin", "hidden", "10.6.0.0/24");
    const shared = await make("admin", "public", "10.9.0.0/24", { shared: true });
    expect((await auto()).interfaces?.map(({ networkId }) => networkId)).to.deep.equal([shared]);
  });

  it("is refused where there are several, which it names, or none", async () => {
    expect(await whyNot()).to.deep.equal([
      "notFound",
      "The project has no network, and none is shared with it, so auto has none to choose.",
    ]);
    const ids = [await make("demo", "one", "10.0.0.0/24"), await make("demo", "two", "10.0.1.0/24")];
    expect(await whyNot()).to.deep.equal([
      "ambiguous",
      `The project has 2 networks, and auto chooses only among one: one (${ids[0]}), two (${ids[1]}).`,
    ]);
  });

  it("is refused on a network without subnets, where there are no addresses", async () => {
    await make("demo", "bare", "");
    expect(await whyNot()).to.deep.equal([
      "notFound",
      "The network bare has no subnet, so that auto would give no address: novact subnet create.",
    ]);
  });

  it("has no interface with none, and is as before without a word", async () => {
    await make("demo", "lan", "10.0.0.0/24");
    expect((await create("none")).interfaces).to.deep.equal([]);
    expect((await create()).interfaces).to.equal(null);
  });

  it("is rehearsed as it is made", async () => {
    const asked = { name: "vm", flavor: "tiny", image: "tiny", networks: "auto" as const };
    expect((await refused(world.demo.instance.explainCreate(asked))).reason).to.equal("notFound");
    await make("demo", "lan", "10.0.0.0/24");
    expect((await world.demo.instance.explainCreate(asked)).placed).to.have.length(1);
  });

  it("is no other word", async () => {
    const asked = { name: "vm", flavor: "tiny", image: "tiny", networks: "all" as "auto" };
    expect((await refused(world.demo.instance.create(asked))).reason).to.equal("schemaMismatch");
  });
});
