/**
 * What every Store must do with hosts that are fenced, drained and removed; a part of the contract in
 * store-contract.ts.
 */

import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { InstanceRecord } from "../../actors/records/instance.ts";
import { rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

const proof = { kind: "operator", by: "admin", reason: "It burnt.", confirmedName: "h", atMs: 1 } as const;
const draining = { atMs: rows.wallMs, parallelism: 4, instances: 2, instanceIds: ["i1", "i2"] };

export function hostContract(get: () => Store): void {
  drainContract(get);
  removalContract(get);
  recoveryContract(get);
}

/** A host with its first host lease, and an instance on it. */
async function prepare(store: Store, changes: Partial<InstanceRecord> = {}) {
  const it = names();
  const { host, id } = it;
  await store.commit({ hosts: [rows.inventory(host)], leasesGranted: [{ hostId: host, leaseEpoch: 1 }] });
  const row = rows.instance(id(1), { hostId: host, ownerEpoch: 1, built: true, ...changes });
  const claim = rows.claim(id(1), host, { leaseEpoch: 1 });
  const machine = rows.machine(id(1), { hostId: host });
  const commit = { instances: [{ expectedVersion: 0, row }], claims: [claim], machines: [machine] };
  expect((await store.commit(commit)).kind).to.equal("committed");
  const fence = { hostId: host, leaseEpoch: 1, renewals: null, proof };
  return { ...it, row, fence: async () => store.commit({ leasesFenced: [fence] }) };
}

function drainContract(get: () => Store): void {
  // A controller compares the row with the inventory: one that says nothing new is not stored again.
  it("gives back what a host says of itself as the host says it", async () => {
    const [store, { host: hostId }] = [get(), names()];
    const numa = [
      { vcpus: 4, memoryMib: 2_048, hugePages: [{ sizeKib: 2_048, total: 512 }] },
      { vcpus: 2, memoryMib: 1_024, hugePages: [] },
    ];
    const lists = { features: ["sse2", "avx"], machineTypes: ["q35", "pc"], numa, storageId: "s1" };
    const said = rows.inventory(hostId, { ...lists, labels: { zone: "b", "a.b/c": "" }, bootId: "boot 2" });
    await store.commit({ hosts: [said], leasesGranted: [{ hostId, leaseEpoch: 1 }] });
    const { hostId: _, ...fields } = said;
    expect(await store.hosts.get(hostId)).to.deep.include({ ...fields, drivers: null });
    const abilities = { hotPlug: true, liveMigration: false, console: true, save: false };
    const drivers = {
      ...{ hypervisor: "qemu", disks: "files", network: null, volumes: "fake" },
      abilities: { ...abilities, networks: ["user", "tap"], volumes: [] },
    };
    await store.commit({ hosts: [{ ...said, drivers }] });
    const told = await store.hosts.get(hostId);
    expect(told?.drivers).to.deep.equal(drivers);
    await store.commit({ hosts: [{ ...said, drivers }] });
    expect((await store.hosts.get(hostId))?.generation).to.equal(told?.generation);
    // As an agent of the version before, that comes back.
    await store.commit({ hosts: [said] });
    expect(await store.hosts.get(hostId)).to.deep.include({
      drivers: null,
      generation: (told?.generation ?? 0) + 1,
    });
  });

  it("remembers that a host is drained until it is enabled, whatever else is said of it", async () => {
    const [store, { host: hostId }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(hostId)] });
    const say = async (enabled: boolean, more: object = {}) => {
      await store.commit({ hostsEnabled: [{ hostId, enabled, reason: null, ...more }] });
      return (await store.hosts.get(hostId))?.draining;
    };
    expect(await say(false)).to.equal(null);
    expect(await say(false, { draining })).to.deep.equal(draining);
    expect(await say(false)).to.deep.equal(draining);
    await store.commit({ hosts: [rows.inventory(hostId, { bootId: "boot-2" })] });
    expect((await store.hosts.get(hostId))?.draining).to.deep.equal(draining);
    expect(await say(true)).to.equal(null);
    expect(await say(true, { draining })).to.equal(null);
  });
}

