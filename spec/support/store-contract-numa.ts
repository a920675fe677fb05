/**
 * The store's contract for claims of NUMA nodes, pinned CPUs and huge pages; a part of the contract in
 * store-contract.ts. All of it holds in the transaction of the claim, whoever commits with it.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { ClaimRecord } from "../../actors/records/instance.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import type { NumaNode, NumaPlacement } from "../../protocol/numa.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

type NodeTaken = Partial<NumaPlacement["nodes"][number]>;

const node: NumaNode = { vcpus: 2, memoryMib: 1_024, hugePages: [{ sizeKib: 2_048, total: 128 }] };

/** A claim of these NUMA nodes, as large as all of them. */
function bound(dedicated: boolean, ...nodes: readonly NodeTaken[]): Partial<ClaimRecord> {
  const whole = nodes.map((one) => ({ node: 0, vcpus: 1, memoryMib: 64, ...one }));
  const sum = (unit: "vcpus" | "memoryMib") => whole.reduce((all, one) => all + one[unit], 0);
  return { vcpus: sum("vcpus"), memoryMib: sum("memoryMib"), numa: { dedicated, nodes: whole } };
}

const use = (pinnedCpus: number, memoryMib: number, pages = 0) => ({
  pinnedCpus,
  memoryMib,
  hugePages: pages === 0 ? [] : [{ sizeKib: 2_048, claimed: pages }],
});

async function prepare(store: Store, changes: Partial<HostInventory> = {}) {
  const it = names();
  const inventory = rows.inventory(it.host, { vcpus: 16, numa: [node, node], ...changes });
  await store.commit({ hosts: [inventory] });
  const born = (n: number, change: Partial<ClaimRecord>): Commit => ({
    ...rows.createTurn(it.id(n), it.host),
    claims: [rows.claim(it.id(n), it.host, change)],
  });
  const sums = async () => {
    const host = await store.hosts.get(it.host);
    const total = (await store.hosts.claimTotals()).find(({ hostId }) => hostId === it.host);
    const read = { pinnedCpus: host?.pinnedCpus, numaClaimed: host?.numaClaimed };
    const inAll = (await store.hosts.all()).find(({ id }) => id === it.host);
    expect({ pinnedCpus: inAll?.pinnedCpus, numaClaimed: inAll?.numaClaimed }).to.deep.equal(read);
    const summed = { pinnedCpus: total?.pinnedCpus ?? 0, numaClaimed: total?.numaClaimed ?? [] };
    expect(summed, "the sum of the claims").to.deep.equal(read);
    return read;
  };
  const full = { kind: "hostFull", hostId: it.host };
  const kind = async (commit: Commit) => (await store.commit(commit)).kind;
  return { ...it, inventory, born, sums, full, kind };
}

