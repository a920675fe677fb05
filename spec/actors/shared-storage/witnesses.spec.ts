/** Which hosts may take a lost host's storage lease: those that have seen it held, and no others. */
import { expect } from "chai";
import type { HostRecord } from "../../../actors/records/host.ts";
import { sharedStorageLimits } from "../../../actors/shared-storage/limits.ts";
import { type ExamineStorage, Witnesses } from "../../../actors/shared-storage/witnesses.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const nobody: ReadonlySet<string> = new Set();

function host(
  id: string,
  change: { ownerEpoch?: number; storageId?: string | null; renewals?: number } = {},
) {
  const { ownerEpoch = 1, storageId = "s1", renewals = 2 } = change;
  const storage = storageId === null ? null : { id: storageId, renewals };
  return {
    id,
    name: id,
    storageId,
    lease: { leaseEpoch: ownerEpoch, renewals: 9, storage, fencedBy: null },
  } as HostRecord;
}

function worldOf(answer: (witness: string, hostId: string, take: boolean) => string) {
  const clock = new SimulatedClock();
  const asked: string[] = [];
  const examine: ExamineStorage = async (witness, { hostId, leaseEpoch }, take) => {
    asked.push(`${witness} ${take ? "takes" : "looks at"} ${hostId}.e${leaseEpoch}`);
    const state = answer(witness, hostId, take);
    if (state === "error") throw new Error("It does not answer.");
    return state as never;
  };
  const witnesses = new Witnesses({ examine, clock });
  const rounds = async (hosts: readonly HostRecord[], count: number) => {
    for (let round = 0; round < count; round += 1) {
      witnesses.look(hosts, nobody);
      await clock.advance(1_000);
    }
  };
  return { clock, asked, witnesses, rounds };
}

describe("witnesses of leases on the storage", () => {
  const hosts = ["a", "b", "c", "d"].map((id) => host(id));
  const [lost = host("a")] = hosts;

  it("are two for each host, and are asked once", async () => {
    const { asked, rounds } = worldOf(() => "held");
    await rounds(hosts, 10);
    expect(new Set(asked.filter((one) => one.endsWith("a.e1"))).size).to.equal(2);
    expect(asked).to.have.length(hosts.length * sharedStorageLimits.storageWitnessesMax);
    // No host is asked about all others.
    const times = hosts.map(({ id }) => asked.filter((one) => one.startsWith(id)).length);
    expect(Math.max(...times)).to.be.at.most(3);
  });

  it("take a lease; who has not seen it held is not asked", async () => {
    const { asked, witnesses, rounds } = worldOf((_, __, take) => (take ? "taken" : "held"));
    expect(await witnesses.take(lost, hosts, nobody)).to.equal(undefined);
    expect(asked).to.deep.equal([]);
    await rounds(hosts, 5);
    const seen = asked.filter((one) => one.endsWith("looks at a.e1")).map((one) => one[0]);
    expect((await witnesses.take(lost, hosts, nobody))?.id).to.equal(seen.sort()[0]);
  });

  it("are asked one after the other, and one that sees it held is believed", async () => {
    const { asked, witnesses, rounds } = worldOf((witness, _, take) => {
      if (!take) return "held";
      return witness === "b" ? "error" : "held";
    });
    await rounds(hosts.slice(0, 3), 5);
    expect(await witnesses.take(lost, hosts, nobody)).to.equal(undefined);
    expect(asked.slice(-2)).to.deep.equal(["b takes a.e1", "c takes a.e1"]);
  });

  it("are none where locks end at each host, however long it is looked for them", async () => {
    const { asked, witnesses, rounds } = worldOf(() => "free");
    await rounds(hosts, 120);
    expect(await witnesses.take(lost, hosts, nobody)).to.equal(undefined);
    expect(asked.some((one) => one.includes("takes"))).to.equal(false);
    const looksMax = (hosts.length * 120_000) / sharedStorageLimits.storageLookAgainMs + hosts.length;
    expect(asked.length).to.be.at.most(looksMax);
  });

  it("are those of the lease's present epoch, of the same storage, and not missed themselves", async () => {
    const { asked, witnesses, rounds } = worldOf((_, __, take) => (take ? "taken" : "held"));
    await rounds([...hosts.slice(0, 2), host("x", { storageId: "s2" }), host("y", { storageId: null })], 5);
    expect(asked.some((one) => /[xy]/.test(one))).to.equal(false);
    expect(await witnesses.take(lost, hosts, new Set(["b"]))).to.equal(undefined);
    expect(await witnesses.take(host("a", { ownerEpoch: 2 }), hosts, nobody)).to.equal(undefined);
  });

  it("are of the storage that it was held on, though the same lease is held on another one now", async () => {
    const { asked, witnesses, rounds } = worldOf((_, __, take) => (take ? "taken" : "held"));
    await rounds(hosts, 5);
    const moved = host("a", { storageId: "s2" });
    expect(await witnesses.take(moved, [moved, ...hosts.slice(1)], nobody)).to.equal(undefined);
    const alone = hosts.map((one) => (one.id === "a" ? one : host(one.id, { storageId: "s2" })));
    expect(await witnesses.take(lost, alone, nobody)).to.equal(undefined);
    expect(asked.some((one) => one.includes("takes"))).to.equal(false);
  });

  it("look again, and are none any more when a host that renews is seen to hold nothing", async () => {
    let state = "held";
    const { asked, witnesses, rounds } = worldOf((_, __, take) => (take ? "taken" : state));
    await rounds(hosts, 5);
    const before = asked.length;
    await rounds(hosts, 35);
    expect(asked.length).to.be.greaterThan(before);
    state = "free";
    await rounds(hosts, 70);
    expect(await witnesses.take(lost, hosts, nobody)).to.equal(undefined);
    state = "held";
    await rounds(hosts, 70);
    expect(await witnesses.take(lost, hosts, nobody)).to.not.equal(undefined);
  });

  it("are soon asked again when they did not answer", async () => {
    let state = "error";
    const { witnesses, rounds } = worldOf((_, __, take) => (take ? "taken" : state));
    const pair = hosts.slice(0, 2);
    await rounds(pair, 3);
    state = "held";
    await rounds(pair, 2 * (sharedStorageLimits.storageAskAgainMs / 1_000));
    expect(await witnesses.take(lost, pair, nobody)).to.not.equal(undefined);
  });

  it("are sought for nobody who does not hold it", async () => {
    const { asked, rounds } = worldOf(() => "held");
    await rounds([host("a", { storageId: null }), host("b", { renewals: 1 }), host("c")], 5);
    expect(asked).to.deep.equal([]);
  });
});
