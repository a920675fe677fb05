/**
 * Every Store keeps every field of an instance, in its first row and in each later one: none of them is left
 * out of a list of columns somewhere. A field that is new does not compile here before it has a value.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { InstanceRecord } from "../../actors/records/instance.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

type Whole = { readonly [K in keyof InstanceRecord]: NonNullable<InstanceRecord[K]> };

/** Nothing is null, and nothing as in a new row; two of them differ by `n` in every field that may change. */
function whole(before: InstanceRecord, n: number): Whole {
  const { id, project, macAddress, flavor, image, createdAtMs } = before;
  return {
    ...{ id, project, macAddress, flavor, image, createdAtMs },
    name: `whole-${n}`,
    version: before.version + 1,
    generation: 10 + n,
    desired: "paused",
    stop: { mode: "hard", timeoutMs: n },
    resetCount: n,
    resetMode: "hard",
    startCount: n + 1,
    built: true,
    state: "paused",
    settled: true,
    metadata: { n: String(n) },
    description: `text ${n}`,
    lock: { by: "operators", reason: `because ${n}`, atMs: n },
    guest: { hostname: `h${n}`, launchIndex: n, keyName: `k${n}`, configDrive: true, userDataBytes: n },
    shape: { version: 1, machineType: "pc-q35-7.2", cpuModel: "EPYC-v3" },
    volumes: [
      {
        ...{ volumeId: `v${n}`, project, epoch: n, place: n, sizeGib: n, storageId: "s", hostId: null },
        ...{ made: true, source: null, deleteOnTermination: true },
        change: { kind: "leaving", generation: n },
      },
    ],
    interfaces: [
      {
        ...{ portId: `p${n}`, networkId: "n", mac: "52:54:00:00:00:02", mtuBytes: 1_280 + n },
        addresses: [{ subnetId: "s", address: `10.0.0.${n}` }],
        deleteWithInstance: true,
      },
    ],
    recovery: { policy: "wait", priority: n },
    storageId: `storage-${n}`,
    movable: n % 2 === 1,
    hostId: `host-${n}`,
    ownerEpoch: n,
    attempt: n,
    excludedHosts: [{ hostId: `x${n}`, reason: "full" }],
    serverGroupId: before.serverGroupId ?? "",
    availabilityZone: `zone-${n}`,
    hints: { sameHost: [`i${n}`] },
    operationId: `operation-${n}`,
    failure: { code: "INTERNAL", reason: "guestFailed", message: `It failed ${n}.`, next: "Start it." },
    updatedAtMs: rows.wallMs + n,
    deletedAtMs: rows.wallMs + n,
  };
}

export function fieldsContract(get: () => Store): void {
  it("keeps every field of an instance, of its first row and of a later one", async () => {
    const [store, { id, project }] = [get(), names()];
    for (const [n, isLater] of [
      [1, false],
      [2, true],
    ] as const) {
      const plain = rows.instance(id(n), { project });
      const offered = rows.inventory(id(n), { storageId: `storage-${n}`, diskGib: 1_000 });
      expect((await store.commit({ hosts: [offered] })).kind).to.equal("committed");
      const commit = async (expectedVersion: number, row: InstanceRecord) =>
        expect((await store.commit({ instances: [{ expectedVersion, row }] })).kind).to.equal("committed");
      if (isLater) await commit(0, plain);
      const before = isLater ? plain : { ...plain, version: 0 };
      // A tombstone has no other fields, and a server group is a row that would have to be there.
      const row: InstanceRecord = { ...whole(before, n), deletedAtMs: null, serverGroupId: null };
      await commit(before.version, row);
      expect((await store.instances.load(id(n)))?.instance).to.deep.equal(row);
      expect((await store.instances.get(id(n)))?.instance).to.deep.equal(row);
    }
  });
}
