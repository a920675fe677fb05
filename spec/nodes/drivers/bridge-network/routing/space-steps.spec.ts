/** From what is in a router's namespace to what is to be there, by value; seen is what iproute2 6.1 says. */
import { expect } from "chai";
import { readSpace } from "../../../../../nodes/drivers/bridge-network/routing/space-seen.ts";
import type { SpaceState } from "../../../../../nodes/drivers/bridge-network/routing/space-state.ts";
import { isSettled, spaceSteps } from "../../../../../nodes/drivers/bridge-network/routing/space-steps.ts";

const mac = "52:54:00:00:02:01";
const wanted: SpaceState = {
  links: [
    { name: "nvr00000000a101", kind: "veth", mac, mtuBytes: 1_400, asks: false, alias: null },
    { name: "nvo5cc3f82838ba", kind: "macvlan", mac, mtuBytes: null, asks: true, alias: "eth1" },
  ],
  addresses: [
    { device: "nvr00000000a101", address: "10.1.0.1/24" },
    { device: "nvo5cc3f82838ba", address: "203.0.113.50/32" },
  ],
  neighbours: [{ device: "nvr00000000a101", address: "10.1.0.5", mac: "52:54:00:00:01:01" }],
  proxies: [{ device: "nvo5cc3f82838ba", address: "203.0.113.50" }],
  routes: [
    { table: "main", destination: "10.1.0.0/24", device: "nvr00000000a101", via: null },
    { table: "main", destination: "default", device: null, via: null },
    { table: "10", destination: "203.0.113.50", device: "nvr00000000a101", via: "10.1.0.5" },
  ],
  rules: ["10 10", "20 local", "32766 main", "32767 default"],
};

const link = (ifname: string, kind: string, given: object = {}) => ({
  ...{ ifname, mtu: 1_400, address: mac, inet6_addr_gen_mode: "none", linkinfo: { info_kind: kind } },
  flags: ["BROADCAST", "NOARP", "UP", "LOWER_UP"],
  ...given,
});
const asking = { flags: ["BROADCAST", "UP", "LOWER_UP"] };
/** As it is when all is done. */
const said = () => ({
  links: [
    link("lo", "", { address: "00:00:00:00:00:00" }),
    link("nvr00000000a101", "veth"),
    link("nvo5cc3f82838ba", "macvlan", { ...asking, mtu: 1_500, ifalias: "eth1" }),
    link("other", "veth"),
  ],
  addresses: [
    { ifname: "lo", addr_info: [{ local: "127.0.0.1", prefixlen: 8 }] },
    { ifname: "nvr00000000a101", addr_info: [{ local: "10.1.0.1", prefixlen: 24 }] },
    { ifname: "nvo5cc3f82838ba", addr_info: [{ local: "203.0.113.50", prefixlen: 32 }] },
    { ifname: "other", addr_info: [{ local: "192.0.2.1", prefixlen: 24 }] },
  ],
  neighbours: [
    { dst: "10.1.0.5", dev: "nvr00000000a101", lladdr: "52:54:00:00:01:01", state: ["PERMANENT"] },
  ],
  proxies: [{ dst: "203.0.113.50", dev: "nvo5cc3f82838ba", proxy: null }],
  routes: [
    { type: "unicast", dst: "10.1.0.0/24", dev: "nvr00000000a101", table: "main", protocol: "boot" },
    { type: "unreachable", dst: "default", table: "main", protocol: "boot" },
    {
      ...{ type: "unicast", dst: "203.0.113.50", gateway: "10.1.0.5", dev: "nvr00000000a101", table: "10" },
      ...{ protocol: "boot", flags: ["onlink"] },
    },
    { type: "local", dst: "10.1.0.1", dev: "nvr00000000a101", table: "local", protocol: "kernel" },
  ],
  routes6: [] as object[],
  rules: [
    ...[
      { priority: 10, table: "10" },
      { priority: 20, table: "local" },
    ],
    ...[
      { priority: 32_766, table: "main" },
      { priority: 32_767, table: "default" },
    ],
  ],
});
type Said = ReturnType<typeof said>;
const seenOf = ({ links, addresses, neighbours, proxies, routes, routes6, rules }: Said) =>
  readSpace([links, addresses, neighbours, proxies, routes, routes6, rules]);
const changedBy = (change: (given: Said) => void) => {
  const given = said();
  change(given);
  return spaceSteps(wanted, seenOf(given));
};

