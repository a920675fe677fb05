/**
 * The benchmarks' filler on a real, fresh PostgreSQL, with small numbers: its rows are those that commits
 * leave. Tested because only benchmarks use the filler: once, a column that a migration added broke it
 * unnoticed.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import { bulkHostId, fillStore } from "../../db/bench/bulk.ts";
import { openStore } from "../../db/postgres/connect.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import { changeTurn, next } from "../support/store-rows.ts";

const [hosts, instancesPerHost, wallMs] = [3, 2, Date.UTC(2030, 0, 1)];

describe("a store that was filled in bulk", function () {
  this.timeout(60_000);
  let store: Store;
  before(async function () {
    const url = await postgresUrl(this);
    store = await openStore({ url, clock: systemClock, log: silentLog });
    await fillStore(store, url, { hosts, instancesPerHost, project: "bulk", wallMs });
  });
  after(async () => store?.close());

  it("has the hosts, which hold their leases and are as full as their claims say", async () => {
    const found = await store.hosts.all();
    expect(found.map(({ id }) => id)).to.deep.equal([0, 1, 2].map(bulkHostId));
    expect(new Set(found.map(({ name }) => name)).size).to.equal(hosts);
    const totals = await store.hosts.claimTotals();
    expect(totals).to.have.length(hosts);
    for (const [index, host] of found.entries()) {
      expect(host).to.include({ instances: instancesPerHost, lastSeenAtMs: wallMs, enabled: true });
      expect(host.lease).to.deep.include({ leaseEpoch: 1, fencedBy: null });
      const { vcpusClaimed: vcpus, memoryMibClaimed: memoryMib, diskGibClaimed: diskGib, id: hostId } = host;
      expect(totals[index]).to.deep.include({ hostId, vcpus, memoryMib, diskGib, instances: host.instances });
    }
    const held = found.map(({ id: hostId }) => ({ hostId, leaseEpoch: 1, storageId: null }));
    expect(await store.signsOfLife.renew(held)).to.have.members(held.map(({ hostId }) => hostId));
  });

  it("has the instances, at rest on their hosts, and one differs from another by what names it alone", async () => {
    const { rows } = await store.instances.list({ limit: 10 });
    expect(rows).to.have.length(hosts * instancesPerHost);
    const [first] = rows;
    for (const { instance, machine } of rows) {
      const { id, name, hostId } = instance;
      expect(instance).to.deep.equal({ ...first?.instance, id, name, hostId });
      expect(machine).to.deep.equal({ ...first?.machine, instanceId: id, hostId });
      expect((await store.instances.load(id))?.claims).to.have.length(1);
    }
    for (const id of [0, 1, 2].map(bulkHostId)) expect(await store.instances.onHost(id)).to.have.length(2);
    expect(await store.instances.unsettled({ limit: 10 })).to.deep.equal([]);
  });

  it("counts the instances for their project", async () => {
    const totals = await store.quotas.totals();
    expect(totals).to.have.length(1);
    const { used, counted } = totals[0] ?? {};
    expect(used)
      .to.deep.equal(counted)
      .and.to.include({ instances: hosts * instancesPerHost });
  });

  it("goes on from there: the next commit of an instance is one like any other", async () => {
    const [row] = (await store.instances.list({ limit: 1 })).rows;
    if (row === undefined) throw new Error("There is no instance.");
    const outcome = await store.commit(
      changeTurn(next(row.instance, { state: "stopped", desired: "stopped" })),
    );
    expect(outcome.kind).to.equal("committed");
  });
});
