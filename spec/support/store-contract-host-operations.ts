/**
 * What every Store must do with the versions of hosts and their operations; a part of the contract in
 * store-contract.ts.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

const draining = { atMs: rows.wallMs, parallelism: 4, instances: 0, operationId: "o" };

async function registered(store: Store) {
  const it = names();
  await store.commit({ hosts: [rows.inventory(it.host)] });
  const version = async () => (await store.hosts.get(it.host))?.version ?? 0;
  const commit = async (more: Commit = {}, off = 0) => {
    const expected = [{ hostId: it.host, version: (await version()) + off }];
    return (await store.commit({ hostsExpected: expected, ...more })).kind;
  };
  const operation = (id: string, changes: Parameters<typeof rows.hostOperation>[2] = {}) =>
    rows.hostOperation(it.id(Number(id)), it.host, changes);
  return { ...it, version, commit, operation };
}

export function hostOperationContract(get: () => Store): void {
  versionContract(get);
  operationContract(get);
}

function versionContract(get: () => Store): void {
  it("begins the version of a host with its registration, and raises it with its actor's commits", async () => {
    const { host, version, commit } = await registered(get());
    const first = await version();
    expect(first).to.equal((await get().hosts.get(host))?.registeredAtMs);
    expect(await commit()).to.equal("committed");
    const own = [{ hostId: host, enabled: false, reason: "x", draining }];
    expect(await commit({ hostsEnabled: own })).to.equal("committed");
    expect(await version()).to.equal(first + 2);
    await get().commit({ hosts: [rows.inventory(host, { bootId: "boot-2" })] });
    expect(await version()).to.equal(first + 2);
  });

  it("refuses a commit at another version, and of a host that is not there, with all that is in it", async () => {
    const { host, version, commit, operation } = await registered(get());
    const before = await version();
    const own = [{ hostId: host, enabled: false, reason: "x" }];
    for (const off of [-1, 1])
      expect(await commit({ hostsEnabled: own, operations: [operation("1")] }, off)).to.equal("conflict");
    const gone = { hostsExpected: [{ hostId: "nobody", version: 1 }] };
    expect((await get().commit(gone)).kind).to.equal("conflict");
    expect(await get().hosts.get(host)).to.include({ version: before, enabled: true });
    expect(await get().operations.list({ entityIds: [host], limit: 10 })).to.deep.equal({ rows: [] });
  });

  it("lets one of two commits at one version through", async () => {
    const { host, version } = await registered(get());
    const expected = { hostsExpected: [{ hostId: host, version: await version() }] };
    const results = await Promise.all([get().commit(expected), get().commit(expected)]);
    expect(results.map(({ kind }) => kind).sort()).to.deep.equal(["committed", "conflict"]);
  });

  it("raises the version as well when somebody else switches the host", async () => {
    const { host, version } = await registered(get());
    const before = await version();
    await get().commit({ hostsEnabled: [{ hostId: host, enabled: false, reason: "builds fail" }] });
    expect(await version()).to.equal(before + 1);
  });

  it("ends a drain without enabling the host", async () => {
    const { host, commit } = await registered(get());
    const off = { hostId: host, enabled: false, reason: "x" };
    await commit({ hostsEnabled: [{ ...off, draining }] });
    expect((await get().hosts.get(host))?.draining).to.deep.equal(draining);
    await commit({ hostsEnabled: [{ ...off, draining: null }] });
    expect(await get().hosts.get(host)).to.include({ draining: null, enabled: false });
  });
}

function operationContract(get: () => Store): void {
  it("keeps operations of hosts apart from those of instances, and finds hosts at work", async () => {
    const { host, id, commit, operation } = await registered(get());
    const toHost = { id: "b", name: "host-b" };
    await get().commit(rows.catalog);
    await get().commit({
      instances: [{ expectedVersion: 0, row: rows.instance(id(9)) }],
      operations: [rows.operation(id(8), id(9), { toHost })],
    });
    await commit({ operations: [operation("1")] });
    const query = { noun: "host", entityIds: [host], limit: 10 } as const;
    const { number } = (await get().operations.get(operation("1").id))?.operation ?? {};
    const own = { operation: { ...operation("1"), number }, instanceName: null };
    expect(await get().operations.list(query)).to.deep.equal({ rows: [own] });
    expect(await get().operations.list({ ...query, states: ["running"] })).to.deep.equal({ rows: [own] });
    expect(await get().operations.list({ ...query, noun: "instance" })).to.deep.equal({ rows: [] });
    expect((await get().operations.get(id(8)))?.operation.toHost).to.deep.equal(toHost);
    const atWork = async () => (await get().hosts.atWork({ limit: 1_000 })).includes(host);
    expect(await atWork()).to.equal(true);
    expect(await get().hosts.atWork({ limit: 1_000, marker: host })).to.not.include(host);
    await commit({ operations: [operation("1", { state: "done", endedAtMs: rows.wallMs })] });
    expect(await atWork()).to.equal(false);
    await commit({ hostsEnabled: [{ hostId: host, enabled: false, reason: "x", draining }] });
    expect(await atWork()).to.equal(true);
  });

  it("ends an operation once, whoever else ends it or says how far it has come", async () => {
    const { id } = await registered(get());
    const running = rows.operation(id(8), id(9), { noun: "image", kind: "imageCreate" });
    await get().commit({ operations: [running] });
    const ended = { ...running, state: "done", endedAtMs: rows.wallMs } as const;
    const both = await Promise.all([1, 2].map(() => get().commit({ operations: [ended] })));
    expect(both.map(({ kind }) => kind).sort()).to.deep.equal(["committed", "conflict"]);
    expect((await get().commit({ operations: [{ ...running, percent: 90 }] })).kind).to.equal("conflict");
    expect((await get().commit({ operations: [{ ...ended, state: "failed" }] })).kind).to.equal("conflict");
    const { operation } = (await get().operations.get(id(8))) ?? {};
    expect([operation?.state, operation?.percent]).to.deep.equal(["done", ended.percent]);
  });

  it("writes no operation of a host without its version", async () => {
    const { operation } = await registered(get());
    const attempt = get()
      .commit({ operations: [operation("1")] })
      .catch((error: unknown) => error);
    expect(await attempt)
      .to.be.instanceOf(StatusError)
      .and.to.include({ reason: "internal" });
  });

  it("removes no host whose operation would stay under way", async () => {
    const { host, commit, operation } = await registered(get());
    await commit({ operations: [operation("1"), operation("2")] });
    const hostsRemoved = [{ hostId: host, parked: false }];
    const end = { state: "cancelled", endedAtMs: rows.wallMs } as const;
    expect((await get().commit({ hostsRemoved })).kind).to.equal("conflict");
    expect(await commit({ hostsRemoved, operations: [operation("1", end)] })).to.equal("conflict");
    const operations = [operation("1", end), operation("2", end)];
    expect(await commit({ hostsRemoved, operations })).to.equal("committed");
    expect(await get().hosts.get(host)).to.equal(undefined);
  });
}
