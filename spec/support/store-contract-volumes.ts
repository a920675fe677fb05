/**
 * The store's contract for volumes; a part of the contract in store-contract.ts. A volume takes its room in
 * the commit that says where it is; what is changed in some fields only happens if the row has others.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { RowChange } from "../../actors/records/rows.ts";
import { image } from "../../protocol/image.ts";
import { deletedVolume, volume } from "../../protocol/volume.ts";
import type { RowOf } from "../../protocol/wire/resource.ts";
import { networkedDrivers } from "./host-drivers.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

type VolumeRow = RowOf<typeof volume>;

async function prepare(store: Store) {
  const it = names();
  const storageId = `${it.host}-storage`;
  const [shared, own] = [`${it.host}-shared`, `${it.host}-own`];
  const inventories = [
    rows.inventory(shared, { storageId, diskGib: 10 }),
    rows.inventory(own, { storageId: null, diskGib: 10 }),
  ];
  await store.commit({ hosts: inventories });
  const project = it.host;
  const row = (n: number, changes: Partial<VolumeRow> = {}): VolumeRow => ({
    ...{ id: it.id(n), project, name: `v${n}`, description: null, sizeGib: 4, source: null, imageId: null },
    ...{ made: false, storageId: null, hostId: null, epoch: 0, instanceId: null, createdAtMs: rows.wallMs },
    ...{ version: 1, ...changes },
  });
  const made = (one: VolumeRow): RowChange => ({ resource: volume, made: one });
  const patched = (n: number, whereHas: object, set: object, grows?: number): RowChange => ({
    ...{ resource: volume, patched: it.id(n), whereHas: { project, ...whereHas }, set: { ...set } },
    ...(grows === undefined ? {} : { grows }),
  });
  const commit = (...changes: readonly RowChange[]) => store.commit({ rows: changes });
  const kind = async (changes: Commit) => (await store.commit(changes)).kind;
  const read = async (n: number) => (await store.rows.called(volume, it.id(n)))[0];
  /** What is claimed of the storage and of the own disk, each as it is counted and as it is. */
  const sums = async () => {
    const total = (await store.hosts.storageTotals()).find((one) => one.storageId === storageId);
    expect(total?.diskGibCounted).to.equal(total?.diskGibClaimed);
    const host = await store.hosts.get(own);
    const counted = (await store.hosts.claimTotals()).find(({ hostId }) => hostId === own);
    expect(counted?.volumeGib ?? 0).to.equal(host?.diskGibClaimed ?? 0);
    return [total?.diskGibClaimed, host?.diskGibClaimed];
  };
  return {
    ...it,
    storageId,
    shared,
    own,
    project,
    inventories,
    row,
    made,
    patched,
    commit,
    kind,
    read,
    sums,
  };
}

