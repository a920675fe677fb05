/**
 * What the kernel refuses of one port, network or router is that one's failure alone, in the driver `bridge`
 * with its rules: all others are as their picture says, and the bad one is closed until it is right. Needs
 * root, iproute2, nftables, conntrack and QEMU (which only holds taps); skips loudly elsewhere.
 */
import { expect } from "chai";
import { bridgeName, tapName } from "../../nodes/drivers/bridge-network/device-names.ts";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { HostNetworking, PortPicture } from "../../protocol/networking.ts";
import { type BridgeHost, makeBridgeHost, missingForBridges } from "../support/bridge-host.ts";
import { ids, macOf, networkPicture, portPicture, portRecord } from "../support/fabric-pictures.ts";
import { missingForFabrics } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import { rule } from "../support/switch-world.ts";

const never = new AbortController().signal;
const timeoutMs = 10_000;
const good = { id: "good", rules: [], members: [] };
/** A controller of another version may say anything. */
const bad = { id: "bad", members: [], rules: [rule({ direction: "egress", protocol: 999 })] };

describe("what the kernel refuses of a picture", function () {
  this.timeout(120_000);
  let host: BridgeHost;
  let version = 0;
  const picture = (first: readonly PortPicture[], second: readonly PortPicture[]): HostNetworking => {
    version += 1;
    const networks = [networkPicture(first), networkPicture(second, 2)];
    return { version, networks, groups: [good, bad] };
  };
  const port = (number: number, given: Partial<PortPicture> = {}) => ({
    ...portPicture(number, ["good"]),
    ...given,
  });
  const plug = async (number: number, network = 1, mac = macOf(number)) => {
    const spec = { ...portRecord(number, network), mac };
    await host.openDevice(await host.network.ensurePort(spec, never), spec);
    await host.network.plugged(spec.portId, never);
  };
  /** Ports that the rules let in. */
  const open = async () => {
    const { output } = await host.fabric.run("nft", ["list", "map", "bridge", "nv", "entry"], { timeoutMs });
    return [1, 2, 3, 4].filter((number) => output.includes(tapName(ids.port(number))));
  };
  /** Addresses by which the fabric answers guests of the network: two for each port. */
  const answered = async (network: number) => {
    const argv = ["route", "show", "dev", bridgeName(ids.network(network))];
    const { output } = await host.fabric.run("ip", argv, { timeoutMs });
    return output.split("\n").filter((line) => line !== "").length;
  };
  const failed = () => host.network.failures().map(({ of, id }) => [of, id]);

  before(async function () {
    const missing = missingForFabrics() ?? missingForBridges();
    if (missing !== undefined) return skip(this, missing);
    host = await makeBridgeHost({ filter: packetFilter({ clock: systemClock, log: silentLog }) });
    for (const number of [1, 2]) await plug(number);
    await plug(3, 2);
  });
  after(() => host?.close());

  it("is nothing where all is well", async () => {
    await host.network.apply(picture([port(1), port(2)], [port(3)]), never);
    expect([await open(), failed()]).to.deep.equal([[1, 2, 3], []]);
  });

  it("is the rules of one port, which has none until they are right", async () => {
    const sick = port(2, { groupIds: ["bad"] });
    const told = picture([port(1), sick], [port(3)]);
    expect(await host.network.apply(told, never)).to.equal(version);
    expect([await open(), failed()]).to.deep.equal([[1, 3], [["port", ids.port(2)]]]);
    expect(host.network.failures()[0]?.why).to.match(/does not take its packet rules: Error: Protocol/);
    await host.network.plugged(ids.port(1), never);
    // The same again is no change of the kernel's.
    await host.network.apply(told, never);
    expect(await open()).to.deep.equal([1, 3]);
    await host.network.apply(picture([port(1), port(2)], [port(3)]), never);
    expect([await open(), failed()]).to.deep.equal([[1, 2, 3], []]);
  });

  it("is tried where nothing else is, while others' rules go into the kernel at once", async () => {
    await host.network.apply(picture([port(1), port(2, { groupIds: ["bad"] })], [port(3)]), never);
    const { fabric } = host;
    const run = fabric.run;
    const codes: (number | null)[] = [];
    fabric.run = async (...of) => {
      const said = await run.apply(fabric, of);
      if (of[0] === "nft" && of[1].includes("-f")) codes.push(said.exitCode);
      return said;
    };
    try {
      await host.network.apply(picture([port(1), port(2, { groupIds: ["bad"] })], []), never);
      const changed = port(2, { groupIds: ["bad", "good"] });
      await host.network.apply(picture([port(1), changed], [port(3)]), never);
    } finally {
      fabric.run = run;
    }
    expect(codes).to.deep.equal([0, 0]);
    expect([await open(), failed()]).to.deep.equal([[1, 3], [["port", ids.port(2)]]]);
  });

  it("is so also for an agent that begins", async () => {
    await host.restartAgent();
    await host.network.apply(picture([port(1), port(2, { groupIds: ["bad"] })], [port(3)]), never);
    expect([await open(), failed()]).to.deep.equal([[1, 3], [["port", ids.port(2)]]]);
    await host.network.apply(picture([port(1), port(2)], [port(3)]), never);
    expect([await open(), failed()]).to.deep.equal([[1, 2, 3], []]);
  });

  it("is the device of one port, which has no rules until it is right", async () => {
    // Bridges have none such.
    const mac = "00:00:00:00:00:00";
    await host.network.apply(picture([port(1), port(2)], [port(3), port(4, { mac })]), never);
    const refused = await plug(4, 2, mac).then(
      () => "nothing",
      (error: unknown) => String(error),
    );
    expect(refused).to.include("could not do this");
    expect([await open(), failed()]).to.deep.equal([[1, 2, 3], [["port", ids.port(4)]]]);
    await host.network.releasePort(ids.port(4), 1, never);
    expect([await open(), failed()]).to.deep.equal([[1, 2, 3], []]);
  });

  it("is a network's bridge, and all of its ports are closed until it is right", async () => {
    const told = picture([port(1), port(2)], [port(3)]);
    const networks = told.networks.map((one) =>
      one.id === ids.network(2) ? { ...one, mtuBytes: 70_000 } : one,
    );
    expect(await host.network.apply({ ...told, networks }, never)).to.equal(version);
    expect([await open(), failed()]).to.deep.equal([[1, 2], [["network", ids.network(2)]]]);
    await host.network.apply({ ...told, networks }, never);
    expect(await answered(2)).to.equal(0);
    await host.network.apply(picture([port(1), port(2)], [port(3)]), never);
    expect([await open(), failed()]).to.deep.equal([[1, 2, 3], []]);
    expect(await answered(2)).to.equal(2);
  });
});
