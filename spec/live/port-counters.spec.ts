/**
 * Counters of ports with real guests that ping each other, by the drivers `user` and `bridge`: what the host
 * says has passed is no less than what the guests themselves say was answered, and grows with it. Needs QEMU
 * and the tiny guest that the set-up builds; the driver `bridge` needs root, iproute2 and nftables as well.
 * Skips loudly elsewhere.
 */
import { expect } from "chai";
import { bridgeNetworkFacts } from "../../nodes/drivers/bridge-network/facts.ts";
import type { NetworkDriver } from "../../nodes/drivers/kinds.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import type { PortTraffic } from "../../protocol/traffic.ts";
import { missingForBridges, openBridge } from "../support/bridge-host.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  type NetworkedGuest,
  type NetworkedHost,
  pictureOf,
} from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;
/** An echo request of the guest's ping, with its headers. */
const pingBytes = 98;
/** So low that a second's pings are more. */
const limit = { kilobitsPerSecond: 100, burstKilobits: 1_049 };

const bridge: NetworkDriver = {
  ...bridgeNetworkFacts,
  open: ({ stateDirectory }) => openBridge({ stateDirectory }).network,
};

const drivers = [
  { name: "user", driver: undefined, missing: missingForGuests },
  { name: "bridge", driver: bridge, missing: () => missingForGuests() ?? missingForBridges() },
];

for (const { name, driver, missing } of drivers)
  describe(`counters of ports by the driver ${name}`, function () {
    this.timeout(180_000);
    let host: NetworkedHost;
    let guests: readonly NetworkedGuest[] = [];

    before(async function () {
      const [why, guest] = [missing(), guestOfSetup()];
      if (why !== undefined || guest === undefined) return skip(this, why ?? "no guest was built");
      host = await makeNetworkedHost(guest, driver);
      guests = [host.makeGuest("mine", 11, ["10.9.0.12"]), host.makeGuest("mine", 12, ["10.9.0.11"])];
      await host.apply(1, guests);
      for (const one of guests) await host.start(one);
    });
    after(() => host?.close());

    const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
      const deadlineMs = performance.now() + 90_000;
      for (;;) {
        const found = await look();
        if (found !== undefined) return found;
        if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const countersOf = async ({ plugs }: NetworkedGuest): Promise<PortTraffic | undefined> => {
      const counted = (await host.drivers.network?.traffic?.(never)) ?? [];
      return counted.find(({ portId }) => portId === plugs[0]?.portId);
    };
    /** Pings of the guest that were answered so far. */
    const answers = async (guest: NetworkedGuest) => {
      const found = [...(await host.consoleOf(guest)).matchAll(/NOVACT-GUEST PING (\d+) \S+ answers/g)];
      return found.length;
    };
    const grown = (guest: NetworkedGuest, from: number) =>
      until(`the counters of ${guest.address} are more than ${from}`, async () => {
        const counted = await countersOf(guest);
        const least = counted && Math.min(counted.ingress.packets, counted.egress.packets);
        return least !== undefined && least > from ? counted : undefined;
      });

    it("count what guests send and are given, and go on with it over lives of the agent", async () => {
      for (const one of guests) {
        await until("three pings are answered", async () => ((await answers(one)) >= 3 ? true : undefined));
        // Each answered ping is a packet either way, and those that the guest answers are more.
        const counted = await grown(one, 2);
        for (const { packets, bytes } of [counted.ingress, counted.egress])
          expect(bytes).to.be.at.least(Math.min(packets, 3) * pingBytes);
      }
      const [first] = guests;
      if (first === undefined) throw new Error("There are two.");
      const before = await grown(first, 2);
      await host.restartAgent();
      const after = await grown(first, Math.max(before.ingress.packets, before.egress.packets));
      expect(after.egress.bytes).to.be.greaterThan(before.egress.bytes);
    });

    it("are of ports that are plugged in alone, and end with them", async () => {
      const [first, second] = guests;
      if (first === undefined || second === undefined) throw new Error("There are two.");
      const all = (await host.drivers.network?.traffic?.(never)) ?? [];
      const ids = guests.flatMap(({ plugs }) => plugs.map(({ portId }) => portId));
      expect(all.map(({ portId }) => portId).sort()).to.deep.equal([...ids].sort());
      await host.release(second);
      await host.apply(2, [first]);
      expect(await countersOf(second)).to.equal(undefined);
      expect(await countersOf(first)).not.to.equal(undefined);
    });

    it("say what a limit has dropped, and null or zero of what has none", async () => {
      const [first] = guests;
      if (first === undefined) throw new Error("There are two.");
      const { egress, ingress } = (await countersOf(first)) ?? expect.fail("nothing is counted");
      expect([null, 0]).to.include(egress.dropped.limit).and.to.include(ingress.dropped.limit);
      await host.applyPicture(limited(pictureOf(3, [first])));
      const counted = await until("the limit is counted", async () => {
        const said = await countersOf(first);
        return said?.egress.dropped.limit === null ? undefined : said;
      });
      expect(counted.egress.dropped.limit).to.be.a("number");
    });
  });

const limited = (picture: HostNetworking): HostNetworking => ({
  ...picture,
  networks: picture.networks.map((network) => ({
    ...network,
    ports: network.ports.map((port) => ({ ...port, bandwidth: { egress: limit, ingress: limit } })),
  })),
});
