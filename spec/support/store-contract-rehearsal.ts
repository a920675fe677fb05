/** The contract of rehearsals: what a commit would answer, and that nothing of it stays. */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import { rehearsalOf } from "./store-everything.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

export function rehearsalContract(get: () => Store): void {
  const prepare = async () => {
    const [store, it] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(it.host, { memoryMib: 64 * 2 })] });
    return { store, ...it };
  };

  it("says that a commit is possible, and does nothing of it", async () => {
    const { store, id, host } = await prepare();
    const commit = rows.createTurn(id(1), host);
    const before = [
      await store.events.lastSequence(),
      await store.hosts.claimTotals(),
      await store.quotas.totals(),
    ];
    expect(await store.rehearse(commit)).to.deep.equal({ kind: "possible" });
    expect(await store.rehearse(commit)).to.deep.equal({ kind: "possible" });
    const after = [
      await store.events.lastSequence(),
      await store.hosts.claimTotals(),
      await store.quotas.totals(),
    ];
    expect(after).to.deep.equal(before);
    expect(await store.instances.load(id(1))).to.equal(undefined);
    expect(await store.operations.get(`op-${id(1)}`)).to.equal(undefined);
    expect(await store.operations.request("demo", `request-${id(1)}`)).to.equal(undefined);
    expect((await store.hosts.get(host))?.instances).to.equal(0);
    expect((await store.commit(commit)).kind).to.equal("committed");
  });

  it("says what the commit is refused with, word for word", async () => {
    const { store, id, host, project } = await prepare();
    await store.commit(rows.createTurn(id(1), host));
    await store.commit({ quotas: [{ project, instances: 0 }] });
    const other = rows.createTurn(id(2), host);
    const changed = (commit: Commit, changes: object): Commit => ({
      ...commit,
      instances: (commit.instances ?? []).map((one) => ({ ...one, row: { ...one.row, ...changes } })),
    });
    const refused: readonly Commit[] = [
      rows.createTurn(id(1), host),
      { ...rows.createTurn(id(1), host), request: rows.request(`again-${id(1)}`) },
      rows.createTurn(id(3), "no-such-host"),
      changed(other, { project }),
      changed(other, { image: { ...rows.instance("").image, id: "no-such-image" } }),
      changed(other, { flavor: { ...rows.instance("").flavor, id: "no-such-flavor" } }),
      changed(other, { serverGroupId: "no-such-group" }),
      { ...other, claims: [rows.claim(id(2), host, { memoryMib: 128 })] },
    ];
    const kinds = [];
    for (const commit of refused) {
      const rehearsed = await store.rehearse(commit);
      expect(await store.commit(commit)).to.deep.equal(rehearsed);
      kinds.push(rehearsed.kind);
    }
    expect(kinds).to.deep.equal([
      "duplicate",
      "conflict",
      "hostFull",
      "quotaExceeded",
      ...["missing", "missing", "missing"],
      "hostFull",
    ]);
  });

  it("sees every commit that was answered before", async () => {
    const { store, id, host } = await prepare();
    const [first, second, third] = [1, 2, 3].map((n) => rows.createTurn(id(n), host));
    if (first === undefined || second === undefined || third === undefined) throw new Error("Three.");
    await store.commit(first);
    expect((await store.rehearse(third)).kind).to.equal("possible");
    await store.commit(second);
    expect(await store.rehearse(third)).to.deep.equal({ kind: "hostFull", hostId: host });
  });

  it("refuses what only a bug can ask, as a commit does", async () => {
    const { store, id, host } = await prepare();
    const { claims = [] } = rows.createTurn(id(1), host);
    expect(await rehearsalOf(store, { claims })).to.equal("internal");
  });
}
