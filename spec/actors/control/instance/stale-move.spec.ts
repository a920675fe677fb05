/** An instance that is asked to leave its host by a controller whose rows of it are old. */
import { expect } from "chai";
import { InstanceRegistry } from "../../../../actors/control/instance/registry.ts";
import { MemoryStore } from "../../../../db/memory/store.ts";
import { systemIds } from "../../../../nodes/process/clock.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { actorWorld } from "../../../support/actor-world.ts";
import { silentLog } from "../../../support/silent-log.ts";
import * as rows from "../../../support/store-rows.ts";

describe("an instance that is asked to leave its host", () => {
  it("leaves it, though the controller that asks remembers it as being built", async () => {
    const world = actorWorld();
    const { clock, system } = world;
    const store = new MemoryStore(clock);
    await store.commit(rows.catalog);
    const hosts = ["h1", "h2"].map((id) => rows.inventory(id, { storageId: "s" }));
    await store.commit({ hosts, leasesGranted: hosts.map(({ hostId }) => ({ hostId, leaseEpoch: 1 })) });
    const born = rows.createTurn("i1");
    const [claim] = born.claims ?? [];
    const row = {
      ...rows.instance("i1", { hostId: "h1", ownerEpoch: 1, operationId: "op-i1" }),
      storageId: "s",
    };
    const claims = claim === undefined ? [] : [{ ...claim, leaseEpoch: 1 }];
    await store.commit({ ...born, instances: [{ expectedVersion: 0, row }], claims });
    const registry = new InstanceRegistry(system, {
      ...{ store, clock, ids: systemIds(0), log: silentLog },
      commit: (commit) => store.commit(commit),
      hostFacts: () => undefined,
      fencesOf: () => [],
      hostFull: () => undefined,
      askHost: async () => Promise.reject(new StatusError("hostUnreachable", "Nobody is there.")),
      place: async () => Promise.reject(new StatusError("noValidHost", "No host fits.")),
      roomOn: () => undefined,
    });
    await registry.tell("i1", { kind: "tellHosts" });
    await clock.settle();
    // Another controller hears that the guest runs.
    const running = { built: true, operationId: null, state: "running", settled: true } as const;
    const done = rows.operation("op-i1", "i1", { state: "done", endedAtMs: rows.wallMs });
    await store.commit(rows.changeTurn(rows.next(row, running), { operations: [done] }));
    const named = { kind: "host", hostId: "h2", hostName: "host-2" } as const;
    const to = { ...named, leaseEpoch: 1, storageId: "s", numa: null };
    await registry.tell("i1", { kind: "move", hostId: "h1", to });
    await clock.settle();
    const { instance, operation } = (await store.instances.load("i1")) ?? {};
    expect(instance?.hostId).to.equal(null);
    expect(operation).to.deep.include({ kind: "move", toHost: { id: "h2", name: "host-2" } });
    registry.close();
    await world.end();
  });
});
