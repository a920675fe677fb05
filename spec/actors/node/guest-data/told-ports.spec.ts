/** What a guest is told of its ports, from the picture of its networks. */
import { expect } from "chai";
import { networkConfig } from "../../../../actors/node/guest-data/network-config.ts";
import { networkData } from "../../../../actors/node/guest-data/network-data.ts";
import type { GuestPort } from "../../../../actors/node/guest-data/port.ts";
import { toldPorts } from "../../../../actors/node/guest-data/told-ports.ts";
import type { NetworkPicture, SubnetPicture } from "../../../../protocol/networking.ts";

const subnet = (id: string, cidr: string, given: Partial<SubnetPicture> = {}): SubnetPicture => ({
  ...{ id, cidr, gateway: null, dnsServers: [], hostRoutes: [], dhcp: true, ...given },
});

interface Given {
  readonly subnets: readonly SubnetPicture[];
  /** By the subnet's id. */
  readonly addresses: readonly (readonly [subnetId: string, address: string])[];
}

/** A network with one port of its number. */
const network = (number: number, { subnets, addresses }: Given): NetworkPicture => ({
  ...{ id: `network-${number}`, number, mtuBytes: 1_400 + number, subnets: [...subnets] },
  ports: [
    {
      ...{ id: `port-${number}`, instanceId: "web", mac: `52:54:00:00:00:0${number}`, portSecurity: true },
      ...{ addressPairs: [], groupIds: [] },
      addresses: addresses.map(([subnetId, address]) => ({ subnetId, address })),
    },
  ],
});

const one = (given: Given): GuestPort => {
  const [port] = toldPorts(["port-1"], [network(1, given)]);
  if (port === undefined) throw new Error("It is there.");
  return port;
};
const gateways = (ports: readonly GuestPort[]) =>
  ports.flatMap(({ addresses }) => addresses.map(({ gateway }) => gateway));

