/** Networks, subnets, ports and security groups from outside: what is accepted, and what holds what. */
import { expect } from "chai";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

interface SubnetAsked {
  readonly cidr: string;
  readonly gateway?: string;
  readonly pools?: { first: string; last: string }[];
  readonly dnsServers?: string[];
  readonly hostRoutes?: { destination: string; nextHop: string }[];
}

type PortAsked = Parameters<World["demo"]["port"]["create"]>[0];

type World = Awaited<ReturnType<typeof controllerWorld>>;

const pool = (first: string, last: string) => ({ cidr: "10.0.0.0/24", pools: [{ first, last }] });

describe("networks", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
  });
  afterEach(() => world.stop());

  const subnetOf = async (networkName: string, cidr: string, more: object = {}) =>
    (await world.demo.subnet.create({ name: `of ${networkName}`, network: networkName, cidr, ...more }))
      .subnet;

  it("have a segment of their own, an MTU that fits VXLAN, and their subnets", async () => {
    const { network } = await world.demo.network.create({ name: "net" });
    expect(network).to.include({
      project: "demo",
      mtuBytes: 1_450,
      shared: false,
      external: false,
      number: 1,
    });
    const second = (await world.demo.network.create({ name: "net", mtuBytes: 1_400 })).network;
    expect(second.number).to.equal(2);
    expect((await refused(world.demo.network.get("net", {}))).reason).to.equal("ambiguous");
    const subnet = (await world.demo.subnet.create({ name: "s", network: network.id, cidr: "10.0.0.0/29" }))
      .subnet;
    expect(subnet).to.deep.include({ cidr: "10.0.0.0/29", gateway: "10.0.0.1", dhcp: true, shared: false });
    expect(subnet.pools).to.deep.equal([{ first: "10.0.0.2", last: "10.0.0.6" }]);
    expect((await world.demo.network.get(network.id, {})).network.subnetIds).to.deep.equal([subnet.id]);
    const of = await world.demo.subnet.list({ networkId: network.id });
    expect(of.subnets).to.deep.equal([subnet]);
    expect((await world.demo.subnet.list({ networkId: second.id })).subnets).to.deep.equal([]);
  });

  it("are seen by other projects only if operators share them, and changed by their owner alone", async () => {
    const { network } = await world.demo.network.create({ name: "mine" });
    expect((await refused(world.other.network.get(network.id, {}))).reason).to.equal("notFound");
    const own = await refused(world.demo.network.set(network.id, { shared: true }));
    expect([own.reason, own.message]).to.deep.equal([
      "adminOnly",
      "Whether a network is shared is the operators' choice.",
    ]);
    await subnetOf("mine", "10.0.0.0/24");
    await world.admin.network.set(network.id, { shared: true });
    expect((await world.other.network.list({})).networks.map(({ name }) => name)).to.deep.equal(["mine"]);
    expect((await world.other.subnet.list({})).subnets).to.have.length(1);
    const foreign = await refused(world.other.network.set("mine", { name: "ours" }));
    expect(foreign.reason).to.equal("adminOnly");
    expect((await refused(world.other.network.delete("mine", {}))).reason).to.equal("adminOnly");
    const port = (await world.other.port.create({ network: "mine" })).port;
    expect(port).to.include({ project: "other" });
    expect(port.addresses).to.have.length(1);
    expect((await world.demo.port.list({})).ports).to.deep.equal([]);
  });

  it("let only their owner choose who to be on them", async () => {
    const { network } = await world.admin.network.create({ name: "all", shared: true });
    await world.admin.subnet.create({ name: "s", network: network.id, cidr: "10.0.0.0/24" });
    const on = { network: network.id };
    for (const [what, asked] of [
      ["a MAC", { mac: "52:54:00:00:00:01" }],
      ["an address", { addresses: [{ address: "10.0.0.9" }] }],
      ["address pairs", { addressPairs: [{ cidr: "10.0.0.0/24" }] }],
      ["a port without security", { portSecurity: false, securityGroups: [] }],
    ] as const) {
      const fault = await refused(world.demo.port.create({ ...on, ...structuredClone(asked) } as PortAsked));
      expect([fault.reason, fault.message]).to.deep.equal([
        "adminOnly",
        `The network all is shared: only its owner chooses ${what} on it.`,
      ]);
      await world.admin.port.create({ ...on, ...structuredClone(asked) } as PortAsked);
    }
    const { port } = await world.demo.port.create({ ...on, addresses: [{ subnet: "s" }] });
    const later = { portSecurity: false, securityGroups: [] };
    expect((await refused(world.demo.port.set(port.id, later))).reason).to.equal("adminOnly");
    expect((await world.admin.port.set(port.id, later)).port.portSecurity).to.equal(false);
  });

  it("share their subnets with themselves, and are taken from nobody who has a port on them", async () => {
    const { network } = await world.demo.network.create({ name: "mine" });
    await subnetOf("mine", "10.0.0.0/24");
    const shared = async () => (await world.demo.subnet.list({})).subnets.map((one) => one.shared);
    await world.admin.network.set(network.id, { shared: true });
    await subnetOf("mine", "10.0.1.0/24");
    expect(await shared()).to.deep.equal([true, true]);
    const { port } = await world.other.port.create({ network: network.id });
    const kept = await refused(world.admin.network.set(network.id, { shared: false }));
    expect([kept.reason, kept.message]).to.deep.equal([
      "inUse",
      "The network mine stays shared: 1 port of other projects is on it.",
    ]);
    await world.other.port.delete(port.id, {});
    await world.admin.network.set(network.id, { shared: false });
    expect(await shared()).to.deep.equal([false, false]);
  });

  it("go on to another subnet when one is full", async () => {
    await world.demo.network.create({ name: "net" });
    await subnetOf("net", "10.0.0.0/30", { gateway: null });
    await subnetOf("net", "10.0.1.0/30", { gateway: null });
    const made = await Promise.all([1, 2, 3, 4].map(() => world.demo.port.create({ network: "net" })));
    const addresses = made.flatMap(({ port }) => port.addresses.map(({ address }) => address)).sort();
    expect(addresses).to.deep.equal(["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2"]);
    expect((await refused(world.demo.port.create({ network: "net" }))).reason).to.equal("subnetFull");
  });

  it("do not let subnets overlap, in one network", async () => {
    await world.demo.network.create({ name: "a" });
    await world.demo.network.create({ name: "b" });
    await subnetOf("a", "10.0.0.0/24");
    const again = await refused(subnetOf("a", "10.0.0.128/25"));
    expect(again.reason).to.equal("subnetOverlaps");
    await subnetOf("a", "10.0.1.0/24");
    await subnetOf("b", "10.0.0.0/24");
  });

  for (const [what, asked, field] of [
    ["bits behind the prefix", { cidr: "10.0.0.1/24" }, "cidr"],
    ["a prefix that is too long", { cidr: "10.0.0.0/33" }, "cidr"],
    ["numbers of other bases", { cidr: "010.0.0.0/24" }, "cidr"],
    ["the range of loopback", { cidr: "127.0.0.0/24" }, "cidr"],
    ["the range of the metadata service", { cidr: "169.254.0.0/16" }, "cidr"],
    ["a range that contains multicast", { cidr: "192.0.0.0/2" }, "cidr"],
    ["multicast of IPv6", { cidr: "ff02::/16" }, "cidr"],
    ["no address beside the gateway", { cidr: "10.0.0.0/32" }, "cidr"],
    ["a gateway of another range", { cidr: "10.0.0.0/24", gateway: "10.0.1.1" }, "gateway"],
    ["the broadcast address as gateway", { cidr: "10.0.0.0/24", gateway: "10.0.0.255" }, "gateway"],
    ["a pool with the gateway in it", pool("10.0.0.1", "10.0.0.9"), "pools"],
    ["a pool that ends before it begins", pool("10.0.0.9", "10.0.0.2"), "pools"],
    ["a pool of another range", pool("10.0.1.2", "10.0.1.9"), "pools"],
    ["a name server that is none", { cidr: "10.0.0.0/24", dnsServers: ["1.2.3"] }, "dnsServers"],
    [
      "a route by another IP version",
      { cidr: "10.0.0.0/24", hostRoutes: [{ destination: "fd00::/8", nextHop: "10.0.0.1" }] },
      "hostRoutes",
    ],
  ] as readonly (readonly [string, SubnetAsked, string])[]) {
    it(`refuse a subnet with ${what}`, async () => {
      await world.demo.network.create({ name: "net" });
      const fault = await refused(world.demo.subnet.create({ name: "s", network: "net", ...asked }));
      expect(fault.reason).to.equal("schemaMismatch");
      expect(fault.details).to.have.nested.property("faults[0].field", field);
    });
  }

  it("give each port another address, until there is none", async () => {
    await world.demo.network.create({ name: "net" });
    await subnetOf("net", "10.0.0.0/29");
    const asked = Array.from({ length: 8 }, () => world.demo.port.create({ network: "net" }));
    const outcomes = await Promise.allSettled(asked);
    const made = outcomes.flatMap((one) => (one.status === "fulfilled" ? one.value.port : []));
    const addresses = made.flatMap((one) => one.addresses.map(({ address }) => address)).sort();
    expect(addresses).to.deep.equal(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    const full = await refused(world.demo.port.create({ network: "net" }));
    expect([full.reason, full.message]).to.deep.equal([
      "subnetFull",
      "All 5 addresses of the subnet of net (10.0.0.0/29) are taken.",
    ]);
    const [first] = made;
    await world.demo.port.delete(first?.id ?? "", {});
    const again = (await world.demo.port.create({ network: "net" })).port;
    expect(again.addresses).to.deep.equal(first?.addresses);
  });

  it("let a freed address rest as long as there are others", async () => {
    await world.demo.network.create({ name: "net" });
    await subnetOf("net", "10.0.0.0/29");
    const first = (await world.demo.port.create({ network: "net" })).port;
    await world.demo.port.delete(first.id, {});
    const second = (await world.demo.port.create({ network: "net" })).port;
    expect(second.addresses[0]?.address).to.equal("10.0.0.3");
  });

  it("give an address that is asked for to one port only", async () => {
    await world.demo.network.create({ name: "net" });
    await subnetOf("net", "10.0.0.0/24");
    const asked = { network: "net", addresses: [{ address: "10.0.0.77" }] };
    const both = await Promise.allSettled([world.demo.port.create(asked), world.demo.port.create(asked)]);
    expect(both.map(({ status }) => status).sort()).to.deep.equal(["fulfilled", "rejected"]);
    expect((await refused(world.demo.port.create(asked))).reason).to.equal("addressTaken");
    const beyond = { network: "net", addresses: [{ address: "10.9.9.9" }] };
    expect((await refused(world.demo.port.create(beyond))).reason).to.equal("schemaMismatch");
    for (const mac of ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00"])
      expect((await refused(world.demo.port.create({ network: "net", mac }))).reason).to.equal(
        "schemaMismatch",
      );
    const mac = "52:54:00:AA:BB:CC";
    expect((await world.demo.port.create({ network: "net", mac })).port.mac).to.equal("52:54:00:aa:bb:cc");
    expect((await refused(world.demo.port.create({ network: "net", mac }))).reason).to.equal("addressTaken");
  });

  it("give a port an address of each IP version", async () => {
    await world.demo.network.create({ name: "net" });
    await subnetOf("net", "10.0.0.0/24");
    const six = await world.demo.subnet.create({ name: "six", network: "net", cidr: "FD00:0:0:1::/64" });
    expect(six.subnet).to.include({ cidr: "fd00:0:0:1::/64", gateway: "fd00:0:0:1::1", dhcp: false });
    const leased = { name: "by-dhcp", network: "net", cidr: "fd00:0:0:2::/64", dhcp: true };
    const { port } = await world.demo.port.create({ network: "net", name: "both" });
    expect(port.addresses.map(({ address }) => address)).to.deep.equal(["10.0.0.2", "fd00:0:0:1::2"]);
    expect((await world.demo.subnet.create(leased)).subnet.dhcp).to.equal(true);
    for (const dhcp of [true, false])
      expect((await world.demo.subnet.set("six", { dhcp })).subnet.dhcp).to.equal(dhcp);
    const none = await world.demo.port.create({ network: "net", addresses: [] });
    expect(none.port.addresses).to.deep.equal([]);
  });

  it("stay as long as a port is on them, and go with their subnets", async () => {
    await world.demo.network.create({ name: "net" });
    const subnet = await subnetOf("net", "10.0.0.0/24");
    const { port } = await world.demo.port.create({ network: "net" });
    const held = await refused(world.demo.network.delete("net", {}));
    expect([held.reason, held.message]).to.deep.equal([
      "inUse",
      "Ports are on the network, which other projects may have, or routers lead to it: novact port list.",
    ]);
    expect((await refused(world.demo.subnet.delete(subnet.id, {}))).reason).to.equal("inUse");
    await world.demo.port.delete(port.id, {});
    await world.demo.network.delete("net", {});
    expect((await world.demo.subnet.list({})).subnets).to.deep.equal([]);
  });

  it("answer a repeated port with the same address", async () => {
    await world.demo.network.create({ name: "net" });
    await subnetOf("net", "10.0.0.0/24");
    const options = { requestId: "again" };
    const one = await world.demo.port.create({ network: "net" }, options);
    expect(await world.demo.port.create({ network: "net" }, options)).to.deep.equal(one);
    expect((await world.demo.port.list({})).ports).to.have.length(1);
  });
});

