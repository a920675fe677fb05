/** The store's cache of hosts' inventories, when a host is removed and another computer takes its id. */
import { expect } from "chai";
import { openStore } from "../../db/postgres/connect.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import { inventory, wallMs } from "../support/store-rows.ts";

describe("what is remembered of a host on PostgreSQL", () => {
  it("is forgotten with the host, also when it comes back with the same generation", async function () {
    this.timeout(60_000);
    let nowMs = wallMs;
    const clock = { ...systemClock, nowMs: () => nowMs };
    const store = await openStore({ url: await postgresUrl(this), clock, log: silentLog });
    const racks = async () => [
      (await store.hosts.get("back"))?.labels.rack,
      (await store.hosts.all()).find(({ id }) => id === "back")?.labels.rack,
    ];
    await store.commit({ hosts: [inventory("back", { labels: { rack: "r1" } })] });
    expect(await racks()).to.deep.equal(["r1", "r1"]);
    await store.commit({ hostsRemoved: [{ hostId: "back", parked: false }] });
    nowMs += 1;
    await store.commit({ hosts: [inventory("back", { labels: { rack: "r2" } })] });
    expect(await racks()).to.deep.equal(["r2", "r2"]);
    await store.close();
  });
});
