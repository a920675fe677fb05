/** A name that several hosts have: nothing is done to any of them. */
import { expect } from "chai";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

describe("a name that two hosts have", () => {
  let world: World;
  const cut: string[] = [];
  const power = {
    has: () => true,
    off: async (name: string) => {
      cut.push(name);
      return { kind: "redfish", at: "https://bmc.example", said: "off", tookMs: 5 } as const;
    },
  };
  // A computer that was installed anew: its old row is fenced, and still there.
  beforeEach(async () => {
    cut.splice(0);
    world = await controllerWorld({ power });
    await world.host("a", { name: "node-1" });
    await world.admin.host.fence("a", { confirm: "node-1", reason: "It burnt.", force: true });
    await world.host("b", { name: "node-1" });
  });
  afterEach(() => world.stop());

  it("is refused by every method that takes a host, with the ids and what tells them apart", async () => {
    const { host, aggregate, instance } = world.admin;
    await aggregate.create({ name: "rack" });
    const attempts = [
      () => host.get("node-1", {}),
      () => host.enable("node-1", {}),
      () => host.disable("node-1", { reason: "x" }),
      () => host.drain("node-1", { reason: "x" }),
      () => host.fence("node-1", { confirm: "node-1", power: true }),
      () => host.remove("node-1", {}),
      () => aggregate.addHost("rack", { host: "node-1" }),
      () => aggregate.removeHost("rack", { host: "node-1" }),
      () => instance.create({ name: "web", flavor: "tiny", image: "tiny", host: "node-1" }),
    ];
    for (const attempt of attempts) {
      const { reason, code, message, details } = await refused(attempt());
      expect([reason, code]).to.deep.equal(["hostAmbiguous", "FAILED_PRECONDITION"]);
      expect(message).to.match(
        /^Several hosts are called node-1: a \(lease fenced, registered 20.*Z\), b \(lease held, registered 20.*Z\)\.$/,
      );
      expect(details).to.deep.equal([{ hostId: "a" }, { hostId: "b" }]);
    }
    expect(cut).to.deep.equal([]);
    const { hosts } = await host.list({});
    expect(hosts.map(({ enabled, lease }) => [enabled, lease?.state])).to.deep.equal([
      [true, "fenced"],
      [true, "held"],
    ]);
  });

  it("does no harm to who says the id", async () => {
    const { host } = await world.admin.host.fence("b", { confirm: "node-1", power: true });
    expect([host.id, host.lease?.state, cut]).to.deep.equal(["b", "fenced", ["node-1"]]);
    expect((await world.admin.host.remove("a", {})).host.id).to.equal("a");
    expect((await world.admin.host.get("node-1", {})).host.id).to.equal("b");
  });

  const namesFound = async () =>
    (await world.admin.doctor.examine({})).findings
      .filter(({ message }) => message.startsWith("Several hosts"))
      .map(({ subject, message, next }) => [subject, message, next]);

  it("is a finding of the doctor, until one of them is removed", async () => {
    const [[subject, message, next] = []] = await namesFound();
    expect(subject).to.equal("host node-1");
    expect(message).to.equal("Several hosts are meant by it: a (lease fenced), b (lease held).");
    expect(next).to.include("novact host remove").and.to.include("another name in cluster.yaml");
    await world.admin.host.remove("a", {});
    expect(await namesFound()).to.deep.equal([]);
  });

  it("is a finding, until the agent of one of them comes back with another name", async () => {
    expect(await namesFound()).to.have.length(1);
    await world.host("b", { name: "node-2" });
    expect(await namesFound()).to.deep.equal([]);
    expect((await world.admin.host.get("node-2", {})).host.id).to.equal("b");
    expect((await world.admin.host.get("node-1", {})).host.id).to.equal("a");
  });

  it("may be another host's id: a finding as well", async () => {
    await world.host("c", { name: "d" });
    await world.host("d", { name: "e" }).catch(() => undefined);
    const found = await namesFound();
    expect(found.map(([subject]) => subject)).to.include.members(["host node-1", "host d"]);
  });
});
