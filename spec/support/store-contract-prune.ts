/** The store's contract for pruning. It comes last: it moves far into the future. */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import { postgresLimits } from "../../db/postgres/limits.ts";
import { retentionLimits } from "../../protocol/limits/retention.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

export function pruneContract(get: () => Store): void {
  it("forgets requests after their time, and not before", async () => {
    const [store, { id, project }] = [get(), names()];
    const request = rows.request("r1", { project });
    await store.commit({ request, ...rows.changeTurn(rows.instance(id(1), { project })) });
    await store.prune(rows.wallMs + retentionLimits.requestKeptMs);
    expect(await store.operations.request(project, "r1")).to.deep.equal(request);
    expect(await store.prune(rows.wallMs + retentionLimits.requestKeptMs + 1)).to.be.greaterThan(0);
    expect(await store.operations.request(project, "r1")).to.equal(undefined);
    expect(await store.instances.get(id(1))).not.to.equal(undefined);
  });

  it("forgets tombstones with their operations and machines, but not one that still has a claim", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const deletedAtMs = rows.wallMs + 5;
    const done = { state: "done", endedAtMs: rows.wallMs } as const;
    for (const n of [1, 2, 3]) {
      const row = rows.instance(id(n), { ownerEpoch: 1 });
      const claims = n === 2 ? [rows.claim(id(n), host)] : [];
      const operations = [rows.operation(id(n), id(n), done)];
      await store.commit(rows.changeTurn(row, { claims, operations, machines: [rows.machine(id(n))] }));
      if (n < 3) await store.commit(rows.changeTurn(rows.deleted(row, deletedAtMs)));
    }
    await store.prune(deletedAtMs + retentionLimits.tombstoneKeptMs);
    expect(await store.instances.get(id(1))).not.to.equal(undefined);
    await store.prune(deletedAtMs + retentionLimits.tombstoneKeptMs + 1);
    const left = await Promise.all([1, 2, 3].map(async (n) => store.instances.load(id(n))));
    expect(left.map((row) => row?.instance.id)).to.deep.equal([undefined, id(2), id(3)]);
    expect(await store.operations.get(id(1))).to.equal(undefined);
    expect(await store.operations.get(id(2))).not.to.equal(undefined);
    expect(await store.instances.onHost("h1"))
      .to.include(id(3))
      .and.not.to.include(id(1));
  });

  it("keeps a tombstone until its ports are let go of, however old it is: nobody else knows of them", async () => {
    const [store, { id }] = [get(), names()];
    const born = rows.instance(id(1), { interfaces: [rows.plugged("p")] });
    await store.commit(rows.changeTurn(born));
    const gone = rows.deleted(born, rows.wallMs + 5);
    await store.commit(rows.changeTurn(gone));
    const muchLater = rows.wallMs + 6 + retentionLimits.tombstoneKeptMs;
    await store.prune(muchLater);
    expect((await store.instances.load(id(1)))?.instance).to.deep.equal(gone);
    await store.commit(rows.changeTurn(rows.next(gone, { interfaces: [] })));
    await store.prune(muchLater);
    expect(await store.instances.load(id(1))).to.equal(undefined);
  });

  it("forgets ended operations of living instances after their time", async () => {
    const [store, { id }] = [get(), names()];
    const ended = rows.operation(id(1), id(1), { state: "done", endedAtMs: rows.wallMs });
    const running = rows.operation(id(2), id(1));
    await store.commit(rows.changeTurn(rows.instance(id(1)), { operations: [ended, running] }));
    await store.prune(rows.wallMs + retentionLimits.operationKeptMs + 1);
    expect(await store.operations.get(id(1))).to.equal(undefined);
    expect((await store.operations.get(id(2)))?.operation).to.deep.include(running);
  });

  it("forgets old events from the beginning only, in more than one batch, and says up to where", async () => {
    const [store, { id }] = [get(), names()];
    await store.prune(rows.wallMs + retentionLimits.eventKeptMs + 1);
    const before = await store.events.lastSequence();
    const count = postgresLimits.pruneBatchMax + 20;
    const old = Array.from({ length: count }, () => rows.event(id(1)));
    const young = rows.event(id(2), "stateChanged", { atMs: rows.wallMs + 1 });
    await store.commit({ events: [...old, young, rows.event(id(3))] });
    expect(await store.prune(rows.wallMs + retentionLimits.eventKeptMs + 1)).to.equal(count);
    const page = await store.events.list({ after: before, limit: 10 });
    expect(page.trimmed).to.equal(before + count);
    expect(page.events.map((event) => event.id)).to.deep.equal([id(2), id(3)]);
    expect(await store.events.lastSequence()).to.equal(before + count + 2);
    expect(await store.commit({ events: [rows.event(id(4))] })).to.have.property(
      "lastSequence",
      before + count + 3,
    );
    expect(await store.prune(rows.wallMs + retentionLimits.eventKeptMs + 2)).to.equal(3);
    const empty = await store.events.list({ after: 0, limit: 10 });
    expect(empty).to.deep.equal({ events: [], last: before + count + 3, trimmed: before + count + 3 });
  });
}
