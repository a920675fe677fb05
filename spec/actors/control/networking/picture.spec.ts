/** The picture of a host's networks: made of rows of one moment, the same for the same rows in any order. */
import { expect } from "chai";
import { partsFor, pictureOf } from "../../../../actors/control/networking/picture.ts";
import type { NetworkingRows } from "../../../../actors/ports/networking-reads.ts";

const rule = (groupId: string, given: Partial<NetworkingRows["rules"][number]> = {}) => ({
  ...{
    id: "r",
    groupId,
    direction: "ingress" as const,
    ipVersion: 4 as const,
    protocol: 6,
    portMin: 22,
    portMax: 22,
  },
  ...{ remoteCidr: null, remoteGroupId: null, ...given },
});
const port = (id: string, networkId: string): NetworkingRows["ports"][number] => ({
  ...{ id, instanceId: `i-${id}`, networkId, mac: `52:54:00:00:00:0${id}` },
  ...{ portSecurity: true, addressPairs: [], bandwidth: null },
});
const subnet = (id: string, networkId: string): NetworkingRows["subnets"][number] => ({
  ...{ id, networkId, cidr: "10.0.0.0/24", gateway: "10.0.0.1", dnsServers: [], hostRoutes: [], dhcp: true },
});
const away = (id: string, networkId: string, host: string): NetworkingRows["far"][number] => ({
  ...{ id, networkId, host, mac: `52:54:00:00:00:0${id}`, addressPairs: [] },
  addresses: [`10.0.0.2${id}`, `10.0.0.1${id}`],
});
const gate = (routerId: string, portId: string): NetworkingRows["routerInterfaces"][number] => ({
  ...{ routerId, portId, networkId: "n1", subnetId: "s1", mac: "52:54:00:00:01:01", address: "10.0.0.1" },
});
const outside = (cidrs: readonly string[]) => ({
  ...{ networkId: "n9", physicalNetwork: "public", mtuBytes: 1_500 },
  subnets: cidrs.map((cidr) => ({ cidr, gateway: null })),
});
const rows: NetworkingRows = {
  version: 12,
  ports: [port("2", "n1"), port("1", "n1"), port("3", "n2")],
  networks: [
    { id: "n2", number: 2, mtuBytes: 1_500, physicalNetwork: null },
    { id: "n1", number: 1, mtuBytes: 1_450, physicalNetwork: null },
  ],
  subnets: [subnet("s2", "n2"), subnet("s1", "n1")],
  addresses: [
    { portId: "1", subnetId: "s1", address: "10.0.0.9" },
    { portId: "2", subnetId: "s1", address: "10.0.0.4" },
    { portId: "1", subnetId: "s1", address: "10.0.0.3" },
  ],
  memberships: [
    { id: "m", portId: "1", groupId: "web" },
    { id: "m", portId: "2", groupId: "web" },
    { id: "m", portId: "1", groupId: "all" },
  ],
  rules: [rule("web"), rule("all", { remoteGroupId: "far" }), rule("web", { portMin: 80, portMax: 80 })],
  members: [
    { groupId: "far", addresses: ["10.9.0.4"], pairs: [{ cidr: "10.8.0.0/16", mac: null }] },
    { groupId: "far", addresses: ["fd00::4", "10.9.0.4"], pairs: [] },
  ],
  far: [away("8", "n1", "192.0.2.2"), away("9", "n1", "192.0.2.1"), away("7", "n1", "192.0.2.2")],
  published: [
    { id: "p2", portId: "1", hostPort: 8_080, address: "127.0.0.1", port: 80 },
    { id: "p1", portId: "1", hostPort: 2_222, address: "127.0.0.1", port: 22 },
  ],
  routers: [
    { id: "r2", routes: [{ destination: "10.9.0.0/16", nextHop: "10.0.0.9" }], snat: true, outside: null },
    { id: "r1", routes: [], snat: false, outside: outside(["198.51.100.0/24", "192.0.2.0/24"]) },
  ],
  routerInterfaces: [gate("r1", "g2"), gate("r2", "g3"), gate("r1", "g1")],
  floating: [
    { id: "f2", address: "192.0.2.8", portId: "1", target: "10.0.0.9", routerId: "r1" },
    { id: "f1", address: "192.0.2.7", portId: "2", target: "10.0.0.4", routerId: "r1" },
  ],
};

const otherWay = (one: NetworkingRows["routers"][number]): NetworkingRows["routers"][number] => ({
  ...one,
  outside: one.outside && { ...one.outside, subnets: one.outside.subnets.toReversed() },
});

/** The same rows, in another order. */
const turned: NetworkingRows = {
  ...{ version: rows.version, ports: rows.ports.toReversed(), networks: rows.networks.toReversed() },
  ...{ subnets: rows.subnets.toReversed(), addresses: rows.addresses.toReversed() },
  ...{ memberships: rows.memberships.toReversed(), rules: rows.rules.toReversed() },
  ...{ members: rows.members.toReversed(), far: rows.far.toReversed() },
  published: rows.published.toReversed(),
  ...{ routers: rows.routers.map(otherWay).toReversed(), floating: rows.floating.toReversed() },
  routerInterfaces: rows.routerInterfaces.toReversed(),
};

