/**
 * The store's contract for room on storages that hosts share; a part of the contract in store-contract.ts. A
 * disk takes its room once, in the transaction that places it, and has it until nothing of it is left.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

async function prepare(store: Store) {
  const it = names();
  const storageId = `${it.host}-storage`;
  const hosts = [`${it.host}-1`, `${it.host}-2`] as const;
  const inventory = (host: string, diskGib: number) => rows.inventory(host, { storageId, diskGib });
  await store.commit({ hosts: [inventory(hosts[0], 10), inventory(hosts[1], 8)] });
  const row = (n: number, host: string, diskGib: number) => {
    const { flavor } = rows.instance(it.id(n));
    const placed = { storageId, hostId: host, ownerEpoch: 1 };
    return rows.instance(it.id(n), { ...placed, flavor: { ...flavor, diskGib } });
  };
  const born = (n: number, host: string, diskGib: number): Commit => ({
    ...rows.createTurn(it.id(n), host),
    instances: [{ expectedVersion: 0, row: row(n, host, diskGib) }],
    claims: [rows.claim(it.id(n), host, { diskGib: 0 })],
  });
  /** By the ledger, by the rows of the instances, and as each host shows it. */
  const sums = async () => {
    const total = (await store.hosts.storageTotals()).find((one) => one.storageId === storageId);
    const all = (await store.hosts.all()).filter((host) => host.storageId === storageId);
    for (const { id, storage, diskGibClaimed } of all) {
      expect(storage).to.deep.equal({ diskGib: total?.diskGib, diskGibClaimed: total?.diskGibClaimed });
      expect((await store.hosts.get(id))?.storage).to.deep.equal(storage);
      expect(diskGibClaimed, "of the host's own").to.equal(0);
    }
    expect(total?.diskGibCounted).to.equal(total?.diskGibClaimed);
    return total && [total.diskGibClaimed, total.diskGib];
  };
  const kind = async (commit: Commit) => (await store.commit(commit)).kind;
  return { ...it, hosts, storageId, inventory, row, born, sums, kind };
}

export function storagesContract(get: () => Store, another: () => Promise<Store>): void {
  it("counts a disk once, whichever host its instance is on, until nothing of it is left", async () => {
    const store = get();
    const { id, hosts, row, born, sums, kind } = await prepare(store);
    expect(await sums()).to.deep.equal([0, 10]);
    expect(await kind(born(1, hosts[0], 6))).to.equal("committed");
    expect(await sums()).to.deep.equal([6, 10]);
    const moved = rows.next(row(1, hosts[0], 6), { hostId: hosts[1], ownerEpoch: 2 });
    const there = rows.claim(id(1), hosts[1], { ownerEpoch: 2, diskGib: 0 });
    expect(await kind({ ...rows.changeTurn(moved), claims: [there] })).to.equal("committed");
    expect(await sums(), "while both hosts have something of it").to.deep.equal([6, 10]);
    const gone = { ...rows.deleted(moved, rows.wallMs), storageId: null };
    const claimsReleased = [1, 2].map((ownerEpoch) => ({ instanceId: id(1), ownerEpoch }));
    expect(await kind(rows.changeTurn(gone, { claimsReleased }))).to.equal("committed");
    expect(await sums()).to.deep.equal([0, 10]);
  });

  it("places nothing beyond what there is, however many come at once on several hosts", async () => {
    const store = get();
    const { hosts, born, sums, storageId } = await prepare(store);
    const stores = [store, await another()];
    const commits = Array.from({ length: 12 }, (_, n) => born(n, hosts[n % 2] ?? "", 3));
    const results = await Promise.all(commits.map(async (commit, n) => stores[n % 2]?.commit(commit)));
    expect(results.filter((one) => one?.kind === "committed")).to.have.length(3);
    for (const [n, one] of results.entries())
      if (one?.kind !== "committed") expect(one).to.deep.equal({ kind: "hostFull", hostId: hosts[n % 2] });
    expect(await sums()).to.deep.equal([9, 10]);
    expect((await store.rehearse(born(20, hosts[1], 2))).kind).to.equal("hostFull");
    expect((await store.rehearse(born(20, hosts[1], 1))).kind).to.equal("possible");
    expect((await store.rehearse(born(20, hosts[1], 0))).kind).to.equal("possible");
    expect(storageId).to.be.a("string");
  });

  it("is as large as the largest of its hosts says, and keeps what is claimed when it shrinks", async () => {
    const store = get();
    const { hosts, inventory, row, born, sums, kind } = await prepare(store);
    await store.commit(born(1, hosts[1], 9));
    expect(await kind({ hosts: [inventory(hosts[0], 4)] })).to.equal("committed");
    expect(await sums()).to.deep.equal([9, 8]);
    const moved = rows.next(row(1, hosts[1], 9), { hostId: hosts[0], ownerEpoch: 2 });
    expect(await kind(rows.changeTurn(moved)), "a move takes nothing").to.equal("committed");
    expect(await kind(born(2, hosts[0], 1))).to.equal("hostFull");
    expect(await kind({ hosts: [inventory(hosts[0], 20)] })).to.equal("committed");
    expect(await kind(born(3, hosts[0], 1))).to.equal("committed");
    expect(await sums()).to.deep.equal([10, 20]);
  });

  it("is forgotten with its last host, unless a disk is left on it", async () => {
    const store = get();
    const { id, hosts, row, born, sums, inventory, storageId } = await prepare(store);
    await store.commit({ hostsRemoved: [{ hostId: hosts[0], parked: false }] });
    expect(await sums()).to.deep.equal([0, 8]);
    await store.commit({ hosts: [{ ...inventory(hosts[1], 8), storageId: null }] });
    expect(await sums()).to.equal(undefined);
    await store.commit({ hosts: [inventory(hosts[1], 8)] });
    await store.commit(born(1, hosts[1], 5));
    await store.commit(born(2, hosts[1], 3));
    await store.commit({ hosts: [{ ...inventory(hosts[1], 8), storageId: null }] });
    const claimed = async () =>
      (await store.hosts.storageTotals()).find((one) => one.storageId === storageId)?.diskGibClaimed;
    expect(await claimed()).to.equal(8);
    for (const [n, diskGib, left] of [[1, 5, 3] as const, [2, 3, undefined] as const]) {
      const gone = { ...rows.deleted(row(n, hosts[1], diskGib), rows.wallMs), storageId: null };
      const claimsReleased = [{ instanceId: id(n), ownerEpoch: 1 }];
      expect((await store.commit(rows.changeTurn(gone, { claimsReleased }))).kind).to.equal("committed");
      expect(await claimed()).to.equal(left);
    }
  });
}
