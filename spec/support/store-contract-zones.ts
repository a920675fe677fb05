/**
 * What every Store must do with availability zones; a part of the contract in store-contract.ts. The commit
 * judges them: that no host is in two, and that no zone changes under an instance that has asked for it.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { AggregateRecord } from "../../actors/records/catalog.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { InstanceRecord } from "../../actors/records/instance.ts";
import { aggregate } from "../../protocol/aggregate.ts";
import { called, rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

export function zoneContract(get: () => Store): void {
  it("lets a host into one zone only, whichever way it would come into two", async () => {
    const [store, { id, host, project: name }] = [get(), names()];
    const made = (n: number, availabilityZone: string | null) => ({
      ...{ id: id(n), name: `${name}-${n}`, availabilityZone, metadata: {} },
      createdAtMs: rows.wallMs,
    });
    await store.commit({
      hosts: [rows.inventory(host)],
      ...rowsOf({ aggregates: [made(1, "z1"), made(2, "z2"), made(3, null)] }),
    });
    const join = (n: number) => ({ aggregateHosts: [{ aggregateId: id(n), hostId: host }] });
    expect((await store.commit(join(1))).kind).to.equal("committed");
    expect((await store.commit(join(3))).kind).to.equal("committed");
    const conflict = { kind: "zoneConflict", hostId: host };
    expect(await store.commit(join(2))).to.deep.equal(conflict);
    const third = await called(store, aggregate, id(3));
    if (third === undefined) throw new Error("It is not there.");
    const zoned = rowsOf({ aggregatesChanged: [{ ...third, availabilityZone: "z3", version: 2 }] });
    expect(await store.commit(zoned)).to.deep.equal(conflict);
    const unknown = { aggregateHosts: [{ aggregateId: id(1), hostId: `${host}-2` }] };
    expect(await store.commit(unknown)).to.deep.equal(rows.missing("host", `${host}-2`));
    const unmade = { aggregateHosts: [{ aggregateId: id(9), hostId: `${host}-2` }] };
    expect(await store.commit(unmade)).to.deep.equal(rows.missing("aggregate", id(9)));
  });

  wishContract(get);
}

function wishContract(get: () => Store): void {
  /** Two of three hosts in the zone of the first aggregate; the second has a zone too, the third none. */
  const prepare = async () => {
    const [store, { id, host, project }] = [get(), names()];
    const zone = (n: number) => `${project}-z${n}`;
    const made = (n: number, availabilityZone: string | null) => ({
      ...{ id: id(900 + n), name: `${project}-${n}`, availabilityZone, metadata: {} },
      createdAtMs: rows.wallMs,
    });
    const hosts = [`${host}-0`, `${host}-1`, `${host}-2`];
    await store.commit({
      hosts: hosts.map((hostId) => rows.inventory(hostId)),
      ...rowsOf({ aggregates: [made(1, zone(1)), made(2, zone(2)), made(3, null)] }),
    });
    const key = (n: number, which: number) => ({ aggregateId: id(900 + n), hostId: hosts[which] ?? "" });
    const join = (n: number, which: number): Commit => ({ aggregateHosts: [key(n, which)] });
    const leave = (n: number, which: number): Commit => ({ aggregateHostsRemoved: [key(n, which)] });
    const set = async (n: number, availabilityZone: string | null): Promise<Commit> => {
      const before = await called(store, aggregate, id(900 + n));
      if (before === undefined) throw new Error("It is not there.");
      const after: AggregateRecord = { ...before, availabilityZone, version: before.version + 1 };
      return rowsOf({ aggregatesChanged: [after] });
    };
    const ask = (
      n: number,
      which: number,
      availabilityZone: string | null,
      more: Partial<InstanceRecord> = {},
    ) => {
      const hostId = hosts[which] ?? "";
      const fields = { hostId, ownerEpoch: 1, operationId: `op-${id(n)}`, availabilityZone, ...more };
      const commit = { ...rows.createTurn(id(n), hostId) };
      return { ...commit, instances: [{ expectedVersion: 0, row: rows.instance(id(n), fields) }] };
    };
    const kindOf = async (commit: Commit) => (await store.commit(commit)).kind;
    for (const which of [0, 1]) expect(await kindOf(join(1, which))).to.equal("committed");
    return { store, id, hosts, zone, join, leave, set, ask, kindOf };
  };
  const held = (zone: string, ...instanceIds: string[]) => {
    return { kind: "zoneInUse", zone, count: instanceIds.length, instanceIds };
  };

  it("takes no host out of a zone that an instance there has asked for, by whatever change", async () => {
    const { store, id, zone, join, leave, set, ask, kindOf } = await prepare();
    expect(await kindOf(ask(1, 0, zone(1)))).to.equal("committed");
    const refused = held(zone(1), id(1));
    expect(await store.commit(leave(1, 0))).to.deep.equal(refused);
    expect(await store.commit(await set(1, zone(3)))).to.deep.equal(refused);
    expect(await store.commit(await set(1, null))).to.deep.equal(refused);
    expect(await store.commit({ ...leave(1, 0), ...join(2, 0) })).to.deep.equal(refused);
    // What leaves the zone as it is is free: another host, and another way into the same zone.
    expect(await kindOf(leave(1, 1))).to.equal("committed");
    expect(await kindOf(join(3, 0))).to.equal("committed");
    expect(await kindOf(await set(3, zone(1)))).to.equal("committed");
    expect(await kindOf(leave(1, 0))).to.equal("committed");
    expect(await store.commit(leave(3, 0))).to.deep.equal(refused);
  });

  it("keeps the default zone as well: a host with an instance that has asked for it joins no other", async () => {
    const { store, id, zone, join, ask, kindOf } = await prepare();
    expect(await kindOf(ask(1, 2, "nova"))).to.equal("committed");
    expect(await store.commit(join(1, 2))).to.deep.equal(held("nova", id(1)));
    expect(await kindOf(join(3, 2))).to.equal("committed");
    expect(await kindOf(ask(2, 2, zone(2)))).to.equal("hostFull");
  });

  it("lets a zone go that nobody has asked for, or whose instances are being deleted", async () => {
    const { zone, id, store, leave, set, ask, kindOf } = await prepare();
    expect(await kindOf(ask(1, 0, null))).to.equal("committed");
    expect(await kindOf(ask(2, 1, zone(1)))).to.equal("committed");
    expect(await kindOf(leave(1, 0))).to.equal("committed");
    expect(await store.commit(await set(1, zone(3)))).to.deep.equal(held(zone(1), id(2)));
    const loaded = await store.instances.load(id(2));
    if (loaded === undefined) throw new Error("It is not there.");
    const going = rows.next(loaded.instance, { desired: "deleted" });
    expect(await kindOf(rows.changeTurn(going))).to.equal("committed");
    expect(await kindOf(await set(1, zone(3)))).to.equal("committed");
  });

  it("keeps the last host of a zone for an instance that looks for a host there", async () => {
    const { store, id, zone, leave, ask, kindOf } = await prepare();
    const homeless = ask(1, 0, zone(1), { hostId: null, ownerEpoch: 0, settled: false });
    expect(await kindOf({ instances: homeless.instances })).to.equal("committed");
    expect(await kindOf(leave(1, 0))).to.equal("committed");
    expect(await store.commit(leave(1, 1))).to.deep.equal(held(zone(1), id(1)));
    const given = await store.instances.load(id(1));
    if (given === undefined) throw new Error("It is not there.");
    expect(await kindOf(rows.changeTurn(rows.next(given.instance, { settled: true })))).to.equal("committed");
    expect(await kindOf(leave(1, 1))).to.equal("committed");
  });

  it("takes no host out of a zone to which an instance of that zone is on its way", async () => {
    const { store, id, hosts, zone, leave, ask, kindOf } = await prepare();
    expect(await kindOf(ask(1, 0, zone(1)))).to.equal("committed");
    const before = await store.instances.load(id(1));
    if (before === undefined) throw new Error("It is not there.");
    const next = { instanceId: id(1), ownerEpoch: 2, hostId: hosts[1] ?? "" };
    const leaving = rows.next(before.instance, { hostId: null, settled: false });
    const claims = [{ ...rows.claim(id(1), next.hostId), ...next }];
    expect(await kindOf({ ...rows.changeTurn(leaving), claims })).to.equal("committed");
    expect(await store.commit(leave(1, 1))).to.deep.equal(held(zone(1), id(1)));
    expect(await kindOf(leave(1, 0)), "where it comes from").to.equal("committed");
    const stays = rows.changeTurn(rows.next(leaving, { settled: true }));
    expect(await kindOf({ ...stays, claimsReleased: [next] })).to.equal("committed");
    expect(await kindOf(leave(1, 1))).to.equal("committed");
  });

  it("names ten of the instances that hold a zone, and counts all", async () => {
    const { store, id, zone, leave, ask, kindOf } = await prepare();
    for (let n = 10; n < 22; n += 1) expect(await kindOf(ask(n, 0, zone(1)))).to.equal("committed");
    const ids = Array.from({ length: 10 }, (_, n) => id(10 + n));
    expect(await store.commit(leave(1, 0))).to.deep.equal({ ...held(zone(1), ...ids), count: 12 });
  });

  it("refuses a claim in another zone than was asked for, but not one that is only made anew", async () => {
    const { store, id, hosts, zone, ask, kindOf } = await prepare();
    expect(await store.commit(ask(1, 2, zone(1)))).to.deep.equal({ kind: "hostFull", hostId: hosts[2] });
    expect(await store.commit(ask(1, 0, zone(2)))).to.deep.equal({ kind: "hostFull", hostId: hosts[0] });
    expect(await kindOf(ask(1, 2, null))).to.equal("committed");
    // As rows of a version before may be: asked for elsewhere than it is.
    const loaded = await store.instances.load(id(1));
    if (loaded === undefined) throw new Error("It is not there.");
    const astray = rows.next(loaded.instance, { availabilityZone: zone(1) });
    const again = { instanceId: id(1), ownerEpoch: 1 };
    const claims = [rows.claim(id(1), hosts[2])];
    expect(await kindOf(rows.changeTurn(astray, { claimsReleased: [again], claims }))).to.equal("committed");
    const moved = rows.next(astray, { ownerEpoch: 2 });
    const elsewhere = { claims: [rows.claim(id(1), hosts[2], { ownerEpoch: 2 })] };
    expect(await kindOf(rows.changeTurn(moved, elsewhere))).to.equal("hostFull");
  });
}
