/**
 * IPv6 with the driver `bridge` on the real kernel: guests of one network, and of two that a router
 * joins, on one host and on two. Guests and hosts are namespaces. Needs root, iproute2, nftables, conntrack
 * and util-linux; skips loudly elsewhere.
 */
import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { findKeepers } from "../../nodes/drivers/bridge-network/holder.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { makeRoutedHosts, type RoutedHosts, type Talker } from "../support/routed-hosts.ts";
import {
  interfaceAt,
  pictureOf,
  type RoutedGuest,
  type RoutedWorld,
  routerPicture,
  sendsOnly,
} from "../support/routed-pictures.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;

/** Network 2 has the same addresses as network 1. */
const a: RoutedGuest = { number: 1, network: 1, address: "10.1.0.5", address6: "fd00:1::5" };
const b: RoutedGuest = { number: 2, network: 1, address: "10.1.0.6", address6: "fd00:1::6" };
const c: RoutedGuest = { number: 3, network: 1, address: "10.1.0.7", address6: "fd00:1::7", host: 1 };
const twin: RoutedGuest = { number: 4, network: 2, address: "10.1.0.6", address6: "fd00:1::8" };
const shy: RoutedGuest = {
  ...{ number: 5, network: 1, address: "10.1.0.9", address6: "fd00:1::9", group: sendsOnly.id },
};
/** Behind the router. */
const d: RoutedGuest = { number: 6, network: 3, address: "10.3.0.5", address6: "fd00:3::5" };
const e: RoutedGuest = { number: 7, network: 3, address: "10.3.0.6", address6: "fd00:3::6", host: 1 };
const guarded: RoutedGuest = {
  ...{ number: 8, network: 3, address: "10.3.0.7", address6: "fd00:3::7", group: sendsOnly.id },
};
const all = [a, b, c, twin, shy, d, e, guarded];
const routers = [
  routerPicture(1, {
    interfaces: [
      ...[interfaceAt(1, 1, "10.1.0.1"), interfaceAt(2, 1, "fd00:1::1", 1)],
      ...[interfaceAt(3, 3, "10.3.0.1"), interfaceAt(4, 3, "fd00:3::1", 1)],
    ],
  }),
];
const six = ({ address6 }: RoutedGuest): string => address6 ?? expect.fail("It has no IPv6.");

const networks = [
  ...[1, 2].map((number) => ({ number, cidrs: ["10.1.0.0/24", "fd00:1::/64"] })),
  { number: 3, cidrs: ["10.3.0.0/24", "fd00:3::/64"], mtuBytes: 1_300 },
];

describe("IPv6 on the kernel's bridges", function () {
  this.timeout(120_000);
  let world: RoutedHosts;
  const talkers = new Map<RoutedGuest, Talker>();
  const talker = (guest: RoutedGuest) => talkers.get(guest) ?? expect.fail("It is not plugged in.");
  const tell = async (given: RoutedWorld) => {
    const underlays = world.computers.map(({ underlay }) => underlay);
    for (const [index, { network }] of world.hosts.entries())
      await network.apply(pictureOf(given, index, underlays), never);
  };

  before(async function () {
    const why = missingForBridges();
    if (why !== undefined) return skip(this, why);
    world = await makeRoutedHosts();
    for (const guest of all) {
      const host = world.hosts[guest.host ?? 0] ?? expect.fail();
      const { number, network, address } = guest;
      const at = { address, gateway: address.replace(/\.\d+$/, ".1"), address6: six(guest) };
      const gateway6 = six(guest).replace(/::.*$/, "::1");
      talkers.set(guest, await world.plug(host, number, network, { ...at, gateway6 }));
    }
    await tell({ version: 1, guests: all, networks, routers });
  });
  after(() => world?.close());

  it("leads to guests of the same network on one host and on two", async () => {
    for (const [from, to] of [
      ...([
        [a, b],
        [b, a],
        [a, c],
        [c, b],
      ] as const),
    ])
      expect(await talker(from).seenBy(six(to))).to.equal(from.address6);
  });

  it("leads to no other network with the same range", async () => {
    expect(await talker(a).seenBy(six(twin), 4)).to.equal(null);
    expect(await talker(twin).seenBy(six(a), 4)).to.equal(null);
  });

  it("leaves it to the groups what gets in", async () => {
    expect(await talker(a).seenBy(six(shy), 4)).to.equal(null);
  });

  it("carries packets in fragments", async () => {
    expect(await talker(a).seenBy(six(b), 150, 3_000)).to.equal(a.address6);
    expect(await talker(a).seenBy(six(c), 150, 3_000)).to.equal(a.address6);
  });

  it("leads by a router to guests of another network, on one host and on two", async () => {
    for (const [from, to] of [[a, d] as const, [d, a] as const, [a, e] as const, [e, b] as const])
      expect(await talker(from).seenBy(six(to))).to.equal(from.address6);
    expect(await talker(a).seenBy(d.address)).to.equal(a.address);
  });

  it("tells a guest whose packets are too large for the other network", async () => {
    expect(await talker(a).seenBy(six(d), 150, 1_350)).to.equal(a.address6);
    expect(await talker(a).ip(`route get ${six(d)}`)).to.include(" mtu 1300");
  });

  it("leaves it to the groups what gets in by a router", async () => {
    expect(await talker(a).seenBy(six(guarded), 4)).to.equal(null);
    expect(await talker(guarded).seenBy(six(a))).to.equal(guarded.address6);
    expect(await talker(twin).seenBy(six(d), 4)).to.equal(null);
  });

  it("leads nowhere any more without the router's interface, and again with another one", async () => {
    const [router] = routers;
    const interfaces = (router?.interfaces ?? []).filter(({ address }) => address !== "fd00:3::1");
    await tell({ version: 2, guests: all, networks, routers: [routerPicture(1, { interfaces })] });
    expect(await talker(a).seenBy(six(d), 4)).to.equal(null);
    expect(await talker(a).seenBy(d.address)).to.equal(a.address);
    await tell({ version: 3, guests: all, networks, routers });
    expect(await talker(a).seenBy(six(d))).to.equal(a.address6);
  });

  it("finds again whatever somebody has changed in a router meanwhile", async () => {
    const [host] = world.hosts;
    if (host === undefined) throw new Error("There are two.");
    for (const { process } of await findKeepers(host.fabric.directory)) {
      const inside = (...argv: string[]) =>
        spawnSync("nsenter", [`--net=/proc/${process.pid}/ns/net`, ...argv]);
      inside("nft", "flush", "ruleset");
      inside("ip", "-6", "route", "flush", "table", "main");
      inside("ip", "neigh", "flush", "nud", "permanent");
    }
    await host.restartAgent();
    await host.network.list();
    expect(await talker(a).seenBy(six(d))).to.equal(a.address6);
    expect(await talker(a).seenBy(six(e))).to.equal(a.address6);
  });
});
