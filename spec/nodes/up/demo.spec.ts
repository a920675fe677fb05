/** The demo of a new cluster: what it makes, once, and what it leaves alone. */
import { expect } from "chai";
import { demoShown, makeFirst, makeSecond } from "../../../nodes/up/demo.ts";
import type { HostDrivers } from "../../../protocol/host-drivers.ts";
import { until } from "../../support/asking.ts";
import { controllerWorld } from "../../support/controller-world.ts";

const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "user", volumes: null },
  abilities: {
    ...{
      networks: ["stream"],
      volumes: [],
      hotPlug: false,
      liveMigration: false,
      console: true,
      save: false,
    },
    configDrive: true,
  },
};

describe("the demo of a new cluster", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  beforeEach(async () => {
    world = await controllerWorld();
  });
  afterEach(() => world.stop());
  const networks = async () => (await world.demo.network.list({})).networks.map(({ name }) => name);

  it("is a network with two guests, of which the second is told to ping the first", async () => {
    const host = await world.host("a", { drivers });
    const first = await makeFirst(world.admin, world.demo);
    expect(first.interfaces?.map(({ addresses }) => addresses[0]?.address)).to.deep.equal(["10.0.0.2"]);
    expect(await demoShown(world.demo)).to.deep.equal({ hasNetwork: true, hasBoth: false });
    const second = await makeSecond(first, world.demo);
    expect(second?.interfaces?.[0]?.networkId).to.equal(first.interfaces?.[0]?.networkId);
    expect(await demoShown(world.demo)).to.deep.equal({ hasNetwork: true, hasBoth: true });
    const told = () => host.ensured.find(({ spec }) => spec.name === "friend");
    await until(
      async () => told(),
      (one) => one !== undefined,
    );
    const { guest } = told()?.spec ?? {};
    expect(Buffer.from(guest?.userData ?? "", "base64").toString()).to.equal(
      "#!/bin/sh\nping -c 3 10.0.0.2\n",
    );
  });

  it("goes on where a start was cut off, and makes nothing twice", async () => {
    await world.host("a", { drivers });
    const { network } = await world.demo.network.create({ name: "lan" });
    const first = await makeFirst(world.admin, world.demo);
    expect(first.interfaces?.[0]?.networkId).to.equal(network.id);
    const again = await makeFirst(world.admin, world.demo);
    expect(again.interfaces?.[0]?.networkId).to.equal(network.id);
    expect([await networks(), (await world.demo.subnet.list({})).subnets.length]).to.deep.equal([["lan"], 1]);
  });

  it("adds no network to those that somebody made, and is one guest then", async () => {
    await world.host("a", { drivers });
    await world.demo.network.create({ name: "mine" });
    const first = await makeFirst(world.admin, world.demo);
    expect([first.interfaces, await networks()]).to.deep.equal([null, ["mine"]]);
    expect(await makeSecond(first, world.demo)).to.equal(undefined);
    expect(await demoShown(world.demo)).to.deep.equal({ hasNetwork: false, hasBoth: false });
  });

  it("is one guest where no host has a network", async () => {
    await world.host("a");
    const first = await makeFirst(world.admin, world.demo);
    expect([first.interfaces, await networks()]).to.deep.equal([null, []]);
  });
});