export function numaContract(get: () => Store, another: () => Promise<Store>): void {
  it("counts what claims take of each NUMA node, answers it with the host, and gives it back", async () => {
    const store = get();
    const { id, born, sums, kind } = await prepare(store);
    expect(await sums()).to.deep.equal({ pinnedCpus: 0, numaClaimed: [] });
    const numa = bound(true, { node: 0, pageKib: 2_048 }, { node: 1, pageKib: 2_048 });
    expect(await kind(born(1, numa))).to.equal("committed");
    expect(await kind(born(2, bound(false, { node: 1, vcpus: 2, memoryMib: 100 })))).to.equal("committed");
    expect(await kind(born(3, {}))).to.equal("committed");
    const both = { pinnedCpus: 2, numaClaimed: [use(1, 0, 32), use(1, 100, 32)] };
    expect(await sums()).to.deep.equal(both);
    expect((await store.instances.load(id(1)))?.claims[0]?.numa).to.deep.equal(numa.numa);
    expect((await store.instances.load(id(3)))?.claims[0]?.numa).to.equal(null);
    const row = (await store.instances.load(id(2)))?.instance ?? rows.instance(id(2));
    await store.commit(
      rows.changeTurn(rows.next(row), { claimsReleased: [{ instanceId: id(2), ownerEpoch: 1 }] }),
    );
    expect(await sums()).to.deep.equal({ pinnedCpus: 2, numaClaimed: [use(1, 0, 32), use(1, 0, 32)] });
  });

  it("never gives more CPUs than a NUMA node has, however many claims come at once", async () => {
    const store = get();
    const { born, sums, full } = await prepare(store);
    const stores = [store, await another()];
    const commits = Array.from({ length: 40 }, (_, n) => born(n, bound(true, { node: n % 2 })));
    const results = await Promise.all(commits.map(async (commit, n) => stores[n % 2]?.commit(commit)));
    expect(results.filter((one) => one?.kind === "committed")).to.have.length(4);
    for (const one of results) if (one?.kind !== "committed") expect(one).to.deep.equal(full);
    expect(await sums()).to.deep.equal({ pinnedCpus: 4, numaClaimed: [use(2, 128), use(2, 128)] });
  });

  it("refuses what one NUMA node has not, though the host has", async () => {
    const store = get();
    const { born, full, sums } = await prepare(store);
    const refused = [
      bound(true, { node: 0, vcpus: 3 }),
      bound(true, { node: 2 }),
      bound(false, { node: 0, memoryMib: 769 }),
      bound(false, { node: 0, memoryMib: 258, pageKib: 2_048 }),
      bound(false, { node: 0, memoryMib: 64, pageKib: 1_024 }),
    ];
    for (const [n, change] of refused.entries())
      expect(await store.commit(born(n, change)), String(n)).to.deep.equal(full);
    expect(await sums()).to.deep.equal({ pinnedCpus: 0, numaClaimed: [] });
    const whole = [bound(false, { memoryMib: 768 }), bound(true, { memoryMib: 256, pageKib: 2_048 })];
    for (const [n, change] of whole.entries())
      expect((await store.commit(born(n + 9, change))).kind, String(n)).to.equal("committed");
  });

  it("keeps the CPUs apart that are shared and that are guests' own", async () => {
    const { born, full, kind } = await prepare(get(), { vcpus: 8 });
    const store = get();
    expect(await kind(born(1, { vcpus: 3 }))).to.equal("committed");
    expect(await kind(born(2, bound(true, { vcpus: 2 })))).to.equal("committed");
    // Two of four CPUs are left: room for four vCPUs with a ratio of 2.
    expect(await store.commit(born(3, { vcpus: 2 }))).to.deep.equal(full);
    expect(await store.commit(born(4, bound(true, { node: 1 })))).to.deep.equal(full);
    expect(await kind(born(5, { vcpus: 1 }))).to.equal("committed");
    expect(await store.commit(born(6, { vcpus: 1 }))).to.deep.equal(full);
  });

  it("judges several claims of one commit together", async () => {
    const store = get();
    const { born, full, sums, kind } = await prepare(store);
    const together = (...commits: readonly Commit[]): Commit => ({
      instances: commits.flatMap(({ instances = [] }) => instances),
      claims: commits.flatMap(({ claims = [] }) => claims),
    });
    const three = [1, 2, 3].map((n) => born(n, bound(true, { node: 0 })));
    expect(await store.commit(together(...three))).to.deep.equal(full);
    expect(await sums()).to.deep.equal({ pinnedCpus: 0, numaClaimed: [] });
    expect(await kind(together(...three.slice(1)))).to.equal("committed");
    expect((await sums()).pinnedCpus).to.equal(2);
  });

  it("gives back and takes in one commit, as a claim that is made anew does", async () => {
    const store = get();
    const { id, host, born, sums, kind } = await prepare(store);
    const change = bound(true, { node: 0, vcpus: 2 });
    await store.commit(born(1, change));
    const row = (await store.instances.load(id(1)))?.instance ?? rows.instance(id(1));
    const anew = rows.changeTurn(rows.next(row), {
      claimsReleased: [{ instanceId: id(1), ownerEpoch: 1 }],
      claims: [rows.claim(id(1), host, change)],
    });
    expect(await kind(anew)).to.equal("committed");
    expect(await sums()).to.deep.equal({ pinnedCpus: 2, numaClaimed: [use(2, 64)] });
  });

  it("refuses a host that has less than is claimed, and forgets the NUMA nodes of one that is removed", async () => {
    const store = get();
    const { host, id, inventory, born, full, sums } = await prepare(store);
    await store.commit(born(1, bound(true, { node: 1, memoryMib: 64, pageKib: 2_048 })));
    const fewer = { ...node, hugePages: [{ sizeKib: 2_048, total: 31 }] };
    for (const numa of [[], [node], [node, fewer], [node, { ...node, vcpus: 0 }]])
      expect(await store.commit({ hosts: [{ ...inventory, numa }] })).to.deep.equal(full);
    const more = { ...node, vcpus: 9 };
    expect((await store.commit({ hosts: [{ ...inventory, numa: [fewer, more] }] })).kind).to.equal(
      "committed",
    );
    expect(await store.commit(born(2, bound(true, { node: 0, vcpus: 3 })))).to.deep.equal(full);
    expect((await store.commit(born(3, bound(true, { node: 1, vcpus: 8 })))).kind).to.equal("committed");
    const instances = await Promise.all([1, 3].map(async (n) => store.instances.load(id(n))));
    const gone = instances
      .flatMap((loaded) => loaded?.instance ?? [])
      .map((row) => rows.deleted(row, rows.wallMs));
    await store.commit({ instances: gone.map((row) => ({ expectedVersion: row.version - 1, row })) });
    expect((await store.commit({ hostsRemoved: [{ hostId: host, parked: true }] })).kind).to.equal(
      "committed",
    );
    await store.commit({ hosts: [inventory] });
    expect(await sums()).to.deep.equal({ pinnedCpus: 0, numaClaimed: [] });
  });

  it("refuses NUMA nodes that are not what the claim takes of its host, as a bug", async () => {
    const store = get();
    const { born } = await prepare(store);
    const wrong = [
      { ...bound(true, {}), vcpus: 2 },
      { ...bound(true, {}), memoryMib: 1 },
      bound(true, { node: 0 }, { node: 0 }),
      bound(true, { memoryMib: 3, pageKib: 2_048 }),
    ];
    for (const [n, change] of wrong.entries()) {
      const refused = await store.commit(born(n, change)).catch((error: unknown) => error);
      expect(refused, String(n)).to.include({ code: "INTERNAL" });
    }
  });
}
