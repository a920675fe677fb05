/**
 * Real guests on taps of the network driver `bridge`: on one computer and on two, which are namespaces with a
 * cable between them, by VXLAN. Nobody filters their packets here. Needs root, iproute2, nftables, conntrack,
 * QEMU and the tiny guest that the set-up builds; skips loudly elsewhere.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { bridgeNetworkFacts } from "../../nodes/drivers/bridge-network/facts.ts";
import { findResidents } from "../../nodes/drivers/bridge-network/holder.ts";
import type { NetworkDriver } from "../../nodes/drivers/kinds.ts";
import { isAlive } from "../../nodes/drivers/process-table.ts";
import { makeTwoComputers, missingForBridges, openBridge } from "../support/bridge-host.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  type NetworkedGuest,
  type NetworkedHost,
  pictureOfHost,
} from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;

describe("guests on taps", function () {
  this.timeout(240_000);
  let computers: Awaited<ReturnType<typeof makeTwoComputers>>;
  let hosts: readonly NetworkedHost[] = [];
  /** By host. */
  let guests: readonly (readonly NetworkedGuest[])[] = [];
  const opened: ReturnType<typeof openBridge>[] = [];

  const driverOf = (index: number): NetworkDriver => ({
    ...bridgeNetworkFacts,
    open: ({ stateDirectory }) => {
      const one = openBridge({ stateDirectory, ...computers.computers[index] });
      opened[index] = one;
      return one.network;
    },
  });
  const pictureFor = (index: number, version = 1, own = guests[index] ?? []) =>
    pictureOfHost(version, own, {
      host: computers.computers[1 - index]?.underlay ?? "",
      guests: guests[1 - index] ?? [],
    });
  const recordsOf = (index: number) =>
    (guests[index] ?? []).flatMap(({ plugs, spec }) =>
      plugs.map((plug) => ({
        ...{ ...plug, instanceId: spec.instanceId, ownerEpoch: spec.ownerEpoch },
        hostName: spec.guest?.hostname ?? "",
      })),
    );

  before(async function () {
    const [missing, guest] = [missingForGuests() ?? missingForBridges(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    computers = await makeTwoComputers();
    hosts = [await makeNetworkedHost(guest, driverOf(0)), await makeNetworkedHost(guest, driverOf(1))];
    const [here, there] = hosts;
    if (here === undefined || there === undefined) throw new Error("There are two.");
    const of = (numbers: readonly number[]) => numbers.map((last) => `10.9.0.${last}`);
    guests = [
      [here.makeGuest("mine", 11, of([12, 13, 14])), here.makeGuest("mine", 12, of([11, 13]))],
      [there.makeGuest("mine", 13, of([11, 12])), there.makeGuest("others", 14, of([11, 12, 13]))],
    ];
    for (const [index, host] of hosts.entries()) {
      await host.applyPicture(pictureFor(index));
      for (const one of guests[index] ?? []) await host.start(one);
    }
  });
  after(async () => {
    for (const host of hosts) await host.close();
    await computers?.close();
  });

  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 60_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const at = (index: number, number: number): { host: NetworkedHost; guest: NetworkedGuest } => {
    const [host, guest] = [hosts[index], guests[index]?.[number]];
    if (host === undefined || guest === undefined) throw new Error("There is no such guest.");
    return { host, guest };
  };
  type Place = ReturnType<typeof at>;
  const pingsOf = async ({ host, guest }: Place, after = 0) => {
    const text = await host.consoleOf(guest);
    const found = [...text.matchAll(/NOVACT-GUEST PING (\d+) (\S+) (answers|silent)/g)];
    const rounds = found.filter(([, round]) => Number(round) > after);
    const last = Math.max(after, ...found.map(([, round]) => Number(round)));
    return {
      last,
      of: (address: string) => rounds.flatMap(([, , to, how]) => (to === address ? [how] : [])),
    };
  };
  const reaches = (from: Place, to: Place, after = 0) =>
    until(`${from.guest.address} reaches ${to.guest.address}`, async () =>
      (await pingsOf(from, after)).of(to.guest.address).includes("answers"),
    );
  const [first, second, far, stranger] = [() => at(0, 0), () => at(0, 1), () => at(1, 0), () => at(1, 1)];
  const allReach = async (after: ReadonlyMap<string, number> = new Map()) => {
    const mine = [first(), second(), far()];
    for (const from of mine)
      for (const to of mine)
        if (from.guest !== to.guest) await reaches(from, to, after.get(from.guest.address));
  };
  const now = async () => {
    const all = [first(), second(), far()].map(
      async (one) => [one.guest.address, (await pingsOf(one)).last] as const,
    );
    return new Map(await Promise.all(all));
  };

  it("are in the namespace of plugs, with nothing of their host, as users of their own", async () => {
    const { host, guest } = first();
    const living = await host.drivers.hypervisor.inspect(guest.spec.instanceId);
    const devices = readFileSync(`/proc/${living?.pid}/net/dev`, "utf8");
    expect([...devices.matchAll(/^\s*(\S+):/gm)].map(([, name]) => name)).to.deep.equal(["lo"]);
  });

  it("reach each other on one computer and on two", () => allReach());

  it("reach nobody of another network with the same addresses", async () => {
    await until("three rounds", async () => (await pingsOf(stranger())).last >= 3);
    const { of } = await pingsOf(stranger());
    for (const last of [11, 12, 13])
      expect(of(`10.9.0.${last}`), String(last))
        .to.include("silent")
        .and.not.include("answers");
    await until("three rounds", async () => (await pingsOf(first())).last >= 3);
    expect((await pingsOf(first())).of("10.9.0.14"))
      .to.include("silent")
      .and.not.include("answers");
  });

  it("have a fabric that is as its picture says", async () => {
    for (const [index, one] of opened.entries()) {
      expect(await one.lacks(pictureFor(index), recordsOf(index))).to.equal(undefined);
    }
  });

  it("lose nothing when agents begin anew, and when what holds their networks is killed", async () => {
    await allReach();
    const before = await now();
    for (const host of hosts) {
      await host.restartAgent();
      expect(await host.drivers.network?.list()).to.have.length(2);
    }
    for (const { fabric } of opened) {
      const [holder] = await findResidents(fabric.directory);
      if (holder === undefined) throw new Error("Nobody holds it.");
      process.kill(holder.pid, "SIGKILL");
      await until("it is gone", async () => !(await isAlive(holder)));
      await until("another one holds it", async () => (await findResidents(fabric.directory)).length === 1);
    }
    await allReach(before);
    for (const one of [first(), second(), far()]) {
      const { of } = await pingsOf(one, before.get(one.guest.address));
      for (const to of [first(), second(), far()])
        expect(of(to.guest.address), to.guest.address).not.to.include("silent");
    }
  });

  it("reach who has stopped and started again", async () => {
    const { host, guest } = first();
    await host.drivers.hypervisor.halt(guest.spec.instanceId, never);
    const { last } = await pingsOf(far());
    await until("it is gone", async () => (await pingsOf(far(), last)).of(guest.address).includes("silent"));
    await host.start(guest);
    await reaches(far(), first(), (await pingsOf(far())).last);
  });

  it("are not reached any more once a picture is without them", async () => {
    const [one, two] = [first(), far()];
    await one.host.applyPicture(pictureFor(0, 2, [second().guest]));
    const { last } = await pingsOf(two);
    await until("two rounds", async () => (await pingsOf(two)).last >= last + 2);
    const { of } = await pingsOf(two, last + 1);
    expect(of(one.guest.address)).to.include("silent").and.not.include("answers");
  });

  it("leave no device when they are removed", async () => {
    for (const [index, host] of hosts.entries()) {
      for (const one of guests[index] ?? []) await host.release(one);
      for (const version of [3, 4]) await host.apply(version, []);
      expect(await host.drivers.network?.list()).to.deep.equal([]);
      expect(await host.portFiles()).to.deep.equal([]);
      const { fabric } = opened[index] ?? {};
      const said = await fabric?.run("ip", ["-br", "link"], { timeoutMs: 10_000 });
      expect(said?.output).not.to.match(/^nv/m);
      expect(join(host.stateDirectory, "network", "fabric")).to.equal(fabric?.directory);
    }
  });
});
