/** From what is in a fabric to what is to be there, by value. What is seen is what iproute2 6.1 says. */
import { expect } from "chai";
import { type FabricPlan, planOf } from "../../../../nodes/drivers/bridge-network/plan.ts";
import {
  readLinks,
  readNeighbours,
  readPlaces,
  readRoutes,
  type Seen,
} from "../../../../nodes/drivers/bridge-network/seen.ts";
import { isDone, stepsBetween } from "../../../../nodes/drivers/bridge-network/steps.ts";
import { far, ids, networkPicture, portPicture, portRecord } from "../../../support/fabric-pictures.ts";

const bridge = "nvb00000000f001";
const tunnel = "nvx00000000f001";
const [tap, other] = ["nvt00000000a001", "nvt00000000a002"] as const;
const services = [{ bridge, address: "100.64.0.2", mac: "52:54:00:00:01:01" }];
const plan: FabricPlan = planOf({
  ...{ underlay: "192.0.2.1", services, ports: [portRecord(1), portRecord(2)] },
  networking: {
    ...{ version: 1, groups: [], networks: [networkPicture([portPicture(1)])] },
    far: [far(1, "192.0.2.2", [7])],
  },
});
const nothing: Seen = { links: new Map(), places: [], neighbours: [], routes: [] };

const closed = "learning off flood off mcast_flood off bcast_flood off";
const flags = {
  ...{ learning: false, flood: false, mcast_flood: false, bcast_flood: false, group_fwd_mask: "0xfffd" },
};
const link = (ifname: string, given: object) => ({
  ...{ ifname, mtu: 1_400, flags: ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"] },
  ...{ address: "a2:28:6f:00:00:10", inet6_addr_gen_mode: "none", ...given },
});
const slaveOf = (kind: string, data: object, slave: object) => ({
  master: bridge,
  linkinfo: { info_kind: kind, info_data: data, info_slave_kind: "bridge", info_slave_data: slave },
});
/** As it is when everything is done. */
const said = {
  links: [
    { ifname: "lo", mtu: 65_536, flags: ["LOOPBACK", "UP", "LOWER_UP"], address: "00:00:00:00:00:00" },
    link(bridge, {
      ...{ address: "0e:6e:00:00:f0:01", ifalias: ids.network(1) },
      linkinfo: { info_kind: "bridge", info_data: { nf_call_iptables: 1, nf_call_ip6tables: 1 } },
    }),
    link(tunnel, {
      ifalias: ids.network(1),
      ...slaveOf(
        "vxlan",
        { id: 77, local: "192.0.2.1", port: 4_789, learning: false },
        { ...flags, proxy_arp: false, neigh_suppress: true },
      ),
    }),
    link(tap, {
      ifalias: ids.port(1),
      ...slaveOf("tun", { type: "tap", user: 7 }, { ...flags, proxy_arp: true, neigh_suppress: false }),
    }),
    link(other, { ifalias: ids.port(2), linkinfo: { info_kind: "tun", info_data: { type: "tap" } } }),
  ],
  places: [
    { mac: "0e:6e:00:00:f0:01", ifname: bridge, flags: [], master: bridge, state: "permanent" },
    { mac: "33:33:00:00:00:01", ifname: bridge, flags: ["self"], state: "permanent" },
    { mac: "33:33:00:00:00:01", ifname: tap, flags: ["self"], state: "permanent" },
    { mac: "52:54:00:00:01:01", ifname: tap, flags: [], master: bridge, state: "static" },
    { mac: "52:54:00:00:01:07", ifname: tunnel, flags: [], master: bridge, state: "static" },
    { mac: "52:54:00:00:01:07", ifname: tunnel, dst: "192.0.2.2", flags: ["self"], state: "permanent" },
  ],
  neighbours: [
    { dst: "169.254.169.254", dev: bridge, lladdr: "0e:6e:00:00:f0:01", state: ["PERMANENT"] },
    { dst: "10.9.0.1", dev: bridge, lladdr: "52:54:00:00:01:01", state: ["PERMANENT"] },
    { dst: "10.9.0.7", dev: bridge, lladdr: "52:54:00:00:01:07", state: ["PERMANENT"] },
    { dst: "100.64.0.2", dev: bridge, lladdr: "52:54:00:00:01:01", state: ["PERMANENT"] },
  ],
  routes: [{ dst: "100.64.0.2", dev: bridge, scope: "link", flags: [] }],
};
const seenOf = ({ links, places, neighbours, routes }: typeof said): Seen => ({
  ...{ links: readLinks(links), places: readPlaces(places) },
  ...{ neighbours: readNeighbours(neighbours), routes: readRoutes(routes) },
});
const seen = seenOf(said);
const without = (name: string) => new Map([...seen.links].filter(([key]) => key !== name));
const changed = (name: string, given: object): Seen => {
  const links = said.links.map((one) => (one.ifname === name ? { ...one, ...given } : one));
  return { ...seen, links: readLinks(links) };
};
const orders = (now: Seen, wanted = plan) => {
  const { tunnels, before, links, places } = stepsBetween(wanted, now);
  return [...before, ...tunnels.map(({ name }) => `make ${name}`), ...links, ...places];
};

describe("Steps towards a plan of a fabric", () => {
  it("are none where all is as planned, and nobody else's devices are named", () => {
    const steps = stepsBetween(plan, seen);
    expect(isDone(steps)).to.equal(true);
    expect(steps.orphans).to.deep.equal([]);
  });

  it("make everything but taps, which come when their hypervisors have opened them", () => {
    expect(orders(nothing)).to.deep.equal([
      `make ${tunnel}`,
      `link add name ${bridge} address 0e:6e:00:00:f0:01 type bridge mcast_snooping 0 nf_call_iptables 1 nf_call_ip6tables 1`,
      `link set dev ${bridge} addrgenmode none`,
      `link set dev ${bridge} mtu 1400 alias ${ids.network(1)} up`,
      `link set dev ${tunnel} down`,
      `link set dev ${tunnel} master ${bridge}`,
      `link set dev ${tunnel} type bridge_slave ${closed} proxy_arp off neigh_suppress on group_fwd_mask 65533`,
      `link set dev ${tunnel} addrgenmode none`,
      `link set dev ${tunnel} mtu 1400 alias ${ids.network(1)} up`,
      `neigh replace 169.254.169.254 lladdr 0e:6e:00:00:f0:01 dev ${bridge} nud permanent`,
      `neigh replace 100.64.0.2 lladdr 52:54:00:00:01:01 dev ${bridge} nud permanent`,
      `neigh replace 10.9.0.1 lladdr 52:54:00:00:01:01 dev ${bridge} nud permanent`,
      `neigh replace 10.9.0.7 lladdr 52:54:00:00:01:07 dev ${bridge} nud permanent`,
      `route replace 100.64.0.2 dev ${bridge}`,
      `fdb replace 52:54:00:00:01:07 dev ${tunnel} master static`,
      `fdb replace 52:54:00:00:01:07 dev ${tunnel} dst 192.0.2.2 self permanent`,
    ]);
  });

  it("put a tap that has come on its bridge, closed before it is up, and say who is behind it", () => {
    const fresh = {
      master: undefined,
      ifalias: undefined,
      mtu: 1_500,
      flags: [],
      inet6_addr_gen_mode: "eui64",
    };
    const linkinfo = { info_kind: "tun", info_data: { type: "tap", user: 7 } };
    const now = changed(tap, { ...fresh, linkinfo });
    const places = seen.places.filter(({ device }) => device !== tap);
    expect(orders({ ...now, places })).to.deep.equal([
      `link set dev ${tap} down`,
      `link set dev ${tap} master ${bridge}`,
      `link set dev ${tap} type bridge_slave ${closed} proxy_arp on neigh_suppress off group_fwd_mask 65533`,
      `link set dev ${tap} addrgenmode none`,
      `link set dev ${tap} mtu 1400 alias ${ids.port(1)} up`,
      `fdb replace 52:54:00:00:01:01 dev ${tap} master static`,
    ]);
  });

  it("take a port that is not in the picture off its bridge, and keep its tap", () => {
    expect(orders(changed(other, { master: bridge }))).to.deep.equal([`link set dev ${other} nomaster`]);
  });

  it("set right what somebody has changed, and nothing else", () => {
    expect(orders(changed(tap, { mtu: 9_000 }))).to.deep.equal([`link set dev ${tap} mtu 1400`]);
    expect(orders(changed(tap, { flags: [] }))).to.deep.equal([`link set dev ${tap} up`]);
    expect(orders(changed(tap, { ifalias: "x" }))).to.deep.equal([
      `link set dev ${tap} alias ${ids.port(1)}`,
    ]);
    expect(orders(changed(bridge, { address: "02:00:00:00:00:01" }))).to.deep.equal([
      `link set dev ${bridge} address 0e:6e:00:00:f0:01`,
    ]);
    const slave = { ...flags, learning: true, proxy_arp: true, neigh_suppress: false };
    expect(orders(changed(tap, slaveOf("tun", { type: "tap" }, slave)))).to.deep.equal([
      `link set dev ${tap} type bridge_slave learning off`,
    ]);
    const deaf = { ...flags, proxy_arp: true, neigh_suppress: false, group_fwd_mask: "0" };
    expect(orders(changed(tap, slaveOf("tun", { type: "tap" }, deaf)))).to.deep.equal([
      `link set dev ${tap} type bridge_slave group_fwd_mask 65533`,
    ]);
    const unfiltered = { info_kind: "bridge", info_data: { nf_call_iptables: 0, nf_call_ip6tables: 1 } };
    expect(orders(changed(bridge, { linkinfo: unfiltered }))).to.deep.equal([
      `link set dev ${bridge} type bridge nf_call_iptables 1 nf_call_ip6tables 1`,
    ]);
  });

  it("make a tunnel anew that is another one's, by number, address or port", () => {
    for (const wrong of [{ id: 78 }, { local: "192.0.2.9" }, { port: 8_472 }, { learning: true }]) {
      const data = { id: 77, local: "192.0.2.1", port: 4_789, learning: false, ...wrong };
      expect(orders(changed(tunnel, slaveOf("vxlan", data, {}))).slice(0, 2)).to.deep.equal([
        `link del dev ${tunnel}`,
        `make ${tunnel}`,
      ]);
    }
  });

  it("count what the tools leave out as not so", () => {
    const steps = orders(changed(tap, slaveOf("tun", {}, {})));
    expect(steps).to.have.length(1);
    expect(steps[0]).to.match(/learning off flood off .* group_fwd_mask 65533$/);
  });

  it("move an address to another device without taking it away, and take away what nobody has", () => {
    const stranger = { ...seen.places[3], mac: "52:54:00:00:01:63" };
    const moved = seen.places.map((one) =>
      one.device === tap && one.state === "static" ? { ...one, device: tunnel } : one,
    );
    expect(orders({ ...seen, places: moved })).to.deep.equal([
      `fdb replace 52:54:00:00:01:01 dev ${tap} master static`,
    ]);
    expect(
      orders({
        ...seen,
        places: [...seen.places, { ...stranger, device: tap, ofDevice: false, state: "static", host: null }],
      }),
    ).to.deep.equal([`fdb del 52:54:00:00:01:63 dev ${tap} master`]);
    const elsewhere = seen.places.map((one) => (one.host === null ? one : { ...one, host: "192.0.2.3" }));
    expect(orders({ ...seen, places: elsewhere })).to.deep.equal([
      `fdb replace 52:54:00:00:01:07 dev ${tunnel} dst 192.0.2.2 self permanent`,
    ]);
  });

  it("know addresses of IPv6 that the tools write otherwise", () => {
    const mapped = "::ffff:a00:1";
    const ownPort = portPicture(1);
    const subnetId = "subnet";
    const networks = [networkPicture([{ ...ownPort, addresses: [{ subnetId, address: mapped }] }])];
    const networking = { version: 1, groups: [], networks, far: [far(1, mapped, [7])] };
    const wanted = planOf({
      underlay: "192.0.2.1",
      services,
      ports: [portRecord(1), portRecord(2)],
      networking,
    });
    const now = seenOf({
      ...said,
      places: said.places.map((one) => (one.dst === undefined ? one : { ...one, dst: "::ffff:10.0.0.1" })),
      neighbours: said.neighbours.map((one) =>
        one.dst === "10.9.0.1" ? { ...one, dst: "::ffff:10.0.0.1" } : one,
      ),
    });
    expect(orders(now, wanted)).to.deep.equal([]);
  });

  it("forget neighbours and routes that nobody has any more", () => {
    const neighbours = [
      ...seen.neighbours,
      { device: bridge, address: "10.9.0.99", mac: "52:54:00:00:01:63" },
    ];
    expect(orders({ ...seen, neighbours })).to.deep.equal([`neigh del 10.9.0.99 dev ${bridge}`]);
    const routes = [
      ...seen.routes,
      { device: bridge, address: "100.64.0.9" },
      { device: "eth0", address: "default" },
    ];
    expect(orders({ ...seen, routes })).to.deep.equal([`route del 100.64.0.9 dev ${bridge}`]);
  });

  it("close what nobody wants at once, and tell of it", () => {
    const links = new Map(seen.links);
    const orphan = seen.links.get(tap);
    if (orphan === undefined) throw new Error("It is there.");
    links.set("nvt0000000000ff", { ...orphan, name: "nvt0000000000ff" });
    links.set("eth0", { ...orphan, name: "eth0" });
    const steps = stepsBetween(plan, { ...seen, links });
    expect(steps.links).to.deep.equal(["link set dev nvt0000000000ff nomaster"]);
    expect(steps.orphans).to.deep.equal(["nvt0000000000ff"]);
  });

  it("wait for a tap that is not there, and for nothing else", () => {
    const places = seen.places.filter(({ device }) => device !== tap);
    expect(orders({ ...seen, links: without(tap), places })).to.deep.equal([]);
    expect(orders({ ...seen, links: without(bridge) })[0]).to.match(/^link add name nvb/);
  });
});
