/**
 * The store's contract for repeated reads of all hosts: after any change, `hosts.all` equals the pages
 * of `hosts.list`. A part of the contract in store-contract.ts.
 */

import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { HostRecord } from "../../actors/records/host.ts";
import { rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

const proof = { kind: "operator", by: "admin", reason: "It burnt.", confirmedName: "h", atMs: 1 } as const;

async function paged(store: Store): Promise<readonly HostRecord[]> {
  const hosts: HostRecord[] = [];
  for (;;) {
    const marker = hosts.at(-1)?.id;
    const page = await store.hosts.list({ limit: 50, ...(marker === undefined ? {} : { marker }) });
    if (page.length === 0) return hosts;
    hosts.push(...page);
  }
}

type Step = readonly [what: string, change: (store: Store) => Promise<unknown>];

/** Steps that each change another part of a host's record. */
function stepsOf({ host, id, project }: ReturnType<typeof names>): readonly Step[] {
  const commit =
    (changes: Commit): Step[1] =>
    (store) =>
      store.commit(changes);
  const named = { id: id(9), name: project, number: 7, version: 1, createdAtMs: 1 };
  const aggregate = { ...named, availabilityZone: "z1", metadata: { ssd: "true" } };
  const joined = [{ aggregateId: id(9), hostId: host }];
  const row = rows.instance(id(1), { hostId: host, ownerEpoch: 1, operationId: `op-${id(1)}` });
  const running = rows.next(row, { state: "running", built: true, settled: true });
  const lease = { hostId: host, leaseEpoch: 1 };
  return [
    ["registers", commit({ hosts: [rows.inventory(host)] })],
    ["gets a lease", commit({ leasesGranted: [lease] })],
    ["renews it", (store) => store.signsOfLife.renew([{ ...lease, storageId: null }])],
    ["holds it on a storage", (store) => store.signsOfLife.renew([{ ...lease, storageId: "s1" }])],
    ["holds it there again", (store) => store.signsOfLife.renew([{ ...lease, storageId: "s1" }])],
    ["is heard from", (store) => store.signsOfLife.touch([host], rows.wallMs + 7)],
    ["has another inventory", commit({ hosts: [rows.inventory(host, { labels: { rack: "r2" } })] })],
    ["is claimed on", commit(rows.createTurn(id(1), host))],
    ["has built", commit(rows.changeTurn(running))],
    ["has failed", commit({ buildsEnded: [{ hostId: host, failed: true }] })],
    ["is in nothing yet", commit(rowsOf({ aggregates: [aggregate] }))],
    ["joins an aggregate", commit({ aggregateHosts: joined })],
    ["that changes", commit(rowsOf({ aggregatesChanged: [{ ...aggregate, metadata: {}, version: 2 }] }))],
    ["leaves it", commit({ aggregateHostsRemoved: joined })],
    ["is disabled", commit({ hostsEnabled: [{ hostId: host, enabled: false, reason: "Smoke." }] })],
    ["is fenced", commit({ leasesFenced: [{ ...lease, renewals: null, proof }] })],
    ["gets another lease", commit({ leasesGranted: [{ hostId: host, leaseEpoch: 2 }] })],
    ["holds nothing", commit(rows.changeTurn(rows.deleted(running, rows.wallMs)))],
    ["is removed", commit({ hostsRemoved: [{ hostId: host, parked: false }] })],
    ["comes back", commit({ hosts: [rows.inventory(host, { vcpus: 2 })] })],
  ];
}

export function allHostsContract(get: () => Store, open: () => Promise<Store>): void {
  it("reads all hosts as they are after every change, by whichever store it was made", async () => {
    const [store, other, those] = [get(), await open(), names()];
    for (const [what, change] of stepsOf(those)) {
      await change(other);
      const all = await store.hosts.all();
      expect(all, what).to.deep.equal(await paged(store));
      expect(all.filter(({ id }) => id === those.host).length, what).to.equal(what === "is removed" ? 0 : 1);
    }
  });

  it("reads all hosts as they were when it was asked, or later, however many ask at once", async () => {
    const [store, { host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)], leasesGranted: [{ hostId: host, leaseEpoch: 1 }] });
    const renewed = async (times: number): Promise<void> => {
      await store.signsOfLife.renew([{ hostId: host, leaseEpoch: 1, storageId: null }]);
      const hosts = await store.hosts.all();
      const renewals = hosts.find(({ id }) => id === host)?.lease?.renewals ?? 0;
      expect(renewals).to.be.at.least(times + 1);
    };
    for (let times = 1; times <= 20; times += 1)
      await Promise.all([renewed(times), store.hosts.all(), store.hosts.all()]);
  });
}