describe("the picture of a host's networks", () => {
  it("has a part for each router, with what of it is on the host", () => {
    const { routers = [] } = pictureOf(rows);
    expect(routers.map(({ id }) => id)).to.deep.equal(["r1", "r2"]);
    expect(routers[0]?.outside).to.deep.equal({
      ...outside(["192.0.2.0/24", "198.51.100.0/24"]),
      snat: false,
    });
    expect(routers[0]?.interfaces.map(({ portId }) => portId)).to.deep.equal(["g1", "g2"]);
    expect(routers[0]?.floating.map(({ id, target }) => [id, target])).to.deep.equal([
      ["f1", "10.0.0.4"],
      ["f2", "10.0.0.9"],
    ]);
    expect(routers[1]).to.deep.include({ outside: null, floating: [], routes: rows.routers[0]?.routes });
    const told = partsFor(pictureOf(rows), new Set());
    const [one, two] = told.routers ?? [];
    const again = partsFor(pictureOf(rows), new Set([one?.hash ?? ""]));
    expect(again.routers?.map(({ picture }) => picture?.id)).to.deep.equal([undefined, two?.picture?.id]);
  });

  it("has a part for each network and other host, which is said again only when it changes", () => {
    const parts = (far: NetworkingRows["far"]) => partsFor(pictureOf({ ...rows, far }), new Set()).far ?? [];
    const [one, two] = parts(rows.far);
    expect(one?.picture).to.deep.equal({
      ...{ networkId: "n1", host: "192.0.2.1" },
      ports: [
        {
          ...{ id: "9", mac: "52:54:00:00:00:09", addresses: ["10.0.0.19", "10.0.0.29"], addressPairs: [] },
        },
      ],
    });
    expect(two?.picture?.ports.map(({ id }) => id)).to.deep.equal(["7", "8"]);
    const more = parts([...rows.far, away("6", "n1", "192.0.2.2")]);
    expect(more.map(({ hash }) => [one?.hash, two?.hash].includes(hash))).to.deep.equal([true, false]);
    const known = partsFor(pictureOf(rows), new Set([one?.hash ?? ""]));
    expect(known.far?.map(({ picture }) => picture?.host)).to.deep.equal([undefined, "192.0.2.2"]);
  });

  it("has each network with its ports, and each group that matters", () => {
    const { version, networks, groups } = pictureOf(rows);
    expect(version).to.equal(12);
    expect(networks.map(({ id, ports }) => [id, ports.map((one) => one.id)])).to.deep.equal([
      ["n1", ["1", "2"]],
      ["n2", ["3"]],
    ]);
    const [first] = networks[0]?.ports ?? [];
    expect(first?.groupIds).to.deep.equal(["all", "web"]);
    expect(first?.addresses.map(({ address }) => address)).to.deep.equal(["10.0.0.3", "10.0.0.9"]);
    expect(first?.published?.map(({ id, hostPort, port: to }) => [id, hostPort, to])).to.deep.equal([
      ["p1", 2_222, 22],
      ["p2", 8_080, 80],
    ]);
    expect(networks[0]?.ports[1], "of none nothing is said").not.to.have.property("published");
    expect(networks[1]?.subnets.map(({ id }) => id)).to.deep.equal(["s2"]);
    expect(groups.map(({ id, rules }) => [id, rules.length])).to.deep.equal([
      ["all", 1],
      ["far", 0],
      ["web", 2],
    ]);
    expect(groups[1]?.members).to.deep.equal(["10.8.0.0/16", "10.9.0.4/32", "fd00::4/128"]);
  });

  it("is the same for the same rows in another order", () => {
    expect(pictureOf(turned)).to.deep.equal(pictureOf(rows));
    expect(partsFor(pictureOf(turned), new Set())).to.deep.equal(partsFor(pictureOf(rows), new Set()));
  });

  it("is told by what a host lacks of it; whatever changes changes the hash of its part alone", () => {
    const whole = partsFor(pictureOf(rows), new Set());
    const have = new Set([...whole.networks, ...whole.groups].map(({ hash }) => hash));
    const again = partsFor(pictureOf({ ...rows, version: 13 }), have);
    expect(again.version).to.equal(13);
    expect([...again.networks, ...again.groups].every(({ picture }) => picture === null)).to.equal(true);
    const changed = { ...rows, rules: [...rows.rules, rule("web", { protocol: 17 })] };
    const { networks, groups } = partsFor(pictureOf(changed), have);
    expect(networks.map(({ picture }) => picture)).to.deep.equal([null, null]);
    expect(groups.map(({ picture }) => picture?.id ?? null)).to.deep.equal([null, null, "web"]);
  });

  it("is told in portions of which each is small enough, and none of which is empty", () => {
    const cidrs = Array.from(
      { length: 100_000 },
      (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}/32`,
    );
    const large = {
      ...pictureOf(rows),
      groups: ["a", "b", "c"].map((id) => ({ id, rules: [], members: cidrs })),
    };
    const have = new Set<string>();
    let portions = 0;
    for (let lacks = 9; lacks > 0; portions += 1) {
      const { networks, groups } = partsFor(large, have);
      const said = [...networks, ...groups].filter(({ picture }) => picture !== null);
      expect(JSON.stringify(said).length).to.be.within(1, 5_000_000);
      for (const { hash } of said) have.add(hash);
      lacks = networks.length + groups.length - have.size;
    }
    expect(portions).to.equal(2);
    const lonely = { ...large, groups: [{ id: "a", rules: [], members: [...cidrs, ...cidrs, ...cidrs] }] };
    const whole = partsFor({ ...lonely, networks: [] }, new Set());
    expect(whole.groups[0]?.picture).not.to.equal(null);
  });

  it("is empty without ports", () => {
    const none = {
      ports: [],
      networks: [],
      subnets: [],
      addresses: [],
      memberships: [],
      rules: [],
      members: [],
      far: [],
      published: [],
      routers: [],
      routerInterfaces: [],
      floating: [],
    };
    expect(pictureOf({ version: 4, ...none })).to.deep.equal({ version: 4, networks: [], groups: [] });
  });
});
