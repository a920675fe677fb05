/** The store's contract for reads: pages, filters, events, and hosts that were heard from. */

import { expect } from "chai";
import type { InstanceQuery } from "../../actors/ports/instance-reads.ts";
import type { OperationQuery } from "../../actors/ports/operation-reads.ts";
import type { Store } from "../../actors/ports/store.ts";
import { readLimits } from "../../db/rows/limits.ts";
import { flavor } from "../../protocol/flavor.ts";
import { image } from "../../protocol/image.ts";
import { rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

export function readContract(get: () => Store): void {
  const found = async (query: InstanceQuery): Promise<string[]> =>
    (await get().instances.list(query)).rows.map(({ instance }) => instance.id);

  it("finds nothing where nothing is", async () => {
    const store = get();
    expect(await store.instances.load("nothing")).to.equal(undefined);
    expect(await store.instances.get("nothing")).to.equal(undefined);
    expect(await store.operations.get("nothing")).to.equal(undefined);
    expect(await store.hosts.get("nothing")).to.equal(undefined);
    expect(await store.instances.list({ project: "nothing", limit: 10 })).to.deep.equal({ rows: [] });
    expect(await store.instances.onHost("nothing")).to.deep.equal([]);
  });

  it("pages instances of a project in the order of their ids, and never shows another project's", async () => {
    const [store, { id, project }] = [get(), names()];
    const order = [3, 1, 0, 4, 2];
    for (const n of order) await store.commit(rows.changeTurn(rows.instance(id(n), { project })));
    await store.commit(rows.changeTurn(rows.instance(id(9), { project: `${project}-2` })));
    expect(await found({ project, limit: 2 })).to.deep.equal([id(0), id(1)]);
    expect(await found({ project, limit: 2, marker: id(1) })).to.deep.equal([id(2), id(3)]);
    expect(await found({ project, limit: 2, marker: id(3) })).to.deep.equal([id(4)]);
    expect(await found({ project, limit: 2, marker: id(4) })).to.deep.equal([]);
    expect(await found({ limit: 3, marker: id(3) })).to.include.members([id(4), id(9)]);
  });

  it("says where those of a list are that are not deleted, in order", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit(
      rows.changeTurn(rows.instance(id(2), { hostId: host, ownerEpoch: 1, desired: "running" })),
    );
    await store.commit(rows.changeTurn(rows.instance(id(1), { desired: "stopped" })));
    const gone = rows.instance(id(3));
    await store.commit(rows.changeTurn(gone));
    await store.commit(rows.changeTurn(rows.deleted(gone, rows.wallMs)));
    await store.commit(rows.changeTurn(rows.instance(id(4))));
    expect(await store.instances.whereabouts([id(3), id(2), "nothing", id(1)])).to.deep.equal([
      { instanceId: id(1), hostId: null, desired: "stopped" },
      { instanceId: id(2), hostId: host, desired: "running" },
    ]);
    expect(await store.instances.whereabouts([])).to.deep.equal([]);
  });

  it("filters instances by each field and by all of them together", async () => {
    const [store, { id, project, host }] = [get(), names()];
    const plain = rows.instance(id(1), { project });
    const special = rows.instance(id(2), {
      project,
      name: "web",
      state: "running",
      hostId: host,
      ownerEpoch: 1,
      metadata: { tier: "front", 'odd "key"': "odd \\ value" },
    });
    await store.commit({ instances: [plain, special].map((row) => ({ expectedVersion: 0, row })) });
    const filters: Partial<InstanceQuery>[] = [
      { names: ["web"] },
      { states: ["running"] },
      { hostIds: [host] },
      { metadata: { tier: "front" } },
      { metadata: { 'odd "key"': "odd \\ value", tier: "front" } },
    ];
    for (const filter of filters)
      expect(await found({ project, limit: 10, ...filter })).to.deep.equal([id(2)]);
    expect(await found(Object.assign({ project, limit: 10 }, ...filters))).to.deep.equal([id(2)]);
    expect(await found({ project, limit: 10, metadata: { tier: "back" } })).to.deep.equal([]);
    expect(await found({ project, limit: 10, names: ["web"], states: ["stopped"] })).to.deep.equal([]);
  });

  it("shows tombstones only to those who ask for them", async () => {
    const [store, { id, project }] = [get(), names()];
    for (const n of [1, 2, 3]) {
      const row = rows.instance(id(n), { project });
      await store.commit(rows.changeTurn(row));
      if (n === 2) await store.commit(rows.changeTurn(rows.deleted(row, rows.wallMs)));
    }
    expect(await found({ project, limit: 10 })).to.deep.equal([id(1), id(3)]);
    expect(await found({ project, limit: 10, deleted: true })).to.deep.equal([id(1), id(2), id(3)]);
    expect(await found({ project, limit: 1, deleted: true, marker: id(1) })).to.deep.equal([id(2)]);
  });

  it("shows the machine of the present epoch, and loads those of every epoch", async () => {
    const [store, { id }] = [get(), names()];
    const row = rows.instance(id(1), { ownerEpoch: 2 });
    const machines = [1, 2].map((ownerEpoch) =>
      rows.machine(id(1), { ownerEpoch, address: `10.0.0.${ownerEpoch}` }),
    );
    await store.commit(rows.changeTurn(row, { machines }));
    expect(await store.instances.get(id(1))).to.deep.equal({ instance: row, machine: machines[1] });
    expect((await store.instances.load(id(1)))?.machines).to.deep.equal(machines);
    await store.commit(rows.changeTurn(rows.next(row, { ownerEpoch: 3 })));
    expect(await store.instances.get(id(1))).to.have.property("machine", undefined);
  });

  it("tells what is stored of the machines that a host reports, whoever they are of", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const row = rows.instance(id(1), { hostId: host, ownerEpoch: 1 });
    const known = rows.machine(id(1), { hostId: host, generation: 5, state: "running" });
    await store.commit(rows.changeTurn(row, { machines: [known], claims: [rows.claim(id(1), host)] }));
    const without = rows.instance(id(2), { hostId: host, ownerEpoch: 1 });
    const unclaimed = rows.machine(id(2), { hostId: host, generation: 7, state: "stopped" });
    await store.commit(rows.changeTurn(without, { machines: [unclaimed] }));
    const key = (n: number, ownerEpoch = 1) => ({ instanceId: id(n), ownerEpoch });
    const asked = [key(1), key(1, 2), key(2), key(3), key(1)];
    const found = new Map(
      (await store.instances.reported(asked)).map((one) => [`${one.instanceId} ${one.ownerEpoch}`, one]),
    );
    expect([...found.values()]).to.have.deep.members([
      { ...key(1), claimedBy: host, seen: { hostId: host, generation: 5, state: "running" } },
      { ...key(1, 2), claimedBy: null, seen: null },
      { ...key(2), claimedBy: null, seen: { hostId: host, generation: 7, state: "stopped" } },
    ]);
    expect(await store.instances.reported(asked)).to.have.length(3);
    expect(await store.instances.reported([])).to.deep.equal([]);
  });

  it("takes a lower generation when the observation before it goes in the same commit", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const row = rows.instance(id(1), { hostId: host, ownerEpoch: 1 });
    const poisoned = rows.machine(id(1), { hostId: host, generation: Number.MAX_SAFE_INTEGER - 6 });
    await store.commit(rows.changeTurn(row, { machines: [poisoned], claims: [rows.claim(id(1), host)] }));
    const anew = { ...poisoned, generation: 3 };
    const gone = [{ instanceId: id(1), ownerEpoch: 1 }];
    await store.commit(rows.changeTurn(rows.next(row, {}), { machinesGone: gone, machines: [anew] }));
    expect(await store.instances.get(id(1)))
      .to.have.property("machine")
      .that.deep.equals(anew);
  });

  it("lists what is unsettled or has an operation, and what is on a host by claim or machine", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const settled = rows.instance(id(1), { settled: true });
    const busy = rows.instance(id(2), { settled: true, operationId: id(2) });
    const unsettled = rows.instance(id(3), { ownerEpoch: 1 });
    await store.commit(rows.changeTurn(settled, { machines: [rows.machine(id(1), { hostId: host })] }));
    await store.commit(rows.changeTurn(busy));
    await store.commit(rows.changeTurn(unsettled, { claims: [rows.claim(id(3), host)] }));
    const ids = await store.instances.unsettled({ limit: 1_000, marker: id(0) });
    expect(ids.filter((one) => [id(1), id(2), id(3)].includes(one))).to.deep.equal([id(2), id(3)]);
    expect(await store.instances.unsettled({ limit: 1, marker: id(2) })).to.deep.equal([id(3)]);
    expect(await store.instances.onHost(host)).to.deep.equal([id(1), id(3)]);
  });

  it("pages and filters operations", async () => {
    const [store, { id, project }] = [get(), names()];
    const done = { state: "done" as const, endedAtMs: 5, percent: 100, steps: [] };
    const error = {
      code: "INTERNAL",
      reason: "internal",
      message: "m",
      next: "n",
      details: { a: [1] },
    } as const;
    const all = [
      rows.operation(id(1), id(1), { project }),
      rows.operation(id(2), id(2), { project, ...done }),
      rows.operation(id(3), id(1), { project, ...done, state: "failed", error }),
    ];
    const instances = [1, 2].map((n) => ({ expectedVersion: 0, row: rows.instance(id(n)) }));
    await store.commit({ instances, operations: all });
    const found = async (query: Omit<OperationQuery, "limit"> & { limit?: number }) =>
      (await store.operations.list({ limit: 10, ...query })).rows.map(({ operation }) =>
        rows.unnumbered(operation),
      );
    expect(await found({ project })).to.deep.equal(all);
    expect(await found({ project, limit: 1, marker: id(1) })).to.deep.equal([all[1]]);
    expect(await found({ entityIds: [id(1)] })).to.deep.equal([all[0], all[2]]);
    expect(await found({ project, states: ["running"] })).to.deep.equal([all[0]]);
    const last = await store.operations.get(id(3));
    expect(last && rows.unnumbered(last.operation)).to.deep.equal(all[2]);
    const ended = (await store.operations.ended([id(1), id(2), id(3), id(4)])).map(rows.unnumbered);
    expect([...ended].sort((left, right) => (left.id < right.id ? -1 : 1))).to.deep.equal(all.slice(1));
    expect(await store.operations.ended([])).to.deep.equal([]);
  });

  it("replays events after a number, filtered, and says how far it has looked", async () => {
    const [store, { id, project }] = [get(), names()];
    const before = await store.events.lastSequence();
    const optional = { requestId: "r", operationId: "o" };
    await store.commit({
      events: [
        rows.event(id(1), "accepted", { project, ...optional }),
        rows.event(id(2), "created", { project, noun: "flavor" }),
        rows.event(id(1), "placed", { project: `${project}-2` }),
      ],
    });
    const seen = async (query: object): Promise<readonly number[]> => {
      const page = await store.events.list({ after: before, limit: 10, ...query });
      return [...page.events.map(({ sequence }) => sequence - before), page.last - before];
    };
    expect(await seen({})).to.deep.equal([1, 2, 3, 3]);
    expect(await seen({ limit: 2 })).to.deep.equal([1, 2, 2]);
    expect(await seen({ project })).to.deep.equal([1, 2, 3]);
    expect(await seen({ project, nouns: ["instance"] })).to.deep.equal([1, 3]);
    expect(await seen({ nouns: ["flavor"] })).to.deep.equal([2, 3]);
    expect(await seen({ id: id(1) })).to.deep.equal([1, 3, 3]);
    expect(await seen({ id: id(1), nouns: ["instance"], project, limit: 1 })).to.deep.equal([1, 1]);
    expect(await seen({ project: "nobody" })).to.deep.equal([3]);
    expect(await seen({ after: before + 3 })).to.deep.equal([3]);
    const [first] = (await store.events.list({ after: before, limit: 1 })).events;
    expect(first).to.include(optional);
  });

  it("looks at a bounded part of the events when no index serves the filter", async () => {
    const store = get();
    const newest = await store.events.lastSequence();
    const page = await store.events.list({ after: newest - 1, limit: 10, nouns: ["none"] });
    expect(page).to.deep.include({ events: [], last: newest });
    const early = await store.events.list({ after: -readLimits.eventScanMax, limit: 10, nouns: ["none"] });
    expect(early).to.deep.include({ events: [], last: 0 });
  });

  it("pages hosts, finds them by id, or all of one name, and remembers when they were heard from", async () => {
    const [store, { host }] = [get(), names()];
    const ids = [1, 2, 3].map((n) => `${host}${n}`);
    await store.commit({ hosts: ids.map((hostId) => rows.inventory(hostId, { name: host })) });
    const page = await store.hosts.list({ limit: 2, marker: ids[0] ?? "" });
    expect(page.map(({ id }) => id)).to.deep.equal(ids.slice(1));
    expect(await store.hosts.get(host)).to.equal(undefined);
    expect((await store.hosts.get(ids[2] ?? ""))?.id).to.equal(ids[2]);
    const called = async (key: string) => (await store.hosts.called(key)).map(({ id }) => id);
    expect(await called(host)).to.deep.equal(ids);
    expect(await called(`${host}2`)).to.deep.equal([ids[1]]);
    expect(await called(`${host}4`)).to.deep.equal([]);
    // An id counts before a name, whichever host has the name.
    await store.commit({ hosts: [rows.inventory(`${host}4`, { name: `${host}2` })] });
    expect(await called(`${host}2`)).to.deep.equal([ids[1]]);
    const many = Array.from({ length: readLimits.hostsOfOneNameMax }, (_, n) => `${host}9${n}`);
    await store.commit({ hosts: many.map((hostId) => rows.inventory(hostId, { name: host })) });
    expect((await called(host)).length).to.equal(readLimits.hostsOfOneNameMax);
    const touched = await store.signsOfLife.touch(
      [`${host}3`, "unknown", `${host}1`, `${host}1`],
      rows.wallMs + 5,
    );
    expect(touched).to.deep.equal([ids[0], ids[2]]);
    await store.signsOfLife.touch([`${host}1`], rows.wallMs - 5);
    const seen = (await Promise.all(ids.map(async (id) => store.hosts.get(id)))).map(
      (row) => row?.lastSeenAtMs,
    );
    expect(seen).to.deep.equal([rows.wallMs + 5, rows.wallMs, rows.wallMs + 5]);
    expect(await store.signsOfLife.touch([], rows.wallMs)).to.deep.equal([]);
  });

  it("pages flavors and images in the order of their ids", async () => {
    const [store, { id }] = [get(), names()];
    await store.commit({
      ...rowsOf({
        flavors: [2, 1].map((n) => ({ ...rows.flavor, id: id(n), name: id(n) })),
        images: [2, 1].map((n) => ({ ...rows.image, id: id(n), name: id(n) })),
      }),
    });
    const flavors = await store.rows.list(flavor, { limit: 1, marker: id(1) });
    expect(flavors).to.deep.equal([{ ...rows.flavor, id: id(2), name: id(2), version: 1 }]);
    const images = await store.rows.list(image, { limit: 2, marker: id(0) });
    expect(images.map((image) => image.id)).to.deep.equal([id(1), id(2)]);
  });

  it("keeps texts that PostgreSQL cannot hold, with U+FFFD for what it cannot", async () => {
    const [store, { id, project }] = [get(), names()];
    const metadata = { "k\ud800": "a\0b", plain: "\\u0000 \\ud800 \u{1F600}" };
    const request = rows.request("r", { project, answer: { text: "x\udfff\0" } });
    const machine = rows.machine(id(1), { message: "qemu said: \0\0" });
    const row = rows.instance(id(1), { project, ownerEpoch: 1, metadata });
    await store.commit(rows.changeTurn(row, { request, machines: [machine] }));
    const stored = await store.instances.get(id(1));
    const kept = { "k\uFFFD": "a\uFFFDb", plain: metadata.plain };
    expect(stored?.instance.metadata).to.deep.equal(kept);
    expect(stored?.machine?.message).to.equal("qemu said: \uFFFD\uFFFD");
    expect((await store.operations.request(project, "r"))?.answer).to.deep.equal({ text: "x\uFFFD\uFFFD" });
    expect(await found({ project, metadata: { a: "\0" }, limit: 1 })).to.deep.equal([]);
    expect(await found({ project, names: ["\0\ud800"], limit: 1 })).to.deep.equal([]);
  });

  it("gives nobody a row through which the store could be changed", async () => {
    const [store, { id }] = [get(), names()];
    const metadata = { a: "1" };
    await store.commit(rows.changeTurn(rows.instance(id(1), { metadata })));
    metadata.a = "changed by the writer";
    const read = await store.instances.get(id(1));
    try {
      Object.assign(read?.instance.metadata ?? {}, { a: "changed by a reader" });
    } catch (error) {
      expect(error).to.be.instanceOf(TypeError);
    }
    expect((await store.instances.get(id(1)))?.instance.metadata).to.deep.equal({ a: "1" });
  });
}