describe("a guest's ports, as it is told of them", () => {
  it("leave to DHCP what DHCP tells", () => {
    const given = { gateway: "10.0.0.1", dnsServers: ["9.9.9.9"] };
    const hostRoutes = [{ destination: "10.1.0.0/16", nextHop: "10.0.0.9" }];
    const port = one({
      subnets: [subnet("a", "10.0.0.0/24", { ...given, hostRoutes })],
      addresses: [["a", "10.0.0.7"]],
    });
    expect(port).to.deep.equal({
      ...{ id: "port-1", networkId: "network-1", macAddress: "52:54:00:00:00:01", mtuBytes: 1_401 },
      ...{ address4: "10.0.0.7", addresses: [], routes: [], dnsServers: [] },
      dhcp: { v4: true, v6: false, router: true },
    });
  });

  it("leave to DHCP of IPv6 what it tells, and have what it has no words for", () => {
    const port = one({
      subnets: [
        subnet("b", "2001:db8::/64", {
          ...{ gateway: "2001:db8::1", dnsServers: ["2001:db8::53", "9.9.9.9"] },
          hostRoutes: [{ destination: "2001:db8:9::/48", nextHop: "2001:db8::9" }],
        }),
      ],
      addresses: [
        ["b", "2001:db8::7"],
        ["b", "2001:db8::8"],
      ],
    });
    expect(port).to.deep.include({
      leased6: { address: "2001:db8::7", prefixLength: 64, gateway: "2001:db8::1" },
      addresses: [{ address: "2001:db8::8", prefixLength: 64, gateway: null }],
      routes: [{ destination: "2001:db8:9::/48", gateway: "2001:db8::9" }],
      dnsServers: ["9.9.9.9"],
      dhcp: { v4: false, v6: true, router: false },
    });
  });

  it("have all of a subnet without DHCP", () => {
    const port = one({
      subnets: [
        subnet("a", "10.0.0.0/22", {
          ...{ dhcp: false, gateway: "10.0.0.1", dnsServers: ["9.9.9.9"] },
          hostRoutes: [{ destination: "10.1.0.0/16", nextHop: "10.0.0.9" }],
        }),
        subnet("b", "2001:db8::/64", {
          ...{ dhcp: false, gateway: "2001:db8::1", dnsServers: ["2001:db8::53"] },
        }),
      ],
      addresses: [
        ["a", "10.0.0.7"],
        ["b", "2001:db8::7"],
      ],
    });
    expect(port).to.deep.include({
      addresses: [
        { address: "10.0.0.7", prefixLength: 22, gateway: "10.0.0.1" },
        { address: "2001:db8::7", prefixLength: 64, gateway: "2001:db8::1" },
      ],
      routes: [{ destination: "10.1.0.0/16", gateway: "10.0.0.9" }],
      dnsServers: ["9.9.9.9", "2001:db8::53"],
      dhcp: { v4: false, v6: false, router: false },
    });
  });

  it("set a second address of a subnet by themselves, and its way out not again", () => {
    const port = one({
      subnets: [subnet("a", "10.0.0.0/24", { gateway: "10.0.0.1", dnsServers: ["9.9.9.9"] })],
      addresses: [
        ["a", "10.0.0.7"],
        ["a", "10.0.0.8"],
      ],
    });
    expect(port.dhcp.v4).to.equal(true);
    expect(port.addresses).to.deep.equal([{ address: "10.0.0.8", prefixLength: 24, gateway: null }]);
    expect(port.routes).to.deep.equal([]);
  });

  const fixed = (number: number, gateway: string | null, dhcp = false) =>
    network(number, {
      subnets: [subnet("a", `10.0.${number}.0/24`, { dhcp, gateway })],
      addresses: [["a", `10.0.${number}.7`]],
    });
  const ids = ["port-1", "port-2", "port-3"];

  it("have one way out, that of the first port in the guest's order that has one", () => {
    const all = [fixed(3, "10.0.3.1"), fixed(1, null), fixed(2, "10.0.2.1")];
    expect(gateways(toldPorts(ids, all))).to.deep.equal([null, "10.0.2.1", null]);
    expect(gateways(toldPorts(ids.toReversed(), all))).to.deep.equal(["10.0.3.1", null, null]);
  });

  it("take the way out that DHCP tells for theirs, and none that it does not tell", () => {
    const second = (first: NetworkPicture) => gateways(toldPorts(ids, [first, fixed(2, "10.0.2.1")]));
    expect(second(fixed(1, "10.0.1.1", true))).to.deep.equal([null]);
    expect(second(fixed(1, null, true))).to.deep.equal(["10.0.2.1"]);
  });

  it("have one way out of IPv6 as well, whoever tells it", () => {
    const six = (number: number) =>
      network(number, {
        subnets: [subnet("a", `fd00:${number}::/64`, { gateway: `fd00:${number}::1`, dhcp: number < 3 })],
        addresses: [["a", `fd00:${number}::7`]],
      });
    const told = toldPorts(ids, [six(1), six(2), six(3)]);
    expect(told.map(({ leased6 }) => leased6?.gateway)).to.deep.equal(["fd00:1::1", null, undefined]);
    expect(gateways(told)).to.deep.equal([null]);
  });

  it("are only those that a picture has, in the guest's order", () => {
    const told = toldPorts(["port-2", "port-9", "port-1"], [fixed(1, null), fixed(2, null), fixed(3, null)]);
    expect(told.map(({ id }) => id)).to.deep.equal(["port-2", "port-1"]);
  });

  it("have no address that its subnet has not", () => {
    const port = one({
      subnets: [subnet("a", "10.0.0.0/24"), subnet("b", "no subnet")],
      addresses: [
        ["a", "10.9.0.7"],
        ["b", "10.0.0.7"],
        ["c", "10.0.0.8"],
      ],
    });
    expect(port).to.deep.include({ addresses: [], dhcp: { v4: false, v6: false, router: false } });
  });

  it("become documents that cloud-init reads: one by DHCP, one that is set, on two networks", () => {
    const ports = toldPorts(ids, [fixed(1, null, true), fixed(2, "10.0.2.1")]);
    expect(networkData(ports)).to.deep.equal({
      links: [1, 2].map((number) => ({
        ...{ id: `port-${number}`, vif_id: `port-${number}`, type: "phy", mtu: 1_400 + number },
        ethernet_mac_address: `52:54:00:00:00:0${number}`,
      })),
      networks: [
        { id: "network0", type: "ipv4_dhcp", link: "port-1", network_id: "network-1" },
        {
          ...{ id: "network1", type: "ipv4", link: "port-2", network_id: "network-2" },
          ...{ ip_address: "10.0.2.7", netmask: "255.255.255.0", services: [] },
          routes: [{ network: "0.0.0.0", netmask: "0.0.0.0", gateway: "10.0.2.1" }],
        },
      ],
      services: [],
    });
    expect(networkConfig(ports)).to.deep.include({ version: 2 });
  });
});
