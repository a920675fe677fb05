/**
 * The contract of every Store, whatever is behind it. Each test uses names of its own, so that all of them
 * can run on one database, one after the other; `open` gives one more store on that database.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit, CommitResult } from "../../actors/records/commit.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { allHostsContract } from "./store-contract-all-hosts.ts";
import { catalogContract } from "./store-contract-catalog.ts";
import { extensionContract } from "./store-contract-extensions.ts";
import { fieldsContract } from "./store-contract-fields.ts";
import { guestDataContract } from "./store-contract-guest-data.ts";
import { hostOperationContract } from "./store-contract-host-operations.ts";
import { hostContract } from "./store-contract-hosts.ts";
import { leaseContract } from "./store-contract-leases.ts";
import { listContract } from "./store-contract-lists.ts";
import { networkingContract } from "./store-contract-networking.ts";
import { networksContract } from "./store-contract-networks.ts";
import { numaContract } from "./store-contract-numa.ts";
import { numberContract } from "./store-contract-numbers.ts";
import { placementContract } from "./store-contract-placement.ts";
import { pruneContract } from "./store-contract-prune.ts";
import { readContract } from "./store-contract-reads.ts";
import { rehearsalContract } from "./store-contract-rehearsal.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

/** One more store on the data of this run; its wall clock stands at rows.wallMs. */
export type OpenStore = () => Promise<Store>;

export async function commitAll(store: Store, commits: readonly Commit[]): Promise<CommitResult[]> {
  return Promise.all(commits.map(async (commit) => store.commit(commit)));
}

/** The code of a refusal; fails when the attempt was not refused. */
export async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof StatusError) return error.code;
    throw error;
  }
  throw new Error("It was not refused.");
}

/** @param prepare called once, before the first test; it may skip them all */
export function storeContract(title: string, prepare: (context: Mocha.Context) => Promise<OpenStore>): void {
  describe(`${title} keeps the contract of a store`, function () {
    this.timeout(30_000);
    const opened: Store[] = [];
    let open: OpenStore;
    let store: Store;
    const another = async (): Promise<Store> => {
      const more = await open();
      opened.push(more);
      return more;
    };
    before(async function () {
      this.timeout(60_000);
      open = await prepare(this);
      store = await another();
      await store.commit(rows.catalog);
    });
    after(async () => {
      await Promise.all(opened.map(async (one) => one.close()));
    });
    commitContract(() => store, another);
    capacityContract(() => store, another);
    catalogContract(() => store, another);
    networksContract(() => store);
    networkingContract(() => store);
    fieldsContract(() => store);
    placementContract(() => store, another);
    leaseContract(() => store);
    numaContract(() => store, another);
    hostContract(() => store);
    hostOperationContract(() => store);
    allHostsContract(() => store, another);
    readContract(() => store);
    listContract(() => store);
    rehearsalContract(() => store);
    pruneContract(() => store);
    numberContract(() => store, another);
    extensionContract(() => store, another);
    guestDataContract(() => store, another);
  });
}

