/** A host plugs its guests into their ports before they start, and keeps the ports until they are gone. */
import { expect } from "chai";
import type { MachineIntent } from "../../protocol/machine.ts";
import { HostWorld } from "../support/host-world.ts";

const interfaces = ["p1", "p2"].map((portId, index) => ({
  ...{ portId, networkId: "n", mac: `52:54:00:00:00:0${index + 1}`, mtuBytes: 1_450 },
}));

describe("a host with guests on networks", () => {
  let world: HostWorld;
  beforeEach(() => {
    world = new HostWorld();
  });
  afterEach(() => world.end());

  const ask = (intent: Partial<MachineIntent>, ownerEpoch = 1) =>
    world.ensure("a", intent, ownerEpoch, interfaces);
  const ports = () => [...world.machine.ports.plugged.values()].map((one) => [one.portId, one.ownerEpoch]);

  it("has their ports from before they run until they are gone, over stops and lives of the agent", async () => {
    await ask({ generation: 1, power: "running" });
    await world.until("a", "running");
    expect(ports()).to.deep.equal([
      ["p1", 1],
      ["p2", 1],
    ]);
    await ask({ generation: 2, power: "stopped", stop: { mode: "hard", timeoutMs: 0 } });
    await world.until("a", "stopped");
    await world.stopAgent();
    world.startAgent();
    expect(ports()).to.have.length(2);
    await ask({ generation: 3, power: "running" });
    await world.until("a", "running");
    expect(ports()).to.have.length(2);
    await ask({ generation: 4, power: "deleted" });
    await world.until("a", "gone");
    expect(ports()).to.deep.equal([]);
  });

  it("plugs in and unplugs while a guest runs, and has let go of what it does not say any more", async () => {
    const at = (count: number, places: readonly number[]) =>
      world.ensure(
        "a",
        { generation: count, power: "running" },
        1,
        places.map((place) => ({
          ...{ portId: `p${place}`, networkId: "n", mac: `52:54:00:00:00:0${place}`, mtuBytes: 1_450, place },
        })),
      );
    const saidPorts = () => world.controller.seen.get("a")?.ports;
    const said = (portIds: readonly string[]) =>
      world.clock.runUntil(() => saidPorts()?.join(" ") === portIds.join(" "));
    const inGuest = () => [...(world.machine.interfacesOf("a")?.keys() ?? [])];
    await at(1, [0]);
    await said(["p0"]);
    const [{ pid } = { pid: 0 }] = world.machine.list();
    for (const [round, places] of [[0, 1, 3], [1, 3], [], [2]].entries()) {
      await at(round + 2, places);
      await said(places.map((place) => `p${place}`));
      expect(inGuest()).to.deep.equal(places);
      expect(ports().map(([portId]) => portId)).to.deep.equal(places.map((place) => `p${place}`));
    }
    expect(world.machine.list()[0]?.pid).to.equal(pid);
  });

  it("lets go of an interface though another one cannot be plugged in, and says of that one nothing", async () => {
    const at = (generation: number, ...places: readonly number[]) => {
      const all = places.map((place) => ({
        ...{ portId: `p${place}`, networkId: "n", mac: `52:54:00:00:00:0${place}`, place },
        mtuBytes: place === 3 ? 9_000 : 1_450,
      }));
      return world.ensure("a", { generation, power: "running" }, 1, all);
    };
    const said = () => world.controller.seen.get("a");
    await at(1, 0, 1);
    await world.until("a", "running");
    await at(2, 0, 1, 3);
    await world.clock.runUntil(() => said()?.intentGeneration === 2 && said()?.reason === "guestFailed");
    expect(said()?.ports).to.deep.equal(["p0", "p1"]);
    await at(3, 1, 3);
    await world.clock.runUntil(() => said()?.intentGeneration === 3 && said()?.ports?.length === 1);
    expect(said()?.ports).to.deep.equal(["p1"]);
    expect(ports().map(([portId]) => portId)).to.deep.equal(["p1"]);
    expect([...(world.machine.interfacesOf("a")?.keys() ?? [])]).to.deep.equal([1]);
    await at(4, 1);
    await world.clock.runUntil(() => said()?.intentGeneration === 4 && said()?.reason === "requested");
    expect(said()?.ports).to.deep.equal(["p1"]);
  });

  it("lets go of an interface though the host waits for another one without end", async () => {
    const said = () => world.controller.seen.get("a");
    await ask({ generation: 1, power: "running" });
    await world.until("a", "running");
    world.machine.inject("rewire", "hang");
    const third = { portId: "p3", networkId: "n", mac: "52:54:00:00:00:09", mtuBytes: 1_450 };
    await world.ensure("a", { generation: 2, power: "running" }, 1, [...interfaces, third]);
    await world.clock.runUntil(() => ports().length === 3);
    await world.ensure("a", { generation: 3, power: "running" }, 1, interfaces.slice(0, 1));
    await world.clock.runUntil(() => said()?.intentGeneration === 3 && said()?.ports?.length === 1);
    expect(ports()).to.deep.equal([["p1", 1]]);
  });

  it("goes on with a change in its next life, and says nothing of it in between", async () => {
    await ask({ generation: 1, power: "running" });
    await world.until("a", "running");
    world.machine.inject("rewire", "hang");
    await world.ensure("a", { generation: 2, power: "running" }, 1, interfaces.slice(0, 1));
    await world.stopAgent();
    world.startAgent();
    await world.clock.runUntil(() => world.controller.seen.get("a")?.ports?.length === 1);
    expect(ports()).to.deep.equal([["p1", 1]]);
    expect(world.machine.interfacesOf("a")?.size).to.equal(1);
  });

  it("gives the ports of an older owner epoch to the newer one", async () => {
    await ask({ generation: 1, power: "running" });
    await world.until("a", "running");
    await ask({ generation: 2, power: "running" }, 2);
    await world.clock.runUntil(() => ports().some(([, epoch]) => epoch === 2));
    expect(ports()).to.deep.equal([
      ["p1", 2],
      ["p2", 2],
    ]);
  });

  it("gives a port to the instance that has it now, and keeps it there when the one before goes", async () => {
    await ask({ generation: 1, power: "running" }, 3);
    await world.until("a", "running");
    // As on a host that was fenced meanwhile, and hears later that its machine is to go.
    await world.ensure("b", { generation: 1, power: "running" }, 1, interfaces);
    await world.until("b", "running");
    await ask({ generation: 2, power: "deleted" }, 3);
    await world.until("a", "gone");
    expect([...world.machine.ports.plugged.values()].map(({ instanceId }) => instanceId)).to.deep.equal([
      "b",
      "b",
    ]);
  });

  it("starts no guest that its network does not take, and leaves nothing of it when it is deleted", async () => {
    const [first] = interfaces;
    const large = first && [{ ...first, mtuBytes: 9_000 }];
    await world.ensure("a", { generation: 1, power: "running" }, 1, large);
    await world.until("a", "failed");
    expect(world.machine.list()).to.deep.equal([]);
    const seen = world.controller.seen.get("a");
    expect(seen?.message).to.match(/carries 1500 bytes at most/);
    // Whoever made the network chose its size: it is no fault of the host's that could have it disabled.
    expect(seen?.reason).to.equal("guestFailed");
    await world.ensure("a", { generation: 2, power: "deleted" }, 1, large);
    await world.until("a", "gone");
    expect([world.machine.disks.size, ports()]).to.deep.equal([0, []]);
  });
});
