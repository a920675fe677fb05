/**
 * IPv6 with the driver `bridge` on the real kernel: guests of one network on one host and on two. Guests and
 * hosts are namespaces. Needs root, iproute2, nftables, conntrack and util-linux; skips loudly elsewhere.
 */
import { expect } from "chai";
import { missingForBridges } from "../support/bridge-host.ts";
import { makeRoutedHosts, type RoutedHosts, type Talker } from "../support/routed-hosts.ts";
import { pictureOf, type RoutedGuest, type RoutedWorld, sendsOnly } from "../support/routed-pictures.ts";
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
const all = [a, b, c, twin, shy];

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
      const { address, address6 = "" } = guest;
      talkers.set(
        guest,
        await world.plug(host, guest.number, guest.network, { address, gateway: "10.1.0.1", address6 }),
      );
    }
    const networks = [1, 2].map((number) => ({ number, cidrs: ["10.1.0.0/24", "fd00:1::/64"] }));
    await tell({ version: 1, guests: all, networks, routers: [] });
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
      expect(await talker(from).seenBy(to.address6 ?? "")).to.equal(from.address6);
  });

  it("leads to no other network with the same range", async () => {
    expect(await talker(a).seenBy(twin.address6 ?? "", 4)).to.equal(null);
    expect(await talker(twin).seenBy(a.address6 ?? "", 4)).to.equal(null);
  });

  it("leaves it to the groups what gets in", async () => {
    expect(await talker(a).seenBy(shy.address6 ?? "", 4)).to.equal(null);
  });

  it("carries packets in fragments", async () => {
    expect(await talker(a).seenBy(b.address6 ?? "", 150, 3_000)).to.equal(a.address6);
    expect(await talker(a).seenBy(c.address6 ?? "", 150, 3_000)).to.equal(a.address6);
  });
});
