/** Groups and quotas under concurrency: two controllers on one real PostgreSQL, and many creates at once. */

import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import { openStore } from "../../db/postgres/connect.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { serverGroup } from "../../protocol/server-group.ts";
import type { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { pinnedRush } from "../support/pinned-rush.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

describe("groups and quotas on a real PostgreSQL", function () {
  this.timeout(120_000);
  const stores: Store[] = [];
  let url: string;
  before(async function () {
    url = await postgresUrl(this);
  });
  after(async () => {
    await Promise.all(stores.map((store) => store.close()));
  });

  it("200 creates at once give the 40 of the quota, each on another of 50 hosts, and 160 reasons", async () => {
    const store = await openStore({ url, clock: systemClock, log: silentLog });
    stores.push(store);
    const world = await controllerWorld({ controllers: 2, store });
    await Promise.all(Array.from({ length: 50 }, (_, n) => world.host(`h${n}`)));
    await world.admin.quota.set("demo", { instances: 40 });
    await world.demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
    const asked = { flavor: "tiny", image: "tiny", serverGroup: "apart" };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, (_, n) => world.demo.instance.create({ name: `m${n}`, ...asked })),
    );
    const made = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value.instance] : []));
    const errors = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as StatusError] : []));
    expect(new Set(made.map(({ hostId }) => hostId)).size).to.equal(40);
    expect(made).to.have.length(40);
    expect(new Set(errors.map(({ reason }) => reason))).to.deep.equal(new Set(["quotaExceeded"]));
    const { used } = await store.quotas.get("demo");
    expect(used).to.include({ instances: 40, vcpus: 40, memoryMib: 40 * 128, serverGroups: 1 });
    const [group] = await store.rows.list(serverGroup, { limit: 10 });
    expect(await store.serverGroups.members(group?.id ?? "", 100)).to.have.length(40);
    await world.stop();
  });

  it("100 creates at once of guests with CPUs of their own give the 16 that four hosts have", async () => {
    const own = await postgresUrl();
    const store = await openStore({ url: own, clock: systemClock, log: silentLog });
    stores.push(store);
    const world = await controllerWorld({ controllers: 2, store });
    await pinnedRush(world);
    await world.stop();
  });

  it("makes a thousand at once within the time of an ordinary call", async () => {
    const store = await openStore({ url, clock: systemClock, log: silentLog });
    stores.push(store);
    const world = await controllerWorld({ store, catalog: false });
    await world.host("big", { vcpus: 1_000, memoryMib: 128_000 });
    const startedAtMs = systemClock.monotonicMs();
    const { all = [], more = [] } = await world.other.instance.create({
      ...{ name: "many", flavor: "tiny", image: "tiny", count: 1_000 },
    });
    console.log(`      ${Math.round(systemClock.monotonicMs() - startedAtMs)} ms`);
    expect(all.length + more.length).to.equal(1_000);
    expect((await store.quotas.get("other")).used.instances).to.equal(1_000);
    await world.stop();
  });
});
