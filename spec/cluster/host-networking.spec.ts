/** A host applies the picture of its networks that controllers have, and keeps it while nobody answers. */
import { expect } from "chai";
import { partsFor } from "../../actors/control/networking/picture.ts";
import { hostLimits } from "../../actors/node/host/limits.ts";
import type { HostNetworking, NetworkPicture } from "../../protocol/networking.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { HostWorld } from "../support/host-world.ts";

const interfaces = [{ portId: "p1", networkId: "n", mac: "52:54:00:00:00:01", mtuBytes: 1_450 }];
const port = {
  ...{ id: "p1", instanceId: "a", mac: "52:54:00:00:00:01", addresses: [], portSecurity: true },
  ...{ addressPairs: [], groupIds: ["g"] },
};
const network: NetworkPicture = { id: "n", number: 1, mtuBytes: 1_450, subnets: [], ports: [port] };
const group = { id: "g", rules: [], members: [] };
const at = (version: number, given: Partial<HostNetworking> = {}): HostNetworking => ({
  ...{ version, networks: [network], groups: [group] },
  ...given,
});

const none = { networks: [], groups: [] };

describe("the network of a host", () => {
  let world: HostWorld;
  /** The agent has asked once, and the answer was an empty picture. */
  beforeEach(async () => {
    world = new HostWorld();
    world.controller.networking = at(1, none);
    await untilVersion(1);
    world.controller.pulls.length = 0;
    world.controller.networking = at(3);
  });
  afterEach(() => world.end());

  const plugIn = async () => {
    await world.ensure("a", { generation: 1, power: "running" }, 1, interfaces);
    await world.until("a", "running");
  };
  const applied = () => world.machine.ports.applied;
  const untilVersion = (version: number) => world.clock.runUntil(() => applied()?.version === version);
  const audited = () => world.settled(() => world.host.handlers.audit({}, world.context()));

  it("is as controllers have it soon after a guest was plugged in, and asks nobody in between", async () => {
    world.clock.advance(10 * hostLimits.networkPullPeriodMs);
    await world.settled(async () => undefined);
    expect(world.controller.pulls).to.deep.equal([]);
    await plugIn();
    expect(applied()).to.deep.equal(at(3));
    expect((await audited()).networking).to.deep.include({ version: 3, failure: null });
  });

  it("says of a port how it is applied, nothing of one that is not, and why its network stays as it is", async () => {
    const said = (portIds: string[]) =>
      world.settled(() => world.host.handlers.portStates({ portIds }, world.context()));
    const none = { failure: null, failed: [] };
    expect(await said(["p1"])).to.deep.equal({ networking: { ...none, ports: [] } });
    await plugIn();
    await untilVersion(3);
    expect(await said(["p1", "p2"])).to.deep.equal({ networking: { ...none, ports: [port] } });
    const why = "It has no room.";
    world.machine.ports.failures = [{ of: "network", id: "n", why }];
    expect((await said(["p1", "p2"])).networking).to.deep.equal({
      ...{ failure: null, ports: [port], failed: [{ of: "network", id: "n", why, portId: "p1" }] },
    });
    expect((await audited()).networking?.failed).to.deep.equal([{ of: "network", id: "n", why }]);
    world.machine.ports.failures = [];
    world.controller.reachable = false;
    const asked = world.controller.pulls.length;
    await world.clock.runUntil(() => world.controller.pulls.length > asked + 1);
    expect((await said(["p2"])).networking).to.deep.equal({ ...none, failure: "No controller.", ports: [] });
  });

  it("follows a change of which it was not told, and is sent only what has changed", async () => {
    await plugIn();
    await untilVersion(3);
    const mtu = { ...network, mtuBytes: 1_400 };
    world.controller.networking = at(9, { networks: [mtu] });
    await untilVersion(9);
    expect(applied()?.networks).to.deep.equal([mtu]);
    expect(world.controller.pulls.map((have) => have.length)).to.deep.equal([0, 2]);
    const { networking } = await audited();
    expect(networking?.parts).to.have.length(2);
  });

  it("follows soon what it is told of, and asks only now and then however often that is", async () => {
    await plugIn();
    world.controller.networking = at(9);
    const changed = () => world.settled(() => world.host.handlers.networkChanged({}, world.context()));
    for (let times = 0; times < 1_000; times += 1) await changed();
    await untilVersion(9);
    expect(world.controller.pulls).to.have.length(2);
    for (let times = 0; times < 100; times += 1) {
      await changed();
      await world.clock.advance(10);
    }
    expect(world.controller.pulls.length).to.be.within(9, 13);
  });

  it("stays as it is while no controller answers, says so, and goes on when one does", async () => {
    await plugIn();
    await untilVersion(3);
    world.controller.reachable = false;
    world.controller.networking = at(5, { groups: [] });
    const failed = async () => (await audited()).networking?.failure;
    world.clock.advance(2 * hostLimits.networkPullPeriodMs);
    await world.clock.runUntil(() => world.controller.pulls.length === 3);
    expect(applied()).to.deep.equal(at(3));
    expect(await failed()).to.equal("No controller.");
    world.controller.reachable = true;
    await untilVersion(5);
    expect(await failed()).to.equal(null);
  });

  it("stays as it is over lives of the agent, the next of which asks again for all of it", async () => {
    await plugIn();
    await untilVersion(3);
    await world.stopAgent();
    expect(applied()).to.deep.equal(at(3));
    world.controller.networking = at(4);
    world.startAgent();
    await untilVersion(4);
    expect(world.controller.pulls).to.deep.equal([[], []]);
  });

  it("has nothing left of guests that went while no agent lived to hear of it", async () => {
    await plugIn();
    await untilVersion(3);
    await world.ensure("a", { generation: 2, power: "deleted" }, 1, interfaces);
    await world.until("a", "gone");
    await world.stopAgent();
    expect(applied()).to.deep.equal(at(3));
    world.controller.networking = at(8, none);
    world.startAgent();
    await untilVersion(8);
    expect(applied()?.networks).to.deep.equal([]);
  });

  it("needs no controller that knows of networks while nothing is plugged in", async () => {
    await world.stopAgent();
    world.controller.portion = () => {
      throw new StatusError("unknownMethod", "There is no such method.");
    };
    world.startAgent();
    await world.clock.runUntil(() => world.controller.pulls.length === 1);
    expect((await audited()).networking?.failure).to.equal(null);
    await plugIn();
    await world.clock.runUntil(() => world.controller.pulls.length >= 2);
    expect((await audited()).networking?.failure).to.equal("There is no such method.");
  });

  it("has nothing left when its last guest is gone", async () => {
    await plugIn();
    await untilVersion(3);
    await world.ensure("a", { generation: 2, power: "deleted" }, 1, interfaces);
    await world.until("a", "gone");
    world.controller.networking = at(8, none);
    await untilVersion(8);
    const asked = world.controller.pulls.length;
    world.clock.advance(10 * hostLimits.networkPullPeriodMs);
    await world.settled(async () => undefined);
    expect(world.controller.pulls).to.have.length(asked);
  });

  it("is applied anew when a picture was applied in part and its last guest has gone", async () => {
    const { ports } = world.machine;
    const before = ports.applied;
    const breaks = () => {
      throw new StatusError("hypervisorRefused", "A router was made, and no way outside.");
    };
    Object.defineProperty(ports, "applied", { configurable: true, get: () => before, set: breaks });
    await plugIn();
    await world.clock.runUntil(() => world.controller.pulls.length >= 2);
    await world.ensure("a", { generation: 2, power: "deleted" }, 1, interfaces);
    await world.until("a", "gone");
    Object.defineProperty(ports, "applied", { configurable: true, writable: true, value: before });
    world.controller.networking = at(8, none);
    await untilVersion(8);
    expect((await audited()).networking).to.deep.include({ version: 8, failure: null });
  });

  it("asks until it has been told all, and does not ask for ever for what nobody says", async () => {
    const told = partsFor(at(4), new Set());
    const [first, rest] = [told.networks, told.groups.map((part) => ({ ...part, picture: null }))];
    world.controller.portion = () => ({ ...told, networks: first, groups: rest });
    await plugIn();
    await world.clock.runUntil(() => world.controller.pulls.length >= 2);
    expect(applied()).to.deep.equal(at(1, none));
    expect((await audited()).networking?.failure).to.equal("Nobody says what 1 parts of the picture are.");
    world.controller.portion = undefined;
    await untilVersion(3);
    expect(world.controller.pulls.at(-1)).to.have.length(1);
  });

  it("is not set back by an answer that is older than what it has, and says so", async () => {
    await plugIn();
    await untilVersion(3);
    world.controller.networking = at(2, { groups: [] });
    world.clock.advance(hostLimits.networkPullPeriodMs);
    await world.clock.runUntil(() => world.controller.pulls.length >= 2);
    const { networking } = await audited();
    expect(networking?.version).to.equal(3);
    expect(networking?.failure).to.match(/as of event 2, and event 3 is known: was the database set back/);
    expect(applied()).to.deep.equal(at(3));
  });
});
