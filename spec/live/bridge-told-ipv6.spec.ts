/**
 * What IPv6 tells guests of the driver `bridge`, on the real kernel: addresses by DHCPv6, and their network
 * and its router by advertisements, to which Linux itself listens in each guest. Guests and hosts are
 * namespaces. Needs root, iproute2, nftables, conntrack and util-linux; skips loudly elsewhere.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import type { Fabric } from "../../nodes/drivers/bridge-network/fabric.ts";
import { told } from "../../nodes/responder/frames.ts";
import { hatchPorts } from "../../nodes/responder/hatch.ts";
import { readResponderProcess, readResponderState, responderFiles } from "../../nodes/responder/state.ts";
import { writeVxlan } from "../../nodes/switch/frames/vxlan.ts";
import { until } from "../support/asking.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { askDhcp6 } from "../support/dhcp6-client.ts";
import { ids, macOf } from "../support/fabric-pictures.ts";
import { makeRoutedHosts, type RoutedHosts, type Talker } from "../support/routed-hosts.ts";
import {
  interfaceAt,
  pictureOf,
  type RoutedGuest,
  type RoutedWorld,
  routerPicture,
} from "../support/routed-pictures.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;

const a: RoutedGuest = { number: 1, network: 1, address: "10.1.0.5", address6: "fd00:1::5" };
const b: RoutedGuest = { number: 2, network: 1, address: "10.1.0.6", address6: "fd00:1::6" };
const c: RoutedGuest = { number: 3, network: 1, address: "10.1.0.7", address6: "fd00:1::7", host: 1 };
/** Behind the router. */
const d: RoutedGuest = { number: 4, network: 3, address: "10.3.0.5", address6: "fd00:3::5" };
/** On a network with the same range, which no router has. */
const twin: RoutedGuest = { number: 5, network: 2, address: "10.1.0.5", address6: "fd00:1::5" };
const all = [a, b, c, d, twin];

const dns = "fd00:1::53";
const networks = [
  ...[1, 2].map((number) => ({
    ...{ number, cidrs: ["10.1.0.0/24", "fd00:1::/64"] },
    subnets6: { dhcp: true, gateway: "fd00:1::1", dnsServers: [dns] },
  })),
  {
    ...{ number: 3, cidrs: ["10.3.0.0/24", "fd00:3::/64"], mtuBytes: 1_300 },
    subnets6: { dhcp: true, gateway: "fd00:3::1" },
  },
];
const interfaces = [interfaceAt(2, 1, "fd00:1::1", 1), interfaceAt(4, 3, "fd00:3::1", 1)];
const routers = [routerPicture(1, { interfaces })];

const six = ({ address6 }: RoutedGuest): string => address6 ?? expect.fail("It has no IPv6.");
/** A busy computer may take long: for a minute, which is less than a spec has. */
const holds = (met: () => Promise<boolean>) => until(met, (isMet) => isMet, 2_400);

