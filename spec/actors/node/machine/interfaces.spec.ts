/** What a host's network is told of the ports that a machine is to be plugged into. */
import { expect } from "chai";
import { plugIn } from "../../../../actors/node/machine/interfaces.ts";
import type { Network, PortSpec } from "../../../../actors/ports/network.ts";
import { FakeNetwork, FakePorts } from "../../../../nodes/drivers/fake/network.ts";
import { needsOf } from "../../../../protocol/agent-needs.ts";
import { machineSpec } from "../../../support/driver-world.ts";

const never = new AbortController().signal;

describe("a machine's interfaces", () => {
  it("are ports of the instance, each on its network, and on the operator's where it is one of these", async () => {
    const network: Network = new FakeNetwork(new FakePorts());
    const asked: PortSpec[] = [];
    network.ensurePort = async (port) => {
      asked.push(port);
      return { kind: "macvtap", path: `/dev/${port.portId}`, mac: port.mac, mtuBytes: port.mtuBytes };
    };
    const at = (portId: string) => ({ portId, networkId: "n", mac: "52:54:00:00:00:01", mtuBytes: 1_450 });
    const interfaces = [at("one"), { ...at("other"), physicalNetwork: "provider", place: 3 }];
    const spec = machineSpec({ interfaces });
    const { interfaces: devices } = await plugIn(network, spec, never);
    const { instanceId, ownerEpoch } = spec;
    const of = { instanceId, ownerEpoch, hostName: asked[0]?.hostName, told: undefined };
    expect(asked).to.deep.equal([
      { ...at("one"), ...of },
      { ...at("other"), ...of, physicalNetwork: "provider" },
    ]);
    const intent = { power: "running", keepDisk: false } as const;
    const needs = needsOf({ spec, intent, leaseEpoch: 0 });
    expect(needs, "an agent that does not know of it starts nothing").to.include("physicalNetwork");
    const plain = machineSpec({ interfaces: [at("one")] });
    expect(needsOf({ spec: plain, intent, leaseEpoch: 0 })).not.to.include("physicalNetwork");
    expect(devices?.map(({ kind }) => kind)).to.deep.equal(["macvtap", "macvtap"]);
  });
});
