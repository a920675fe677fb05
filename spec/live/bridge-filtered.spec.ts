/**
 * Real guests of the network driver `bridge` as nodes have it: with its rules, and addresses from its
 * responder. Needs root, iproute2, nftables, conntrack, QEMU and the tiny guest that the set-up builds.
 */
import { expect } from "chai";
import { bridgeNetworkFacts } from "../../nodes/drivers/bridge-network/facts.ts";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import type { NetworkDriver } from "../../nodes/drivers/kinds.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { missingForBridges, openBridge } from "../support/bridge-host.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  mtuBytes,
  type NetworkedGuest,
  type NetworkedHost,
  pictureOfHost,
} from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

describe("guests of the kernel's bridge and its rules", function () {
  this.timeout(180_000);
  let host: NetworkedHost;
  let mine: readonly NetworkedGuest[] = [];
  let other: NetworkedGuest;
  const driver: NetworkDriver = {
    ...bridgeNetworkFacts,
    open: ({ stateDirectory }) =>
      openBridge({ stateDirectory, filter: packetFilter({ clock: systemClock, log: silentLog }) }).network,
  };

  before(async function () {
    const [missing, guest] = [missingForGuests() ?? missingForBridges(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    host = await makeNetworkedHost(guest, driver, { asks: true });
    const of = (numbers: readonly number[]) => numbers.map((last) => `10.9.0.${last}`);
    mine = [11, 12].map((last) => host.makeGuest("mine", last, of([11, 12, 14])));
    other = host.makeGuest("others", 14, of([11, 12]));
    await host.apply(1, [...mine, other]);
    for (const one of [...mine, other]) await host.start(one);
  });
  after(() => host?.close());

  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 60_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  /** Answers of its pings to an address, of all rounds behind this one. */
  const pingsOf = async (guest: NetworkedGuest, address: string, after = 0) => {
    const text = await host.consoleOf(guest);
    const found = [...text.matchAll(/NOVACT-GUEST PING (\d+) (\S+) (answers|silent)/g)];
    return found
      .filter(([, round, to]) => Number(round) > after && to === address)
      .map(([, round, , how = ""]) => ({ round: Number(round), how }));
  };

  it("are told their addresses by the host, and the size of its packets", async () => {
    for (const one of [...mine, other]) {
      const pattern = /NOVACT-GUEST NET eth0 (\S+) mtu (\d+) server (\S+)/;
      await until(`${one.address} has an address`, async () => pattern.test(await host.consoleOf(one)));
      const [, address, mtu, server] = pattern.exec(await host.consoleOf(one)) ?? [];
      expect([address, Number(mtu), server]).to.deep.equal([
        `${one.address}/24`,
        mtuBytes,
        "169.254.169.254",
      ]);
    }
  });

  it("are told by the host who they are", async () => {
    for (const one of [...mine, other]) {
      const pattern = /NOVACT-GUEST META name=(\S*) userdata=(\d+)/;
      await until(`${one.address} has asked`, async () => pattern.test(await host.consoleOf(one)));
      const [, name, bytes] = pattern.exec(await host.consoleOf(one)) ?? [];
      const { hostname = "", userData } = one.spec.guest ?? {};
      expect([name, Number(bytes)]).to.deep.equal([hostname, Buffer.from(userData ?? "", "base64").length]);
    }
  });

  it("reach those of their own network and group, and nobody of another network", async () => {
    const [one, another] = mine;
    if (one === undefined || another === undefined) throw new Error("There are two.");
    await until("one reaches the other", async () =>
      (await pingsOf(one, another.address)).some(({ how }) => how === "answers"),
    );
    await until("three rounds", async () => (await pingsOf(other, one.address)).length >= 3);
    const all = [await pingsOf(other, one.address), await pingsOf(one, other.address)].flat();
    expect(new Set(all.map(({ how }) => how))).to.deep.equal(new Set(["silent"]));
  });

  it("do not reach each other any more when their group allows it no longer", async () => {
    const [one, another] = mine;
    if (one === undefined || another === undefined) throw new Error("There are two.");
    const picture = pictureOfHost(2, [...mine, other], { host: "192.0.2.1", guests: [] });
    await host.applyPicture({ ...picture, groups: picture.groups.map((group) => ({ ...group, rules: [] })) });
    const last = Math.max(...(await pingsOf(one, another.address)).map(({ round }) => round));
    // The next round may have begun before.
    await until("rounds later", async () => (await pingsOf(one, another.address, last + 1)).length >= 2);
    const later = await pingsOf(one, another.address, last + 1);
    expect(new Set(later.map(({ how }) => how))).to.deep.equal(new Set(["silent"]));
  });
});
