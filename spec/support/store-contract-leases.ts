/** The store's contract for host leases: grants, renewals, fences, and what rests on them. */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { FenceProof } from "../../protocol/fence.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

const proof: FenceProof = {
  ...{ kind: "lease", leaseEpoch: 1, silentMs: 12_000, guardMs: 2_000, observedBy: "controller-1", atMs: 1 },
};
const conflict = { kind: "conflict" };

export function leaseContract(get: () => Store): void {
  const leased = async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)], leasesGranted: [{ hostId: host, leaseEpoch: 1 }] });
    return { store, id, host };
  };
  const fence = (hostId: string, renewals: number | null, leaseEpoch = 1) => ({
    leasesFenced: [{ hostId, leaseEpoch, renewals, proof }],
  });
  const born = (id: string, host: string, leaseEpoch: number) => {
    const { claims = [], ...commit } = rows.createTurn(id, host);
    return { ...commit, claims: claims.map((claim) => ({ ...claim, leaseEpoch })) };
  };

  it("grants the first lease with the host, and another only one above a fenced one", async () => {
    const { store, host } = await leased();
    expect((await store.hosts.get(host))?.lease).to.deep.equal({
      leaseEpoch: 1,
      renewals: 1,
      storage: null,
      fencedBy: null,
    });
    for (const leaseEpoch of [1, 2])
      expect(await store.commit({ leasesGranted: [{ hostId: host, leaseEpoch }] })).to.deep.equal(conflict);
    await store.commit(fence(host, null));
    expect(await store.commit({ leasesGranted: [{ hostId: host, leaseEpoch: 3 }] })).to.deep.equal(conflict);
    await store.commit({ leasesGranted: [{ hostId: host, leaseEpoch: 2 }] });
    expect((await store.hosts.get(host))?.lease).to.deep.equal({
      leaseEpoch: 2,
      renewals: 2,
      storage: null,
      fencedBy: null,
    });
    const nobody = { leasesGranted: [{ hostId: `${host}-none`, leaseEpoch: 1 }] };
    expect(await store.commit(nobody)).to.deep.equal(rows.missing("host", `${host}-none`));
  });

  it("counts renewals of the lease that is held, and of no other", async () => {
    const { store, host } = await leased();
    const asked = [
      { hostId: host, leaseEpoch: 1, storageId: null },
      { hostId: `${host}-none`, leaseEpoch: 1, storageId: null },
    ];
    expect(await store.signsOfLife.renew(asked)).to.deep.equal([host]);
    expect((await store.hosts.get(host))?.lease?.renewals).to.equal(2);
    expect(await store.signsOfLife.renew([{ hostId: host, leaseEpoch: 2, storageId: null }])).to.deep.equal(
      [],
    );
    await store.commit(fence(host, null));
    expect(await store.signsOfLife.renew([{ hostId: host, leaseEpoch: 1, storageId: null }])).to.deep.equal(
      [],
    );
  });

  it("counts the renewals in a row that say of one storage that it is held", async () => {
    const { store, host } = await leased();
    const said = async (...storageIds: readonly (string | null)[]) => {
      await store.signsOfLife.renew(
        storageIds.map((storageId) => ({ hostId: host, leaseEpoch: 1, storageId })),
      );
      const { storage } = (await store.hosts.get(host))?.lease ?? {};
      return storage && `${storage.id} ${storage.renewals}`;
    };
    expect([await said("s1"), await said("s1"), await said("s1")]).to.deep.equal(["s1 1", "s1 2", "s1 3"]);
    expect([await said("s2"), await said("s2")]).to.deep.equal(["s2 1", "s2 2"]);
    expect([await said(null), await said("s2")]).to.deep.equal([null, "s2 1"]);
    // Two renewals of one host at the same time count as one, and name no storage if they disagree.
    const before = (await store.hosts.get(host))?.lease?.renewals ?? 0;
    expect([await said("s2", null), await said(null, "s2"), await said("s1", "s2")]).to.deep.equal([
      ...[null, null, null],
    ]);
    expect((await store.hosts.get(host))?.lease?.renewals).to.equal(before + 3);
    expect([await said("s2"), await said("s2", "s2")]).to.deep.equal(["s2 1", "s2 2"]);
    await store.commit(fence(host, null));
    await store.commit({ leasesGranted: [{ hostId: host, leaseEpoch: 2 }] });
    expect((await store.hosts.get(host))?.lease?.storage).to.equal(null);
  });

  it("fences only while nothing was renewed, once, and keeps the proof", async () => {
    const { store, host } = await leased();
    await store.signsOfLife.renew([{ hostId: host, leaseEpoch: 1, storageId: null }]);
    expect(await store.commit(fence(host, 1))).to.deep.equal(conflict);
    expect(await store.commit(fence(host, 2, 2))).to.deep.equal(conflict);
    expect((await store.commit(fence(host, 2))).kind).to.equal("committed");
    expect((await store.hosts.get(host))?.lease?.fencedBy).to.deep.equal(proof);
    expect(await store.commit(fence(host, 2))).to.deep.equal(conflict);
  });

  it("takes a word or the power in the place of a fence by silence, and nothing in the place of these", async () => {
    const storage = { storageId: "s", takenBy: "h2", observedBy: "c", leaseEpoch: 1, silentMs: 1, atMs: 2 };
    const silent = [proof, { kind: "storage", ...storage } as const];
    const word = { kind: "operator", by: "x", reason: "y", confirmedName: "h", atMs: 3 } as const;
    const power = { kind: "power", control: "ipmi", address: "x", said: "off", tookMs: 1, atMs: 4 } as const;
    for (const first of silent)
      for (const stronger of [word, power]) {
        const { store, host } = await leased();
        const by = async (given: FenceProof) => {
          const leasesFenced = [{ hostId: host, leaseEpoch: 1, renewals: null, proof: given }];
          return (await store.commit({ leasesFenced })).kind;
        };
        expect([await by(first), await by(silent[1] ?? proof), await by(stronger)]).to.deep.equal([
          ...["committed", "conflict", "committed"],
        ]);
        expect([await by(first), await by(word), await by(power)]).to.deep.equal(Array(3).fill("conflict"));
        expect((await store.hosts.get(host))?.lease?.fencedBy).to.deep.equal(stronger);
      }
  });

  it("commits what rests on a fence only while it stands", async () => {
    const { store, host } = await leased();
    const rests = { fencesExpected: [{ hostId: host, leaseEpoch: 1 }] };
    expect(await store.commit(rests)).to.deep.equal(conflict);
    await store.commit(fence(host, null));
    expect((await store.commit(rests)).kind).to.equal("committed");
    await store.commit({ leasesGranted: [{ hostId: host, leaseEpoch: 2 }] });
    expect(await store.commit(rests)).to.deep.equal(conflict);
  });

  it("fences no host that was removed, and commits nothing that rests on its fence", async () => {
    const { store, host } = await leased();
    const other = `${host}-fenced`;
    const leasesGranted = [{ hostId: other, leaseEpoch: 1 }];
    await store.commit({ hosts: [rows.inventory(other)], leasesGranted });
    await store.commit(fence(other, null));
    for (const hostId of [host, other])
      expect((await store.commit({ hostsRemoved: [{ hostId, parked: false }] })).kind).to.equal("committed");
    expect(await store.commit(fence(host, null))).to.deep.equal(conflict);
    const rests = { fencesExpected: [{ hostId: other, leaseEpoch: 1 }] };
    expect(await store.commit(rests)).to.deep.equal(conflict);
  });

  it("registers many hosts at once, and refuses only the one that is too small or has its lease", async () => {
    const [store, { host, id }] = [get(), names()];
    const turnOf = (hostId: string, changes: object = {}) => ({
      hosts: [rows.inventory(hostId, changes)],
      leasesGranted: [{ hostId, leaseEpoch: 1 }],
      events: [rows.event(hostId)],
    });
    await store.commit(turnOf(`${host}-1`));
    await store.commit({ hosts: [rows.inventory(`${host}-2`)] });
    const row = rows.instance(id(1), { hostId: `${host}-2`, ownerEpoch: 1 });
    const claims = [rows.claim(id(1), `${host}-2`)];
    await store.commit({ instances: [{ expectedVersion: 0, row }], claims });
    const commits = Array.from({ length: 20 }, (_, index) =>
      turnOf(`${host}-${index + 1}`, index === 1 ? { vcpus: 0 } : {}),
    );
    const results = await Promise.all(
      [...commits, turnOf(`${host}-20`)].map((commit) => store.commit(commit)),
    );
    const refused = results.map(({ kind }) => kind).flatMap((kind, at) => (kind === "committed" ? [] : [at]));
    expect(refused).to.deep.equal([0, 1, 20]);
    expect(results[1]).to.deep.equal({ kind: "hostFull", hostId: `${host}-2` });
    const sequences = results.flatMap((one) => (one.kind === "committed" ? [one.lastSequence] : []));
    expect(sequences).to.deep.equal([...sequences].sort((left, right) => left - right));
    expect((await store.hosts.get(`${host}-20`))?.lease).to.deep.equal({
      leaseEpoch: 1,
      renewals: 1,
      storage: null,
      fencedBy: null,
    });
  });

  it("takes a claim only under the lease that the host holds", async () => {
    const { store, id, host } = await leased();
    const full = { kind: "hostFull", hostId: host };
    expect(await store.commit(born(id(1), host, 0))).to.deep.equal(full);
    expect(await store.commit(born(id(1), host, 2))).to.deep.equal(full);
    expect((await store.commit(born(id(1), host, 1))).kind).to.equal("committed");
    await store.commit(fence(host, null));
    expect(await store.commit(born(id(2), host, 1))).to.deep.equal(full);
    expect((await store.instances.load(id(1)))?.claims[0]?.leaseEpoch).to.equal(1);
  });

  it("takes no new claim on a disabled host, but one that is there already anew", async () => {
    const { store, id, host } = await leased();
    await store.commit(born(id(1), host, 1));
    await store.commit({ hostsEnabled: [{ hostId: host, enabled: false, reason: "disk smells" }] });
    expect(await store.commit(born(id(2), host, 1))).to.deep.equal({ kind: "hostFull", hostId: host });
    const loaded = await store.instances.load(id(1));
    const row = loaded?.instance;
    const [claim] = loaded?.claims ?? [];
    if (row === undefined || claim === undefined) throw new Error("It was not made.");
    const again = {
      instances: [{ expectedVersion: row.version, row: rows.next(row) }],
      claimsReleased: [{ instanceId: claim.instanceId, ownerEpoch: claim.ownerEpoch }],
      claims: [claim],
    };
    expect((await store.commit(again)).kind).to.equal("committed");
    expect(await store.hosts.get(host)).to.include({ instances: 1, vcpusClaimed: 1 });
  });
}
