/** What is to be in the fabric, by value. */
import { expect } from "chai";
import { type PlanGiven, planOf } from "../../../../nodes/drivers/bridge-network/plan.ts";
import type { FarPicture } from "../../../../protocol/networking.ts";
import { far, ids, networkPicture, portPicture, portRecord } from "../../../support/fabric-pictures.ts";

const given = (over: Partial<PlanGiven> = {}): PlanGiven => ({
  ...{ underlay: "192.0.2.1", services: [], ports: [portRecord(1), portRecord(2)] },
  networking: { version: 1, groups: [], networks: [networkPicture([portPicture(1), portPicture(2)])] },
  ...over,
});
const [bridge, tunnel] = ["nvb00000000f001", "nvx00000000f001"];
const [tap1, tap2] = ["nvt00000000a001", "nvt00000000a002"];

const addressesOf = ({ neighbours }: ReturnType<typeof planOf>) => neighbours.map(({ address }) => address);

describe("The plan of a fabric", () => {
  it("is empty without a picture, but for taps that nothing passes", () => {
    const { taps, ...others } = planOf(given({ networking: null }));
    expect(taps).to.deep.equal([
      { name: tap1, portId: ids.port(1), mtuBytes: 1_400, bridge: null },
      { name: tap2, portId: ids.port(2), mtuBytes: 1_400, bridge: null },
    ]);
    const none = { bridges: [], tunnels: [], hatches: [], places: [], neighbours: [], routes: [] };
    expect(others).to.deep.equal({ ...none, routerPorts: [] });
  });

  it("has a bridge a network and a tap a port, and says who is where", () => {
    expect(planOf(given())).to.deep.equal({
      bridges: [{ name: bridge, networkId: ids.network(1), mac: "0e:6e:00:00:f0:01", mtuBytes: 1_400 }],
      ...{ tunnels: [], hatches: [] },
      taps: [
        { name: tap1, portId: ids.port(1), mtuBytes: 1_400, bridge },
        { name: tap2, portId: ids.port(2), mtuBytes: 1_400, bridge },
      ],
      places: [
        { bridge, mac: "52:54:00:00:01:01", device: tap1, host: null },
        { bridge, mac: "52:54:00:00:01:02", device: tap2, host: null },
      ],
      neighbours: [
        { bridge, address: "169.254.169.254", mac: "0e:6e:00:00:f0:01" },
        { bridge, address: "10.9.0.1", mac: "52:54:00:00:01:01" },
        { bridge, address: "10.9.0.2", mac: "52:54:00:00:01:02" },
      ],
      routes: [],
      routerPorts: [],
    });
  });

  it("has a tunnel where ports of the network are on other hosts, and knows them behind it", () => {
    const networking = given().networking ?? expect.fail();
    const plan = planOf(
      given({ networking: { ...networking, far: [far(1, "192.0.2.2", [7]), far(9, "192.0.2.2", [8])] } }),
    );
    expect(plan.tunnels).to.deep.equal([
      { name: tunnel, networkId: ids.network(1), bridge, number: 77, mtuBytes: 1_400, local: "192.0.2.1" },
    ]);
    expect(plan.places.at(-1)).to.deep.equal({
      bridge,
      mac: "52:54:00:00:01:07",
      device: tunnel,
      host: "192.0.2.2",
    });
    expect(plan.neighbours.at(-1)).to.deep.equal({ bridge, address: "10.9.0.7", mac: "52:54:00:00:01:07" });
  });

  it("has no tunnel without an underlay, or to a host whose address is none", () => {
    const networking = given().networking ?? expect.fail();
    const at = (host: string, underlay: string | null) =>
      planOf(given({ underlay, networking: { ...networking, far: [far(1, host, [7])] } })).tunnels;
    expect(at("192.0.2.2", null)).to.deep.equal([]);
    expect(at("192.0.2.02", "192.0.2.1")).to.deep.equal([]);
    expect(at("192.0.2.2", "192.0.2.1")).to.have.length(1);
  });

  it("closes a port that is not in the picture, or is there as another one's", () => {
    const closed = (record: ReturnType<typeof portRecord>) => planOf(given({ ports: [record] }));
    for (const other of [
      { networkId: ids.network(2) },
      { instanceId: ids.instance(9) },
      { mac: "52:54:00:00:01:63" },
      { portId: ids.port(3) },
    ]) {
      const plan = closed({ ...portRecord(1), ...other });
      expect(plan.taps.map((one) => one.bridge)).to.deep.equal([null]);
      expect([plan.places, addressesOf(plan)]).to.deep.equal([[], ["169.254.169.254"]]);
    }
  });

  it("gives nobody's pair what is another port's own, and the first of several what only pairs name", () => {
    const pair = (cidr: string, mac: string | null) => ({ cidr, mac });
    const vrrp = "00:00:5e:00:01:01";
    const first = {
      ...portPicture(1),
      addressPairs: [pair("10.9.0.2/32", null), pair("10.9.0.100/32", vrrp)],
    };
    const second = {
      ...portPicture(2),
      addressPairs: [pair("10.9.0.100/32", vrrp), pair("10.9.0.128/25", null)],
    };
    const thief = { ...portPicture(2), addressPairs: [pair("10.9.0.0/24", "52:54:00:00:01:01")] };
    const networks = [networkPicture([first, second])];
    const plan = planOf(given({ networking: { version: 1, groups: [], networks } }));
    const placed = plan.places.map(({ mac, device }) => `${mac} ${device}`);
    expect(placed).to.deep.equal([
      `52:54:00:00:01:01 ${tap1}`,
      `52:54:00:00:01:02 ${tap2}`,
      `${vrrp} ${tap1}`,
    ]);
    expect(plan.neighbours.slice(1).map(({ address, mac }) => `${address} ${mac}`)).to.deep.equal([
      ...["10.9.0.1 52:54:00:00:01:01", "10.9.0.2 52:54:00:00:01:02", `10.9.0.100 ${vrrp}`],
    ]);
    const stolen = planOf(
      given({ networking: { version: 1, groups: [], networks: [networkPicture([portPicture(1), thief])] } }),
    );
    expect(stolen.places.map(({ device }) => device)).to.deep.equal([tap1, tap2]);
  });

  it("keeps what the bridge itself has, whatever a port says that it is", () => {
    const mac = "0E:6E:00:00:F0:01";
    const networks = [networkPicture([{ ...portPicture(1), mac }])];
    const plan = planOf(
      given({ ports: [{ ...portRecord(1), mac }], networking: { version: 1, groups: [], networks } }),
    );
    expect([plan.places, addressesOf(plan)]).to.deep.equal([[], ["169.254.169.254"]]);
    expect(plan.taps[0]?.bridge).to.equal(bridge);
  });

  it("carries no network that is the operator's own", () => {
    const network = { ...networkPicture([portPicture(1)]), physicalNetwork: "office" };
    const plan = planOf(given({ networking: { version: 1, groups: [], networks: [network] } }));
    expect([plan.bridges, plan.taps[0]?.bridge]).to.deep.equal([[], null]);
  });

  it("closes the later of two networks or ports that come to one name", () => {
    const twin = { ...networkPicture([portPicture(1)]), id: "01890000-0000-7000-8000-00000000f001" };
    const other = { ...twin, id: "02890000-0000-7000-8000-00000000f001" };
    const networking = { version: 1, groups: [], networks: [other, twin] };
    expect(planOf(given({ networking })).bridges.map(({ networkId }) => networkId)).to.deep.equal([twin.id]);
    const later = { ...portRecord(1), portId: `02${ids.port(1).slice(2)}` };
    expect(planOf(given({ ports: [later, portRecord(1)] })).taps.map(({ portId }) => portId)).to.deep.equal([
      ids.port(1),
    ]);
  });

  it("reaches service addresses behind bridges that are there", () => {
    const service = { bridge, address: "100.64.0.2", mac: "52:54:00:00:01:01" };
    const plan = planOf(given({ services: [service, { ...service, bridge: "nvb0000000000ff" }] }));
    expect(plan.routes).to.deep.equal([service]);
    expect(plan.neighbours.slice(0, 2)).to.deep.equal([
      { bridge, address: "169.254.169.254", mac: "0e:6e:00:00:f0:01" },
      service,
    ]);
  });

  it("lets nobody have a service address, and no pair one that is nobody's", () => {
    const service = { bridge, address: "100.64.0.2", mac: "52:54:00:00:01:01" };
    const thief = {
      ...portPicture(2),
      addresses: [
        { subnetId: "subnet", address: "169.254.169.254" },
        { subnetId: "subnet", address: "100.64.0.2" },
      ],
      addressPairs: [
        ...["100.64.0.2/32", "100.64.0.9/32", "169.254.1.1/32", "224.0.0.18/32", "255.255.255.255/32"],
        ...["127.0.0.1/32", "0.0.0.0/32", "::/128", "::1/128", "::a00:1/128", "::ffff:a00:1/128"],
        ...["fe80::1/128", "ff02::1/128", "10.9.0.50/32"],
      ].map((cidr) => ({ cidr, mac: null })),
    };
    const networking = { version: 1, groups: [], networks: [networkPicture([thief])] };
    expect(planOf(given({ networking, services: [service] })).neighbours).to.deep.equal([
      { bridge, address: "169.254.169.254", mac: "0e:6e:00:00:f0:01" },
      service,
      { bridge, address: "10.9.0.50", mac: "52:54:00:00:01:02" },
    ]);
  });

  it("writes addresses as the kernel does", () => {
    const written: FarPicture = { ...far(1, "2001:DB8:0::2", [7]) };
    const ports = written.ports.map((one) => ({ ...one, addresses: ["FD00:0:0::7"] }));
    const networking = { ...(given().networking ?? expect.fail()), far: [{ ...written, ports }] };
    const plan = planOf(given({ networking }));
    expect(plan.places.at(-1)?.host).to.equal("2001:db8::2");
    expect(plan.neighbours.slice(-2).map(({ address }) => address)).to.deep.equal([
      "fd00::7",
      "fe80::5054:ff:fe00:107",
    ]);
  });
});