function commitContract(get: () => Store, another: OpenStore): void {
  it("answers a committed commit with the number of its last event, and remembers all of it", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const before = await store.events.lastSequence();
    const commit = rows.createTurn(id(1), host);
    expect(await store.commit(commit)).to.deep.equal({ kind: "committed", lastSequence: before + 2 });
    const loaded = await store.instances.load(id(1));
    expect(
      loaded && { ...loaded, operation: loaded.operation && rows.unnumbered(loaded.operation) },
    ).to.deep.equal({
      instance: commit.instances?.[0]?.row,
      machines: [],
      claims: commit.claims,
      operation: commit.operations?.[0],
    });
    const { events } = await store.events.list({ after: before, limit: 10 });
    expect(events).to.deep.equal(commit.events?.map((event, n) => ({ ...event, sequence: before + 1 + n })));
  });

  it("answers a commit without events with sequence 0", async () => {
    const { id } = names();
    const result = await get().commit(rows.changeTurn(rows.instance(id(1))));
    expect(result).to.deep.equal({ kind: "committed", lastSequence: 0 });
  });

  it("does a request once, and answers its repetition with what was answered first, exactly", async () => {
    const [store, { id, project }] = [get(), names()];
    const answer = { text: 'quotes " and \\ and ü', number: 1.5, none: null, list: [1, { z: 1, a: 2 }] };
    const request = rows.request("r1", { project, answer });
    await store.commit({ request, ...rows.changeTurn(rows.instance(id(1))) });
    const again = { ...request, contentHash: "other", answer: "other" };
    const result = await store.commit({ request: again, ...rows.changeTurn(rows.instance(id(2))) });
    expect(result).to.deep.equal({ kind: "duplicate", request });
    expect(result.kind === "duplicate" && JSON.stringify(result.request.answer)).to.equal(
      JSON.stringify(answer),
    );
    expect(await store.instances.get(id(2))).to.equal(undefined);
    expect(await store.operations.request(project, "r1")).to.deep.equal(request);
    expect(await store.operations.request("other", "r1")).to.equal(undefined);
  });

  it("does one of many requests with the same id that come at once", async () => {
    const [store, { id, project }] = [get(), names()];
    const other = await another();
    const commits = Array.from({ length: 20 }, (_, n) => ({
      request: rows.request("same", { project, answer: n }),
      ...rows.changeTurn(rows.instance(id(n), { project })),
    }));
    const results = (
      await Promise.all([commitAll(store, commits.slice(0, 10)), commitAll(other, commits.slice(10))])
    ).flat();
    expect(results.filter(({ kind }) => kind === "committed")).to.have.length(1);
    const answers = results.flatMap((one) => (one.kind === "duplicate" ? [one.request.answer] : []));
    expect(answers).to.have.length(19);
    expect(new Set(answers)).to.have.property("size", 1);
    expect((await store.instances.list({ project, limit: 100 })).rows).to.have.length(1);
  });

  it("forgets the request of a commit that was refused", async () => {
    const [store, { id, project }] = [get(), names()];
    const request = rows.request("r1", { project });
    const stale = rows.changeTurn(rows.next(rows.instance(id(1))), { request });
    expect(await store.commit(stale)).to.deep.equal({ kind: "conflict" });
    expect(await store.operations.request(project, "r1")).to.equal(undefined);
    const result = await store.commit({ request, ...rows.changeTurn(rows.instance(id(1))) });
    expect(result.kind).to.equal("committed");
  });

  it("refuses a version that is not the next one: stale, too new, created twice", async () => {
    const [store, { id }] = [get(), names()];
    const first = rows.instance(id(1));
    const second = rows.next(first);
    await store.commit(rows.changeTurn(first));
    expect(await store.commit(rows.changeTurn(first))).to.deep.equal({ kind: "conflict" });
    expect(await store.commit(rows.changeTurn(rows.next(second)))).to.deep.equal({ kind: "conflict" });
    expect((await store.commit(rows.changeTurn(second))).kind).to.equal("committed");
    expect(await store.commit(rows.changeTurn(second))).to.deep.equal({ kind: "conflict" });
    expect((await store.instances.get(id(1)))?.instance).to.deep.equal(second);
  });

  it("lets one of two writers of the same version win", async () => {
    const [store, { id }] = [get(), names()];
    const other = await another();
    let row = rows.instance(id(1));
    await store.commit(rows.changeTurn(row));
    for (let round = 0; round < 20; round += 1) {
      const mine = rows.next(row, { name: "mine" });
      const theirs = rows.next(row, { name: "theirs" });
      const commits = [rows.changeTurn(mine), rows.changeTurn(theirs)] as const;
      const results = await Promise.all([store.commit(commits[0]), other.commit(commits[1])]);
      expect(results.map(({ kind }) => kind).sort()).to.deep.equal(["committed", "conflict"]);
      row = results[0].kind === "committed" ? mine : theirs;
    }
    expect((await store.instances.get(id(1)))?.instance).to.deep.equal(row);
  });

  it("does all of a commit with many instances, or nothing of it", async () => {
    const [store, { id, project }] = [get(), names()];
    const taken = rows.instance(id(7), { project });
    await store.commit(rows.changeTurn(taken));
    const before = await store.events.lastSequence();
    const commit: Commit = {
      request: rows.request("many", { project }),
      instances: Array.from({ length: 10 }, (_, n) => ({
        expectedVersion: 0,
        row: rows.instance(id(n), { project }),
      })),
      operations: [rows.operation(id(1), id(1))],
      events: [rows.event(id(1))],
    };
    expect(await store.commit(commit)).to.deep.equal({ kind: "conflict" });
    expect((await store.instances.list({ project, limit: 100 })).rows).to.have.length(1);
    expect(await store.operations.get(id(1))).to.equal(undefined);
    expect(await store.events.lastSequence()).to.equal(before);
  });

  it("writes an observation over an older one of its epoch only", async () => {
    const [store, { id }] = [get(), names()];
    let row = rows.instance(id(1), { ownerEpoch: 1 });
    const write = async (generation: number, message: string): Promise<void> => {
      await store.commit(rows.changeTurn(row, { machines: [rows.machine(id(1), { generation, message })] }));
      row = rows.next(row);
    };
    await write(5, "newest");
    await write(4, "older");
    await write(5, "the same generation");
    expect((await store.instances.get(id(1)))?.machine?.message).to.equal("newest");
    await write(6, "newer");
    expect((await store.instances.get(id(1)))?.machine?.message).to.equal("newer");
    await store.commit(rows.changeTurn(row, { machinesGone: [{ instanceId: id(1), ownerEpoch: 1 }] }));
    expect((await store.instances.load(id(1)))?.machines).to.deep.equal([]);
  });

  it("refuses as INTERNAL what only a bug can ask, and does nothing of it", async () => {
    const [store, { id }] = [get(), names()];
    const row = rows.instance(id(1), { generation: 5, ownerEpoch: 2 });
    await store.commit(rows.changeTurn(row, { operations: [rows.operation(id(1), id(1))] }));
    const ended = rows.operation(id(1), id(1), { state: "done", endedAtMs: 1 });
    const bugs: Commit[] = [
      rows.changeTurn(rows.next(row, { generation: 4 })),
      rows.changeTurn(rows.next(row, { ownerEpoch: 1 })),
      { instances: [{ expectedVersion: 1, row: { ...row, version: 3 } }] },
      { machines: [rows.machine(id(1))] },
      { operations: [ended] },
      rows.changeTurn(rows.next(row, { state: "deleted" })),
      rows.changeTurn(rows.next(row), { operations: [{ ...ended, endedAtMs: null }] }),
    ];
    for (const bug of bugs) expect(await refusal(store.commit(bug))).to.equal("INTERNAL");
    expect((await store.instances.get(id(1)))?.instance).to.deep.equal(row);
    await store.commit(rows.changeTurn(rows.next(row), { operations: [ended] }));
    const again = rows.changeTurn(rows.next(rows.next(row)), { operations: [rows.operation(id(1), id(1))] });
    expect((await store.commit(again)).kind, "it has ended").to.equal("conflict");
  });

  it("keeps the shape of a machine that has run, and refuses another as INTERNAL", async () => {
    const [store, { id }] = [get(), names()];
    const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
    const first = rows.instance(id(1), { built: false, shape });
    await store.commit(rows.changeTurn(first));
    const ran = rows.next(first, { built: true, shape: { ...shape, machineType: "pc-q35-8.0" } });
    await store.commit(rows.changeTurn(ran));
    expect((await store.instances.get(id(1)))?.instance.shape).to.deep.equal(ran.shape);
    for (const other of [shape, null, { ...shape, version: 2 }, { ...shape, cpuModel: "EPYC-v3" }])
      expect(await refusal(store.commit(rows.changeTurn(rows.next(ran, { shape: other }))))).to.equal(
        "INTERNAL",
      );
    await store.commit(rows.changeTurn(rows.next(ran)));
    expect((await store.instances.get(id(1)))?.instance.shape).to.deep.equal(ran.shape);
  });

  it("numbers events without gaps, in the order of each instance, whoever commits", async () => {
    const [store, { id, project }] = [get(), names()];
    const stores = [store, await another()];
    const before = await store.events.lastSequence();
    const refused = rows.changeTurn(rows.next(rows.instance(id(99))), { events: [rows.event(id(99))] });
    const work = Array.from({ length: 16 }, async (_, n) => {
      let row = rows.instance(id(n), { project });
      for (let round = 0; round < 10; round += 1) {
        const events = [rows.event(id(n), "stateChanged", { project, body: { round } })];
        await stores[(n + round) % 2]?.commit(rows.changeTurn(row, { events }));
        await stores[n % 2]?.commit(refused);
        row = rows.next(row);
      }
    });
    await Promise.all(work);
    const { events, last } = await store.events.list({ after: before, limit: 1_000 });
    expect(events.map(({ sequence }) => sequence - before)).to.deep.equal(
      Array.from({ length: 160 }, (_, n) => n + 1),
    );
    expect(last).to.equal(before + 160);
    for (let n = 0; n < 16; n += 1) {
      const rounds = events.filter((event) => event.id === id(n)).map(({ body }) => body.round);
      expect(rounds).to.deep.equal(Array.from({ length: 10 }, (_, round) => round));
    }
  });
}

