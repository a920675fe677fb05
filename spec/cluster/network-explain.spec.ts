/** `network explain` from outside: instances of own and other projects, rules taken back, hosts apart. */
import { expect } from "chai";
import { partsFor, pictureOf } from "../../actors/control/networking/picture.ts";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

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
  },
  networking: { mtuBytesMax: 65_535, spansHosts: false, underlay: null },
};

describe("network explain", () => {
  let world: World;
  let host: Awaited<ReturnType<World["host"]>>;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    host = await world.host("h1", { drivers, bootId: "boot-1" });
    const { network } = await world.admin.network.create({ name: "tour", shared: true });
    await world.admin.subnet.create({ name: "s", network: network.id, cidr: "10.0.0.0/24" });
  });
  afterEach(() => world.stop());

  const guest = async (name: string, project: "demo" | "other" = "demo") => {
    const asked = { name, flavor: "tiny", image: "tiny", networks: [{ network: "tour" }], wait: true };
    return (await world[project].instance.create(asked)).instance;
  };
  /** The host says that the picture of now is applied. */
  const applied = async () => {
    const { version, networks, groups } = partsFor(
      pictureOf(await world.store.networking.ofHost("h1")),
      new Set(),
    );
    const parts = [...networks, ...groups].map(({ hash }) => hash);
    host.networking = { version, parts, lookedAgoMs: 0, failure: null };
  };

  it("says what lets it pass, and what stops it once the rule is taken back", async () => {
    const web = await guest("web");
    const db = await guest("db");
    const address = web.interfaces?.[0]?.addresses[0]?.address ?? "none";
    const asked = { from: "web", to: db.id };
    expect((await world.demo.network.explain(asked)).passes, "nothing is heard of the network").to.equal(
      null,
    );
    await applied();
    const passing = await world.demo.network.explain(asked);
    expect([passing.passes, passing.message]).to.deep.equal([true, "It passes from web to db."]);
    expect([passing.from.address, passing.to.hostName]).to.deep.equal([address, "host-h1"]);
    const { ruleId = "" } = passing.steps.find(({ step }) => step === "ingress") ?? {};
    await world.demo.securityGroupRule.delete(ruleId, {});
    const stopped = await world.demo.network.explain({ ...asked, protocol: "udp", port: 53 });
    expect(stopped.passes).to.equal(false);
    expect(stopped.message).to.contain(`of the group default of db allows udp 53 from ${address}.`);
    expect(stopped.steps.filter(({ step }) => step === "host").map(({ passes }) => passes)).to.deep.equal([
      null,
    ]);
    await applied();
    const { steps } = await world.demo.network.explain(asked);
    expect(steps.filter(({ passes }) => passes !== true).map(({ step }) => step)).to.deep.equal(["ingress"]);
  });

  it("says nothing of instances of other projects, also on a network that is shared", async () => {
    await guest("web");
    const foreign = await guest("theirs", "other");
    const none = await refused(world.demo.network.explain({ from: "web", to: crypto.randomUUID() }));
    for (const to of [foreign.id, "theirs"]) {
      const fault = await refused(world.demo.network.explain({ from: "web", to }));
      expect([fault.reason, fault.code]).to.deep.equal(["instanceNotFound", none.code]);
      expect(fault.message).to.equal(`There is no instance ${to}.`);
    }
    const seen = await world.admin.network.explain({ from: "web", to: "theirs" });
    expect(seen.passes).to.equal(false);
    expect(seen.message).to.match(/default of theirs allows a ping from/);
  });

  it("refuses what is no question", async () => {
    await guest("web");
    await guest("web");
    await guest("db");
    const why = async (asked: Parameters<World["demo"]["network"]["explain"]>[0]) =>
      (await refused(world.demo.network.explain(asked))).message;
    expect(await why({ from: "web", to: "db" })).to.match(/^Several instances are called web: /);
    expect(await why({ from: "db", to: "db" })).to.match(/to is the same instance as from/);
    expect(await why({ from: "db", to: "web", protocol: "icmp", port: 8 })).to.match(/does not go with icmp/);
    expect(await why({ from: "db", to: "web", protocol: "udp" })).to.match(/port is missing/);
  });

  it("knows stopped guests and hosts apart", async () => {
    await guest("web");
    const second = await world.host("h2", { drivers, bootId: "boot-2" });
    await world.admin.host.disable("h1", { reason: "spec" });
    const db = await guest("db");
    expect(db.hostName).to.equal("host-h2");
    await applied();
    second.networking = host.networking;
    const { passes, steps } = await world.demo.network.explain({ from: "web", to: "db" });
    expect(passes).to.equal(false);
    expect(steps.find(({ step }) => step === "between")?.message).to.match(/reaches no other computer/);
    await world.demo.instance.stop(db.id, { wait: true });
    const { message } = await world.demo.network.explain({ from: "web", to: "db" });
    expect(message).to.match(/db is stopped\.$/);
  });
});