describe("security groups", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    await world.demo.network.create({ name: "net" });
  });
  afterEach(() => world.stop());

  it("are there as default, with what its ports may do", async () => {
    const { securityGroups } = await world.demo.securityGroup.list({});
    expect(securityGroups.map(({ name }) => name)).to.deep.equal(["default"]);
    const { securityGroupRules } = await world.demo.securityGroupRule.list({});
    const id = securityGroups[0]?.id;
    expect(securityGroupRules.map(({ name }) => name)).to.deep.equal([
      "egress everything to everywhere, IPv4",
      "egress everything to everywhere, IPv6",
      `ingress everything from group ${id}, IPv4`,
      `ingress everything from group ${id}, IPv6`,
    ]);
    const gone = await refused(world.demo.securityGroup.delete("default", {}));
    expect([gone.reason, gone.message]).to.deep.equal(["inUse", "The group default of a project stays."]);
    const other = (await world.other.securityGroup.list({})).securityGroups;
    expect(other[0]?.id).not.to.equal(id);
  });

  it("are called default once, and the one that is so stays whatever it is asked for by", async () => {
    const taken = await refused(world.demo.securityGroup.create({ name: "default" }));
    expect(taken.reason).to.equal("nameTaken");
    await world.demo.securityGroup.create({ name: "web" });
    const renamed = await refused(world.demo.securityGroup.set("web", { name: "default" }));
    expect(renamed.reason).to.equal("nameTaken");
    const { securityGroup } = await world.demo.securityGroup.get("default", {});
    const gone = await refused(world.demo.securityGroup.delete(securityGroup.id, {}));
    expect(gone.reason).to.equal("inUse");
    await world.demo.securityGroup.set("default", { description: "mine" });
  });

  it("are made once, however many ask first", async () => {
    const asked = Array.from({ length: 6 }, () => world.demo.port.create({ network: "net" }));
    const ports = (await Promise.all(asked)).map(({ port }) => port.securityGroupIds);
    const { securityGroups } = await world.demo.securityGroup.list({});
    expect(securityGroups).to.have.length(1);
    for (const ids of ports) expect(ids).to.deep.equal([securityGroups[0]?.id]);
  });

  it("allow what their rules say, each rule once", async () => {
    const { securityGroup } = await world.demo.securityGroup.create({ name: "web" });
    const http = { group: "web", direction: "ingress", protocol: "tcp", portMin: 80 } as const;
    const { securityGroupRule: rule } = await world.demo.securityGroupRule.create(http);
    expect(rule).to.include({ name: "ingress tcp 80 from everywhere, IPv4", protocol: 6, portMax: 80 });
    const twice = await refused(world.demo.securityGroupRule.create({ ...http, portMax: 80 }));
    expect([twice.reason, twice.message]).to.deep.equal(["nameTaken", "The group has this rule already."]);
    const rules = await world.demo.securityGroupRule.list({ groupId: securityGroup.id });
    expect(rules.securityGroupRules).to.have.length(3);
    await world.demo.securityGroup.delete("web", {});
    expect(
      (await world.demo.securityGroupRule.list({ groupId: securityGroup.id })).securityGroupRules,
    ).to.deep.equal([]);
  });

  it("stay while a port has them, or a rule of another group names them", async () => {
    await world.demo.securityGroup.create({ name: "web" });
    await world.demo.securityGroup.create({ name: "db" });
    const { port } = await world.demo.port.create({ network: "net", securityGroups: ["web", "web"] });
    expect(port.securityGroupIds).to.have.length(1);
    expect((await refused(world.demo.securityGroup.delete("web", {}))).reason).to.equal("inUse");
    await world.demo.port.set(port.id, { securityGroups: ["db"] });
    await world.demo.securityGroupRule.create({
      ...{ group: "db", direction: "ingress", protocol: "tcp", portMin: 5_432, remoteGroup: "web" },
    });
    expect((await refused(world.demo.securityGroup.delete("web", {}))).reason).to.equal("inUse");
    const { securityGroups } = await world.demo.securityGroup.list({ name: "db" });
    const shown = (await world.demo.port.get(port.id, {})).port;
    expect(shown.securityGroupIds).to.deep.equal(securityGroups.map(({ id }) => id));
  });

  it("are not those of another project", async () => {
    const { securityGroup } = await world.other.securityGroup.create({ name: "theirs" });
    const asked = { network: "net", securityGroups: [securityGroup.id] };
    expect((await refused(world.demo.port.create(asked))).reason).to.equal("notFound");
  });

  for (const [what, asked, field] of [
    ["ports without a protocol", { portMin: 80 }, "portMin"],
    ["ports of a protocol that has none", { protocol: 47, portMin: 80 }, "portMin"],
    ["a range that ends before it begins", { protocol: "tcp", portMin: 90, portMax: 80 }, "portMax"],
    ["only the end of a range", { protocol: "tcp", portMax: 80 }, "portMin"],
    ["ICMP of a type that cannot be", { protocol: "icmp", portMin: 256 }, "portMin"],
    ["ICMP of IPv6 in IPv4", { protocol: "icmpv6", ipVersion: 4 }, "protocol"],
    ["a range of the other IP version", { ipVersion: 6, remoteCidr: "10.0.0.0/8" }, "remoteCidr"],
    ["bits behind the prefix", { remoteCidr: "10.0.0.1/8" }, "remoteCidr"],
    ["two other ends", { remoteCidr: "10.0.0.0/8", remoteGroup: "default" }, "remoteCidr"],
  ] as const) {
    it(`refuse a rule with ${what}`, async () => {
      const rule = { group: "default", direction: "ingress" as const, ...asked };
      const fault = await refused(world.demo.securityGroupRule.create(rule));
      expect(fault.reason).to.equal("schemaMismatch");
      expect(fault.details).to.have.nested.property("faults[0].field", field);
    });
  }
});