function capacityContract(get: () => Store, another: OpenStore): void {
  it("never lets claims exceed a host's capacity, however many come at once", async () => {
    const [store, { id, host }] = [get(), names()];
    const stores = [store, await another()];
    await store.commit({ hosts: [rows.inventory(host, { vcpus: 20 })] });
    const results = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => stores[n % 2]?.commit(rows.createTurn(id(n), host))),
    );
    expect(results.filter((result) => result?.kind === "committed")).to.have.length(20);
    const full = results.filter((result) => result?.kind !== "committed");
    for (const result of full) expect(result).to.deep.equal({ kind: "hostFull", hostId: host });
    expect(await store.hosts.get(host)).to.include({
      vcpusClaimed: 20,
      memoryMibClaimed: 1_280,
      instances: 20,
    });
    const total = (await store.hosts.claimTotals()).find(({ hostId }) => hostId === host);
    const sums = { hostId: host, vcpus: 20, memoryMib: 1_280, diskGib: 20, instances: 20, volumeGib: 0 };
    expect(total).to.deep.equal({ ...sums, ...rows.nothingBound });
    expect(await store.instances.onHost(host)).to.have.length(20);
  });

  it("refuses a claim on a host that is not there, and one that does not fit in any of its sizes", async () => {
    const [store, { id, host }] = [get(), names()];
    const missing = { kind: "hostFull", hostId: host };
    expect(await store.commit(rows.createTurn(id(1), host))).to.deep.equal(missing);
    await store.commit({ hosts: [rows.inventory(host, { vcpus: 1, memoryMib: 64, diskGib: 0 })] });
    expect(await store.commit(rows.createTurn(id(1), host))).to.deep.equal(missing);
    expect(await store.hosts.get(host)).to.include({ vcpusClaimed: 0, memoryMibClaimed: 0, instances: 0 });
    expect(await store.instances.get(id(1))).to.equal(undefined);
  });

  it("commits the other commits of a batch in which one does not fit", async () => {
    const [store, { id, host, project }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host, { vcpus: 2 })] });
    const commits = Array.from({ length: 9 }, (_, n) =>
      n % 3 === 0
        ? rows.createTurn(id(n), host)
        : rows.changeTurn(rows.instance(id(n), { project }), { events: [rows.event(id(n))] }),
    );
    const kinds = (await commitAll(store, commits)).map(({ kind }) => kind);
    const fine = "committed";
    expect(kinds).to.deep.equal([fine, fine, fine, fine, fine, fine, "hostFull", fine, fine]);
  });

  it("gives released capacity back, also within the same commit, and once only", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host, { vcpus: 1 })] });
    await store.commit(rows.createTurn(id(1), host));
    const first = rows.instance(id(1), { hostId: host, ownerEpoch: 1 });
    const moved = rows.changeTurn(rows.next(first, { ownerEpoch: 2 }), {
      claimsReleased: [{ instanceId: id(1), ownerEpoch: 1 }],
      claims: [rows.claim(id(1), host, { ownerEpoch: 2 })],
    });
    expect((await store.commit(moved)).kind).to.equal("committed");
    const second = rows.next(rows.next(first, { ownerEpoch: 2 }), { hostId: null });
    const released = [1, 2, 3].map((ownerEpoch) => ({ instanceId: id(1), ownerEpoch }));
    expect((await store.commit(rows.changeTurn(second, { claimsReleased: released }))).kind).to.equal(
      "committed",
    );
    expect(await store.hosts.get(host)).to.include({ vcpusClaimed: 0, instances: 0 });
    expect((await store.instances.load(id(1)))?.claims).to.deep.equal([]);
  });

  it("refuses a second claim of the same instance and epoch, and leaves the host as it was", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    await store.commit(rows.createTurn(id(1), host));
    const row = rows.next(rows.instance(id(1), { ownerEpoch: 1 }));
    const again = rows.changeTurn(row, { claims: [rows.claim(id(1), host)] });
    expect(await store.commit(again)).to.deep.equal({ kind: "conflict" });
    expect(await store.hosts.get(host)).to.include({ vcpusClaimed: 1, instances: 1 });
  });

  it("renews a host's inventory without touching its claims or whether it is enabled", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    await store.commit(rows.createTurn(id(1), host));
    await store.commit({ hostsEnabled: [{ hostId: host, enabled: false, reason: "disk smells" }] });
    await store.commit({ hosts: [rows.inventory(host, { bootId: "boot-2", vcpus: 7 })] });
    const { hostId: _, ...seen } = rows.inventory(host, { bootId: "boot-2", vcpus: 7 });
    const { version, number } = (await store.hosts.get(host)) ?? {};
    expect(await store.hosts.get(host)).to.deep.equal({
      drivers: null,
      version,
      number,
      ...seen,
      ...rows.nothingSaid,
      id: host,
      generation: 2,
      failedBuilds: 0,
      failedBuildsOf: null,
      ioOps: 1,
      aggregates: [],
      enabled: false,
      disabledReason: "disk smells",
      draining: null,
      vcpusClaimed: 1,
      memoryMibClaimed: 64,
      diskGibClaimed: 1,
      instances: 1,
      ...rows.nothingBound,
      storage: null,
      registeredAtMs: rows.wallMs,
      lastSeenAtMs: rows.wallMs,
      lease: null,
    });
    const smaller = { hosts: [rows.inventory(host, { vcpus: 0 })] };
    expect(await store.commit(smaller)).to.deep.equal({ kind: "hostFull", hostId: host });
    const unknown = { hostsEnabled: [{ hostId: `${host}-2`, enabled: true, reason: null }] };
    expect(await store.commit(unknown)).to.deep.equal(rows.missing("host", `${host}-2`));
  });
}