async function inside(fabric: Fabric, command: string, ...argv: readonly string[]): Promise<string> {
  const given = [`--net=${await fabric.path()}`, command, ...argv];
  const { status, stdout, stderr } = spawnSync("nsenter", given, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

async function hatchesOf(fabric: Fabric): Promise<readonly string[]> {
  const said = await inside(fabric, "ip", "-o", "link", "show", "type", "vxlan");
  return [...said.matchAll(/ (nvh[0-9a-f]{12})/g)].map(([, name = ""]) => name);
}

/** A hundred times, to the hatches of the namespace. */
const sends = (bytes: Buffer): string => `
  const socket = require("node:dgram").createSocket("udp4");
  const bytes = Buffer.from("${bytes.toString("hex")}", "hex");
  let left = 100;
  const send = () => {
    left -= 1;
    if (left < 0) socket.close();
    else socket.send(bytes, ${hatchPorts.device}, "169.254.169.254", send);
  };
  send();
`;

describe("what IPv6 tells guests of the kernel's bridges", function () {
  this.timeout(120_000);
  let world: RoutedHosts;
  const talkers = new Map<RoutedGuest, Talker>();
  const talker = (guest: RoutedGuest) => talkers.get(guest) ?? expect.fail("It is not plugged in.");
  let version = 0;
  const tell = async (given: Partial<RoutedWorld> = {}) => {
    version += 1;
    const underlays = world.computers.map(({ underlay }) => underlay);
    for (const [index, { network }] of world.hosts.entries())
      await network.apply(
        pictureOf({ version, guests: all, networks, routers, ...given }, index, underlays),
        never,
      );
  };
  const routesOf = (guest: RoutedGuest) => talker(guest).run("ip", ["-6", "route", "show"]);
  const leads = async (guest: RoutedGuest) => /^default .*proto ra/m.test(await routesOf(guest));
  const knows = async (guest: RoutedGuest, range: string) =>
    new RegExp(`^${range} .*proto (?:ra|kernel)`, "m").test(await routesOf(guest));

  before(async function () {
    const why = missingForBridges();
    if (why !== undefined) return skip(this, why);
    world = await makeRoutedHosts();
    for (const guest of all) {
      const host = world.hosts[guest.host ?? 0] ?? expect.fail();
      const { number, network, address } = guest;
      const at = { address, gateway: address.replace(/\.\d+$/, ".1"), asks6: true };
      talkers.set(guest, await world.plug(host, number, network, at));
    }
    await tell();
  });
  after(() => world?.close());

  it("is the network that they are on, and the router that leads on, if there is one", async () => {
    for (const guest of [a, b, c, d]) await holds(() => leads(guest));
    await holds(() => knows(twin, "fd00:1::/64"));
    expect(await leads(twin)).to.equal(false);
    expect(await routesOf(a)).to.match(/^fd00:1::\/64 dev eth0/m);
    expect(await routesOf(d)).to.match(/^fd00:3::\/64 dev eth0/m);
    // No guest makes itself an address.
    expect(await talker(a).run("ip", ["-6", "addr", "show", "dev", "eth0", "scope", "global"])).to.equal("");
    const mtu = await talker(d).run("cat", ["/proc/sys/net/ipv6/conf/eth0/mtu"]);
    expect(mtu.trim()).to.equal("1300");
  });

  it("is each guest's own address, by DHCPv6, and servers of names", async () => {
    for (const guest of all) {
      const said = await askDhcp6(talker(guest), macOf(guest.number));
      const whole = `${six(guest)
        .replace("::", ":0:0:0:0:0:")
        .replace(/:0:0:0:0:0:/, ":0000:0000:0000:0000:0000:")}`;
      expect(said.address?.replaceAll(/\b0+(?=[0-9a-f])/g, "")).to.equal(
        whole.replaceAll(/\b0+(?=[0-9a-f])/g, ""),
      );
      expect(said.from).to.match(/^fe80::a9fe:/);
      expect(said.dnsServers).to.have.length(guest === d ? 0 : 1);
      await talker(guest).ip(`addr add ${six(guest)}/128 dev eth0 nodad`);
    }
    const rest = await askDhcp6(talker(a), macOf(1), "rest");
    expect(rest.address).to.equal(null);
    expect(rest.dnsServers).to.deep.equal(["fd00:0001:0000:0000:0000:0000:0000:0053"]);
  });

  it("leads them to each other, on one host and on two, and by the router", async () => {
    for (const [from, to] of [[a, b] as const, [a, c] as const, [a, d] as const, [d, c] as const])
      expect(await talker(from).seenBy(six(to))).to.equal(from.address6);
  });

  it("holds also when guests ask for the router's MAC address", async () => {
    await talker(a).run("ip", ["-6", "neigh", "flush", "dev", "eth0"]);
    expect(await talker(a).seenBy(six(d))).to.equal(a.address6);
    const known = await talker(a).run("ip", ["-6", "neigh", "show", "dev", "eth0"]);
    expect(known).to.match(/^fe80::a9fe:.* lladdr 52:54:00:00:02:02 router/m);
    expect(await leads(a)).to.equal(true);
  });

  it("leaves a host by no tunnel, whomever it is for", async () => {
    const [here, there] = world.hosts.map(({ fabric }) => fabric);
    if (here === undefined || there === undefined) throw new Error("There are two.");
    const counter = 'icmpv6 type nd-router-advert counter name "told"';
    const rules = (from: string) =>
      `table bridge watch { counter told { }; chain first {
        type filter hook prerouting priority -400; iifname "${from}*" ${counter}; }; }`;
    await inside(here, "nft", rules("nvh"));
    await inside(there, "nft", rules("nvx"));
    const counted = async (fabric: Fabric) =>
      Number(/packets (\d+)/.exec(await inside(fabric, "nft", "list counter bridge watch told"))?.[1]);
    const { guests6 = [] } = await readResponderState(join(here.directory, responderFiles.state));
    const own = guests6.find(({ mac }) => mac === macOf(a.number).replaceAll(":", "")) ?? expect.fail();
    // What a responder would say that was told wrongly who is on this host.
    const frame = told({ ...own, mac: macOf(c.number).replaceAll(":", "") });
    await inside(here, process.execPath, "-e", sends(writeVxlan(own.hatch, frame)));
    expect(await talker(a).seenBy(six(c))).to.equal(a.address6);
    expect(await counted(here)).to.be.at.least(100);
    expect(await counted(there)).to.equal(0);
    for (const fabric of [here, there]) await inside(fabric, "nft", "delete table bridge watch");
  });

  it("is taken back with the router's interface, and told again with it", async () => {
    await tell({ routers: [routerPicture(1, { interfaces: interfaces.slice(1) })] });
    await holds(async () => !(await leads(a)) && !(await leads(c)));
    expect(await leads(d)).to.equal(true);
    expect(await knows(a, "fd00:1::/64")).to.equal(true);
    await tell();
    await holds(async () => (await leads(a)) && (await leads(c)));
    expect(await talker(a).seenBy(six(d))).to.equal(a.address6);
  });

  it("stays when the responder dies, whose next life answers", async () => {
    const [host] = world.hosts;
    const path = join(host?.fabric.directory ?? expect.fail(), responderFiles.process);
    const before = await readResponderProcess(path);
    process.kill(before?.pid ?? expect.fail("There is a responder."), "SIGKILL");
    expect(await talker(a).seenBy(six(d))).to.equal(a.address6);
    expect((await askDhcp6(talker(b), macOf(2))).address).to.match(/^fd00:.*:0006$/);
    expect((await readResponderProcess(path))?.pid).to.not.equal(before?.pid);
    expect(await leads(a)).to.equal(true);
  });

  it("is soon the same again after whatever somebody has changed in the fabric meanwhile", async () => {
    const [host] = world.hosts;
    if (host === undefined) throw new Error("There are two.");
    const hatches = await hatchesOf(host.fabric);
    expect(hatches).to.have.length(3);
    for (const name of hatches) await inside(host.fabric, "ip", "link", "del", "dev", name);
    await host.restartAgent();
    await host.network.list();
    expect((await askDhcp6(talker(a), macOf(1))).address).to.match(/^fd00:.*:0005$/);
  });

  it("is all that a network lacks when the kernel refuses the responder's way into it", async () => {
    const [host = expect.fail()] = world.hosts;
    const said = await inside(host.fabric, "ip", "-d", "-o", "link", "show", "dev", "nvh00000000f001");
    const number = / vxlan id (\d+) /.exec(said)?.[1] ?? expect.fail(said);
    await inside(host.fabric, "ip", "link", "del", "dev", "nvh00000000f001");
    const ends = ["local", "169.254.169.254", "dstport", `${hatchPorts.device}`];
    await inside(host.fabric, "ip", "link", "add", "other", "type", "vxlan", "id", number, ...ends);
    const again = async () => {
      // Who tells the same again has the host look at all that there is.
      await tell();
      version -= 1;
      await tell();
      return host.network.failures().map(({ of, id }) => [of, id]);
    };
    expect(await again()).to.deep.equal([["responder", ids.network(1)]]);
    expect(await talker(a).seenBy(b.address)).to.equal(a.address);
    expect(await talker(a).seenBy(six(b))).to.equal(a.address6);
    await inside(host.fabric, "ip", "link", "del", "dev", "other");
    expect(await again()).to.deep.equal([]);
    expect((await askDhcp6(talker(a), macOf(1))).address).to.match(/^fd00:.*:0005$/);
  });

  it("leaves nothing behind when nobody is told any more", async () => {
    const networks4 = networks.map((one) => ({ ...one, subnets6: { ...one.subnets6, dhcp: false } }));
    for (const { fabric } of world.hosts)
      await holds(async () => {
        await tell({ networks: networks4 });
        return (await hatchesOf(fabric)).length === 0;
      });
    const [host] = world.hosts;
    const { guests6 } = await readResponderState(join(host?.fabric.directory ?? "", responderFiles.state));
    expect(guests6).to.deep.equal([]);
    // A guest that was told of the router before finds it anew.
    expect(await leads(a)).to.equal(true);
    await talker(a).run("ip", ["-6", "neigh", "flush", "dev", "eth0"]);
    expect(await talker(a).seenBy(six(d))).to.equal(a.address6);
    expect(await talker(a).seenBy(six(b))).to.equal(a.address6);
  });
});
