/** What every Store must do with what guests are told: it is kept apart, and gone with the guest. */

import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { GuestDataRecord, GuestRecord } from "../../actors/records/instance.ts";
import { retentionLimits } from "../../protocol/limits/retention.ts";
import { resultOf } from "./store-everything.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

const guest: GuestRecord = {
  hostname: "web-1",
  launchIndex: 3,
  keyName: "mine",
  configDrive: true,
  userDataBytes: 12,
};
const guestData: GuestDataRecord = {
  publicKeys: [{ name: "mine", type: "ssh", publicKey: 'ssh-ed25519 AAAA "é" \n' }],
  userData: "A".repeat(65_532),
};

export function guestDataContract(get: () => Store, another: () => Promise<Store>): void {
  it("keeps what a guest is told through every change, and shows it to loads alone", async () => {
    const [store, { id, project }] = [get(), names()];
    const row = rows.instance(id(1), { project, guest });
    await store.commit({ instances: [{ expectedVersion: 0, row, guestData }] });
    const changed = rows.next(row, { metadata: { a: "1" } });
    await store.commit(rows.changeTurn(changed));
    for (const one of [store, await another()]) {
      expect(await one.instances.load(id(1))).to.deep.include({ instance: changed, guestData });
      expect((await one.instances.get(id(1)))?.instance).to.deep.equal(changed);
      const listed = await one.instances.list({ project, limit: 9 });
      expect(JSON.stringify(listed)).not.to.include("AAAA");
    }
  });

  it("forgets it when the instance is deleted", async () => {
    const [store, { id, project }] = [get(), names()];
    const row = rows.instance(id(1), { project, guest });
    await store.commit({ instances: [{ expectedVersion: 0, row, guestData }] });
    const gone = rows.deleted(row, rows.wallMs);
    await store.commit(rows.changeTurn(gone));
    expect(await store.instances.load(id(1))).to.deep.equal({
      ...{ instance: gone, machines: [], claims: [], operation: undefined },
    });
    await store.prune(rows.wallMs + retentionLimits.tombstoneKeptMs + 1);
    expect(await store.instances.load(id(1))).to.equal(undefined);
  });

  it("has none of whoever is told nothing, and of nobody whose create is refused", async () => {
    const [store, { id, project }] = [get(), names()];
    const plain = rows.instance(id(1), { project, guest });
    await store.commit({ instances: [{ expectedVersion: 0, row: plain }] });
    expect(await store.instances.load(id(1))).not.to.have.property("guestData");
    const other = rows.instance(id(2), { project, guest });
    const instances = [
      { expectedVersion: 0, row: other, guestData },
      { expectedVersion: 0, row: plain },
    ];
    expect(await store.commit({ instances })).to.deep.equal({ kind: "conflict" });
    expect(await store.instances.load(id(2))).to.equal(undefined);
  });

  it("refuses to tell a guest later what no create has said", async () => {
    const [store, { id, project }] = [get(), names()];
    const row = rows.instance(id(1), { project, guest });
    await store.commit({ instances: [{ expectedVersion: 0, row }] });
    const late = { expectedVersion: 1, row: rows.next(row), guestData };
    expect(await resultOf(store, { instances: [late] })).to.equal("internal");
    const unnamed = { expectedVersion: 0, row: rows.instance(id(2), { project }), guestData };
    expect(await resultOf(store, { instances: [unnamed] })).to.equal("internal");
  });
}