function removalContract(get: () => Store): void {
  const removal = (hostId: string, parked = true) => ({ hostsRemoved: [{ hostId, parked }] });

  it("removes a host on which nothing is claimed, with its places in aggregates", async () => {
    const [store, { host, id }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const made = {
      id: id(1),
      name: id(1),
      availabilityZone: null,
      metadata: {},
      createdAtMs: 1,
      hostIds: [],
    };
    await store.commit(rowsOf({ aggregates: [made] }));
    await store.commit({ aggregateHosts: [{ aggregateId: id(1), hostId: host }] });
    expect((await store.commit(removal(host, false))).kind).to.equal("committed");
    expect(await store.hosts.get(host)).to.equal(undefined);
    expect(await store.signsOfLife.touch([host], rows.wallMs)).to.deep.equal([]);
    expect([...(await store.aggregates.hosts([id(1)]))]).to.deep.equal([]);
    expect(await store.commit(removal(host))).to.deep.equal(rows.missing("host", host));
  });

  it("removes no host that owns an instance, nor, unless it is parked, one with a claim", async () => {
    const store = get();
    const { host, row } = await prepare(store);
    expect(await store.commit(removal(host))).to.deep.equal({ kind: "inUse" });
    await store.commit(rows.changeTurn(rows.deleted(row, rows.wallMs)));
    expect(await store.commit(removal(host, false))).to.deep.equal({ kind: "inUse" });
    expect((await store.hosts.get(host))?.instances).to.equal(1);
  });

  it("removes a fenced host with what was parked there, and not one whose fence is another", async () => {
    const store = get();
    const { host, row, id, fence } = await prepare(store);
    await store.commit(rows.changeTurn(rows.deleted(row, rows.wallMs)));
    const commit = { ...removal(host), fencesExpected: [{ hostId: host, leaseEpoch: 1 }] };
    expect(await store.commit(commit)).to.deep.equal({ kind: "conflict" });
    await fence();
    expect((await store.commit(commit)).kind).to.equal("committed");
    expect(await store.instances.load(id(1))).to.deep.include({ claims: [], machines: [] });
    expect(await store.instances.onHost(host)).to.deep.equal([]);
    expect((await store.hosts.claimTotals()).map(({ hostId }) => hostId)).to.not.include(host);
  });

  it("removes no fenced host with a claim of a guest that may live there and be missed, or send", async () => {
    const silence = {
      kind: "lease",
      leaseEpoch: 1,
      silentMs: 1,
      guardMs: 1,
      observedBy: "c",
      atMs: 1,
    } as const;
    const storage = { storageId: "s", takenBy: "h2", observedBy: "c", leaseEpoch: 1, silentMs: 1, atMs: 1 };
    const power = { kind: "power", control: "ipmi", address: "x", said: "off", tookMs: 1, atMs: 1 } as const;
    const proofs = [silence, { kind: "storage", ...storage } as const, power, proof];
    const diskless = { image: { ...rows.image, disk: null }, flavor: { ...rows.flavor, diskGib: 0 } };
    /**
     * Results of a removal when the host has only an instance's claim left, by each kind of the proofs above.
     */
    const ends = async (changes: Partial<InstanceRecord>, leaseEpoch = 1) => {
      const kinds = [];
      for (const fencedBy of proofs) {
        const [store, { host, id }] = [get(), names()];
        await store.commit({ hosts: [rows.inventory(host, { storageId: changes.storageId ?? null })] });
        const row = rows.instance(id(1), { hostId: null, ownerEpoch: 1, built: false, ...changes });
        const claims = [rows.claim(id(1), host, { leaseEpoch })];
        const born = { instances: [{ expectedVersion: 0, row }], claims };
        const leasesGranted = [{ hostId: host, leaseEpoch: 1 }];
        if (leaseEpoch === 0) await store.commit(born);
        await store.commit({ leasesGranted });
        if (leaseEpoch > 0) await store.commit(born);
        await store.commit({
          leasesFenced: [{ hostId: host, leaseEpoch: 1, renewals: null, proof: fencedBy }],
        });
        const commit = { ...removal(host), fencesExpected: [{ hostId: host, leaseEpoch: 1 }] };
        kinds.push((await store.commit(commit)).kind);
        const kept = (await store.instances.load(id(1)))?.claims.length;
        expect(kept).to.equal(kinds.at(-1) === "committed" ? 0 : 1);
      }
      return kinds;
    };
    const covered = proofs.map(() => "committed");
    const byPowerAlone = ["inUse", "inUse", "committed", "committed"];
    expect(await ends({ storageId: "s" })).to.deep.equal(covered);
    expect(await ends(diskless)).to.deep.equal(covered);
    expect(await ends({})).to.deep.equal(byPowerAlone);
    expect(await ends({ ...diskless, flavor: { ...rows.flavor, diskGib: 1 } })).to.deep.equal(byPowerAlone);
    expect(await ends({ storageId: "s" }, 0)).to.deep.equal(byPowerAlone);
    const deleted = { deletedAtMs: 1, desired: "deleted", state: "deleted" } as const;
    expect(await ends(deleted)).to.deep.equal(covered);
    const interfaces = [rows.plugged("p")];
    expect(await ends({ ...deleted, interfaces })).to.deep.equal(byPowerAlone);
    expect(await ends({ ...deleted, interfaces, storageId: "s" })).to.deep.equal(covered);
    expect(await ends({ ...deleted, interfaces: [] })).to.deep.equal(covered);
  });

  it("keeps the lease of a removed host: when it comes back it is as fenced as before", async () => {
    const store = get();
    const { host, row, fence } = await prepare(store);
    await store.commit(rows.changeTurn(rows.deleted(row, rows.wallMs)));
    await fence();
    await store.commit(removal(host));
    expect(await store.signsOfLife.renew([{ hostId: host, leaseEpoch: 1, storageId: null }])).to.deep.equal(
      [],
    );
    const first = { hosts: [rows.inventory(host)], leasesGranted: [{ hostId: host, leaseEpoch: 1 }] };
    expect(await store.commit(first)).to.deep.equal({ kind: "conflict" });
    await store.commit({ hosts: [rows.inventory(host)] });
    const again = await store.hosts.get(host);
    expect(again).to.deep.include({ enabled: true, draining: null, instances: 0, generation: 1 });
    expect(again?.lease).to.deep.include({ leaseEpoch: 1, fencedBy: proof });
    await store.commit({ leasesGranted: [{ hostId: host, leaseEpoch: 2 }] });
    expect(await store.signsOfLife.renew([{ hostId: host, leaseEpoch: 2, storageId: null }])).to.deep.equal([
      host,
    ]);
  });

  it("renews no lease of a host that is not there", async () => {
    const [store, { host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)], leasesGranted: [{ hostId: host, leaseEpoch: 1 }] });
    expect(await store.signsOfLife.renew([{ hostId: host, leaseEpoch: 1, storageId: null }])).to.deep.equal([
      host,
    ]);
    await store.commit(removal(host, false));
    expect(await store.signsOfLife.renew([{ hostId: host, leaseEpoch: 1, storageId: null }])).to.deep.equal(
      [],
    );
  });
}

function recoveryContract(get: () => Store): void {
  const found = async (store: Store, id: string) => (await store.instances.toRecover(1_000)).includes(id);

  it("lists what may start elsewhere because its host is fenced, also when it had just left it", async () => {
    const store = get();
    const { row, id, fence } = await prepare(store);
    expect(await found(store, id(1))).to.equal(false);
    await fence();
    expect(await found(store, id(1))).to.equal(true);
    const left = rows.next(row, { hostId: null });
    await store.commit(rows.changeTurn(left));
    expect(await found(store, id(1))).to.equal(true);
    const released = { claimsReleased: [{ instanceId: id(1), ownerEpoch: 1 }] };
    await store.commit(rows.changeTurn(rows.next(left), released));
    expect(await found(store, id(1))).to.equal(false);
  });
}