export function volumesContract(get: () => Store, another: () => Promise<Store>): void {
  it("takes the room of a volume from the commit that says where it is, and never beyond what there is", async () => {
    const { row, made, patched, commit, sums, storageId, own } = await prepare(get());
    await commit(made(row(1, { storageId })), made(row(2)));
    expect(await sums()).to.deep.equal([4, 0]);
    expect(await commit(made(row(3, { storageId, sizeGib: 7 })))).to.deep.equal({
      ...{ kind: "hostFull", hostId: "" },
    });
    await commit(patched(2, { hostId: null }, { hostId: own, epoch: 1 }));
    expect(await sums()).to.deep.equal([4, 4]);
    expect(await commit(patched(2, {}, { sizeGib: 11 }))).to.deep.equal({ kind: "hostFull", hostId: own });
    expect((await commit(patched(2, {}, { sizeGib: 10 }))).kind).to.equal("committed");
    expect((await commit(patched(1, {}, { sizeGib: 10 }))).kind).to.equal("committed");
    expect(await sums()).to.deep.equal([10, 10]);
  });

  it("keeps the room of a deleted volume until nothing is left of it, whatever its storage says by then", async () => {
    const store = get();
    const it = await prepare(store);
    const { row, made, commit, sums, storageId, own, shared, id, project } = it;
    const left = (n: number, place: object): RowChange => {
      const about = { id: id(n), project, name: id(n), sizeGib: 4, storageId: null, hostId: null, epoch: 1 };
      return { resource: deletedVolume, made: Object.assign(about, { createdAtMs: 1, version: 1 }, place) };
    };
    await commit(made(row(1, { storageId })), made(row(2, { hostId: own })));
    const smaller = { ...rows.inventory(shared, { storageId, diskGib: 1 }) };
    await store.commit({ hosts: [smaller] });
    expect(await commit({ resource: volume, removed: id(1) }, left(1, { storageId }))).to.have.property(
      "kind",
      "committed",
    );
    await commit({ resource: volume, removed: id(2) }, left(2, { hostId: own }));
    expect(await sums()).to.deep.equal([4, 4]);
    expect(await store.rows.count(volume, { project })).to.equal(0);
    await commit({ resource: deletedVolume, removed: id(1) }, { resource: deletedVolume, removed: id(2) });
    expect(await sums()).to.deep.equal([0, 0]);
  });

  it("changes some fields of a row that has others, and nothing else; first of all that a commit asks", async () => {
    const { row, made, patched, commit, read, id } = await prepare(get());
    await commit(made(row(1, { description: "stays" })));
    expect((await commit(patched(1, { epoch: 1 }, { name: "no" }))).kind).to.equal("conflict");
    expect((await commit(patched(2, {}, { name: "no" }))).kind).to.equal("conflict");
    const attached = patched(1, { instanceId: null, epoch: 0 }, { instanceId: "i", epoch: 1, made: true });
    expect((await commit(attached)).kind).to.equal("committed");
    expect(await read(1)).to.deep.equal(
      row(1, { description: "stays", instanceId: "i", epoch: 1, made: true, version: 2 }),
    );
    expect((await commit(attached)).kind, "again").to.equal("conflict");
    const held = patched(1, { instanceId: null }, { instanceId: null });
    expect((await commit({ resource: volume, removed: id(1) }, held)).kind).to.equal("conflict");
    expect(await read(1)).to.have.property("version", 2);
  });

  it("gives a volume to one of many that want it at once", async () => {
    const store = get();
    const { row, made, patched, commit, read } = await prepare(store);
    const stores = [store, await another()];
    await commit(made(row(1)));
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const taken = patched(1, { instanceId: null, epoch: 0 }, { instanceId: `i${n}`, epoch: 1 });
        return stores[n % 2]?.commit({ rows: [taken] });
      }),
    );
    expect(results.filter((one) => one?.kind === "committed")).to.have.length(1);
    expect(results.filter((one) => one?.kind === "conflict")).to.have.length(19);
    expect(await read(1)).to.have.property("epoch", 1);
  });

  it("counts how many volumes a project has, and how large they are together", async () => {
    const store = get();
    const { row, made, patched, commit, project } = await prepare(store);
    await store.commit({ quotas: [{ project, volumes: 2, volumeGib: 10 }] });
    await commit(made(row(1)), made(row(2)));
    expect((await store.quotas.get(project)).used).to.include({ volumes: 2, volumeGib: 8 });
    const about = { kind: "quotaExceeded", limit: 2, used: 2, asked: 1 };
    expect(await commit(made(row(3)))).to.deep.equal({ ...about, resource: "volumes" });
    const much = { kind: "quotaExceeded", resource: "volumeGib", limit: 10 };
    expect(await commit(patched(1, {}, { sizeGib: 7 }, 3))).to.deep.equal({ ...much, used: 8, asked: 3 });
    expect((await commit(patched(1, {}, { sizeGib: 6 }, 2))).kind).to.equal("committed");
    await store.commit({ quotas: [{ project, volumes: -1, volumeGib: 1 }] });
    expect((await commit(patched(1, {}, { name: "other" }))).kind, "what does not grow").to.equal(
      "committed",
    );
    expect(await commit(made(row(3)))).to.deep.equal({ ...much, limit: 1, used: 10, asked: 4 });
  });

  it("keeps an image as long as a volume is to be made from it, and a host as long as one is on its disk", async () => {
    const store = get();
    const { row, made, patched, commit, kind, id, own } = await prepare(store);
    const imageId = `${own}-image`;
    await commit({ resource: image, made: { ...rows.image, id: imageId, name: imageId, version: 1 } });
    expect(await commit(made(row(2, { imageId: "none" })))).to.deep.equal({
      ...{ kind: "missing", noun: "image", id: "none" },
    });
    await commit(made(row(1, { imageId, hostId: own })));
    const removed = { resource: image, removed: imageId };
    expect((await commit(removed)).kind).to.equal("inUse");
    await commit(patched(1, {}, { imageId: null, made: true }));
    expect((await commit(removed)).kind).to.equal("committed");
    const forgotten = { hostsRemoved: [{ hostId: own, parked: false }] };
    expect(await kind(forgotten)).to.equal("inUse");
    await commit({ resource: volume, removed: id(1) });
    expect(await kind(forgotten)).to.equal("committed");
  });

  it("keeps no host for a volume of an instance that is deleted already", async () => {
    const store = get();
    const { row, made, commit, kind, id, own } = await prepare(store);
    const instanceId = `${own}-instance`;
    const instance = rows.instance(instanceId, { hostId: null });
    expect(await kind(rows.changeTurn(instance))).to.equal("committed");
    await commit(made(row(1, { hostId: own, instanceId })));
    const forgotten = { hostsRemoved: [{ hostId: own, parked: true }] };
    expect(await kind(forgotten)).to.equal("inUse");
    expect(await kind(rows.changeTurn(rows.deleted(instance, rows.wallMs)))).to.equal("committed");
    expect(await kind(forgotten)).to.equal("committed");
    await commit({ resource: volume, removed: id(1) });
  });

  it("takes room of storages that hosts see for volumes alone, as large as the largest of all says", async () => {
    const store = get();
    const { host, shared, storageId, inventories, row, made, commit, kind } = await prepare(store);
    const [nfs, other] = [`${host}-nfs`, `${host}-other`];
    const seeing = (at: 0 | 1, ...told: readonly (readonly [string, number])[]): Commit => {
      const volumeStorages = told.map(([id, sizeGib]) => ({ id, kind: "nfs", sizeGib }));
      const drivers = { ...networkedDrivers(), volumeStorages };
      return { hosts: inventories.slice(at, at + 1).map((one) => ({ ...one, drivers })) };
    };
    const size = async (id: string) =>
      (await store.hosts.storageTotals()).find((one) => one.storageId === id)?.diskGib;
    await store.commit(seeing(0, [nfs, 50], [storageId, 99]));
    await store.commit(seeing(1, [nfs, 60]));
    expect([await size(nfs), await size(storageId)]).to.deep.equal([60, 10]);
    expect((await commit(made(row(1, { storageId: nfs, sizeGib: 55 })))).kind).to.equal("committed");
    expect((await commit(made(row(2, { storageId: nfs, sizeGib: 6 })))).kind).to.equal("hostFull");
    await store.commit(seeing(1, [other, 7]));
    expect([await size(nfs), await size(other)]).to.deep.equal([50, 7]);
    await store.commit(seeing(1));
    expect(await size(other), "nothing is on it").to.equal(undefined);
    expect(await kind({ hostsRemoved: [{ hostId: shared, parked: false }] })).to.equal("committed");
    expect(await size(nfs), "a volume is on it").to.equal(50);
    await store.commit(seeing(1, [nfs, 40]));
    expect(await size(nfs)).to.equal(40);
    await commit({ resource: volume, removed: row(1).id });
    await store.commit(seeing(1));
    expect(await size(nfs)).to.equal(undefined);
  });
}