describe("Steps towards the plan of a router's namespace", () => {
  it("are none where all is as planned, and nobody else's devices are named", () => {
    expect(isSettled(changedBy(() => undefined))).to.equal(true);
  });

  it("wait for devices that are missing or of another kind, with all that is on them", () => {
    const steps = changedBy((given) => {
      given.links = given.links.filter(({ ifname }) => !ifname.startsWith("nvr"));
      for (const one of given.links)
        if (one.ifname.startsWith("nvo")) Object.assign(one, { ifalias: "eth2" });
      given.addresses = [];
      given.neighbours = [];
    });
    expect(steps.missing.map(({ name }) => name)).to.deep.equal(["nvr00000000a101", "nvo5cc3f82838ba"]);
    expect(steps.lines).to.deep.equal([]);
  });

  it("set right what somebody has changed, and nothing else", () => {
    const { lines } = changedBy((given) => {
      const changed = {
        mtu: 1_280,
        address: "02:00:00:00:00:09",
        flags: ["BROADCAST"],
        inet6_addr_gen_mode: "eui64",
      };
      for (const one of given.links) if (one.ifname.startsWith("nvr")) Object.assign(one, changed);
      given.addresses[1] = { ifname: "nvr00000000a101", addr_info: [{ local: "10.1.0.9", prefixlen: 24 }] };
      for (const one of given.neighbours) one.lladdr = "02:00:00:00:00:09";
      given.proxies = [];
      given.routes.splice(1, 1, {
        type: "unicast",
        dst: "192.0.2.0/24",
        dev: "nvr00000000a101",
        table: "main",
        protocol: "boot",
      });
    });
    expect(lines).to.deep.equal([
      "link set dev nvr00000000a101 addrgenmode none",
      `link set dev nvr00000000a101 arp off address ${mac} mtu 1400 up`,
      "addr del 10.1.0.9/24 dev nvr00000000a101",
      "addr add 10.1.0.1/24 dev nvr00000000a101 noprefixroute",
      "neigh replace 10.1.0.5 lladdr 52:54:00:00:01:01 dev nvr00000000a101 nud permanent",
      "neigh add proxy 203.0.113.50 dev nvo5cc3f82838ba",
      "route del 192.0.2.0/24",
      "route replace unreachable default",
    ]);
  });

  it("take away what nobody has any more, in the device's own order", () => {
    const nothing = {
      ...wanted,
      links: wanted.links.slice(0, 1),
      addresses: [],
      neighbours: [],
      proxies: [],
      routes: [],
    };
    expect(spaceSteps(nothing, seenOf(said())).lines).to.deep.equal([
      "link del dev nvo5cc3f82838ba",
      "addr del 10.1.0.1/24 dev nvr00000000a101",
      "neigh del 10.1.0.5 dev nvr00000000a101",
      "route del 10.1.0.0/24",
      "route del unreachable default",
      "route del 203.0.113.50 table 10",
    ]);
  });

  it("ask the table of floating addresses before the namespace's own, and are never without these", () => {
    const { lines } = changedBy((given) => {
      given.rules = [
        { priority: 0, table: "local" },
        { priority: 32_766, table: "main" },
        { priority: 32_767, table: "default" },
      ];
    });
    expect(lines).to.deep.equal([
      "rule add pref 10 lookup 10",
      "rule add pref 20 lookup local",
      "rule del pref 0 lookup local",
    ]);
  });

  it("replace a route that leads elsewhere, and write next hops as being on the link", () => {
    const { lines } = changedBy((given) => {
      for (const one of given.routes) if ("gateway" in one) one.gateway = "10.1.0.6";
    });
    expect(lines).to.deep.equal([
      "route replace 203.0.113.50 via 10.1.0.5 dev nvr00000000a101 onlink table 10",
    ]);
  });

  it("tell the default route of IPv6 from that of IPv4, and ask nobody whether an address is free", () => {
    const device = "nvr00000000a101";
    const more = {
      ...wanted,
      addresses: [...wanted.addresses, { device, address: "fd00:1::1/64" }],
      routes: [
        ...wanted.routes,
        ...[{ table: "main", destination: "::/0", device: null, via: null } as const],
        ...[{ table: "main", destination: "fd00:1::/64", device, via: null } as const],
      ],
    };
    const lines = ["route replace unreachable ::/0", `route replace fd00:1::/64 dev ${device}`];
    const added = `addr add fd00:1::1/64 dev ${device} noprefixroute nodad`;
    expect(spaceSteps(more, seenOf(said())).lines).to.deep.equal([added, ...lines]);
    const given = said();
    given.addresses[1]?.addr_info.push({ local: "fd00:1::1", prefixlen: 64 });
    given.routes6.push(
      { type: "unicast", dst: "fd00:1::/64", dev: device, table: "main", protocol: "boot", pref: "medium" },
      { type: "unreachable", dst: "default", dev: "lo", table: "main", protocol: "boot", pref: "medium" },
      { type: "anycast", dst: "fd00:1::", dev: device, table: "local", protocol: "kernel", pref: "medium" },
      // A kernel without IPv6 says the routes of IPv4 again.
      { type: "unicast", dst: "10.1.0.0/24", dev: device, table: "main", protocol: "boot" },
    );
    expect(isSettled(spaceSteps(more, seenOf(given)))).to.equal(true);
  });
});
