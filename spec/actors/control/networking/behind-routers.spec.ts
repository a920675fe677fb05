/** Which guests of a host are behind which router, by value. */
import { expect } from "chai";
import { behindRouters } from "../../../../actors/control/networking/behind-routers.ts";
import type { NetworkingRows } from "../../../../actors/ports/networking-reads.ts";

const port = (id: string, instanceId: string): NetworkingRows["ports"][number] => ({
  ...{ id, instanceId, networkId: "n1", mac: "52:54:00:00:00:01" },
  ...{ portSecurity: true, addressPairs: [], bandwidth: null },
});
const gate = (routerId: string, subnetId: string): NetworkingRows["routerInterfaces"][number] => ({
  ...{ routerId, portId: `g-${routerId}-${subnetId}`, networkId: "n1", subnetId },
  ...{ mac: "52:54:00:00:01:01", address: "10.0.0.1" },
});
const router = (id: string, physicalNetwork?: string): NetworkingRows["routers"][number] => ({
  ...{ id, routes: [], snat: true },
  outside:
    physicalNetwork === undefined ? null : { networkId: "n9", physicalNetwork, mtuBytes: 1_500, subnets: [] },
});
const floating = (id: string, routerId: string) => ({
  ...{ id, routerId, address: "192.0.2.2", portId: "p1", target: "10.0.0.3" },
});
const rows: NetworkingRows = {
  version: 7,
  ports: [port("p1", "i1"), port("p2", "i1"), port("p3", "i2")],
  networks: [{ id: "n1", number: 1, mtuBytes: 1_450, physicalNetwork: null }],
  subnets: [],
  addresses: [
    { portId: "p1", subnetId: "s1", address: "10.0.0.3" },
    { portId: "p2", subnetId: "s1", address: "10.0.0.4" },
    { portId: "p3", subnetId: "s2", address: "10.0.1.3" },
  ],
  ...{ memberships: [], rules: [], members: [], far: [], published: [] },
  routers: [router("r2"), router("r1", "public"), router("r3")],
  routerInterfaces: [gate("r1", "s1"), gate("r1", "s2"), gate("r2", "s2"), gate("r3", "s3")],
  floating: [floating("f1", "r1"), floating("f2", "r1")],
};

describe("guests behind routers", () => {
  it("are those with an address in a subnet of the router, each once", () => {
    expect(behindRouters(rows)).to.deep.equal([
      { instanceIds: ["i1", "i2"], physicalNetwork: "public", floating: 2 },
      { instanceIds: ["i2"], physicalNetwork: null, floating: 0 },
    ]);
  });

  it("are none where no router leads to a subnet of theirs", () => {
    expect(behindRouters({ ...rows, routerInterfaces: [gate("r3", "s3")] })).to.deep.equal([]);
  });
});
