/**
 * A disk on shared storage is removed with its instance although its host is lost, even if no guest ever ran
 * on it.
 */
import { expect } from "chai";
import type { Fence } from "../../../../actors/control/directory/fence-proof.ts";
import { decide } from "../../../../actors/control/instance/decide.ts";
import type { LoadedInstance } from "../../../../actors/records/instance.ts";
import { command, newborn, observed } from "../../../support/instances.ts";
import { plugged as pluggedIn } from "../../../support/store-rows.ts";

const proof = { kind: "operator", by: "admin", reason: "Burnt.", confirmedName: "host-a", atMs: 1 } as const;
const fences: readonly Fence[] = [{ hostId: "a", hostName: "host-a", leaseEpoch: 1, proof }];
const host = {
  kind: "host",
  hostId: "b",
  hostName: "host-b",
  leaseEpoch: 1,
  storageId: "s1",
  numa: null,
} as const;

function building(): LoadedInstance {
  const born = newborn(1_000, { leaseEpoch: 1 });
  const flavor = { ...born.instance.flavor, diskGib: 1 };
  return { ...born, instance: { ...born.instance, flavor, storageId: "s1", movable: true } };
}

describe("instance: a disk without a host", () => {
  it("of a build whose host is fenced is removed by another host when the instance is deleted", () => {
    const freed = decide(building(), { kind: "recover", fences, operationId: "op-2", nowMs: 2_000 });
    const unwanted = decide(freed.next, command("delete"));
    expect(unwanted.next.instance.deletedAtMs).to.equal(null);
    expect(unwanted.effects).to.deep.equal([{ kind: "place" }]);
    const { ownerEpoch } = unwanted.next.instance;
    const placed = decide(unwanted.next, { kind: "placed", placement: host, ownerEpoch, nowMs: 3_000 });
    const [claim] = placed.next.claims;
    expect(claim).to.include({ hostId: "b", ownerEpoch: 2, vcpus: 0, memoryMib: 0, diskGib: 0 });
    const gone = decide(placed.next, observed(placed.next, { state: "gone", ownerEpoch: 2 }));
    expect(gone.next.instance).to.include({ storageId: null, settled: true, state: "deleted" });
  });

  const afterItsHost = (loaded: LoadedInstance) => {
    const silence = { kind: "reconcile", nowMs: 10_000_000, hostAlive: false, leaseEpoch: 0 } as const;
    const parked = decide(decide(loaded, command("delete")).next, silence).next;
    return decide({ ...parked, claims: [], machines: [] }, silence);
  };

  it("is removed as well when its fenced host was removed, with the claim that was parked there", () => {
    const { next, effects } = afterItsHost(building());
    expect(next.instance.settled).to.equal(false);
    expect(effects).to.deep.equal([{ kind: "place" }]);
  });

  it("holds no address: the ports are let go of before anybody can remove the disk", () => {
    const { instance, ...rest } = building();
    const plugged = { ...rest, instance: { ...instance, interfaces: [pluggedIn("p1")] } };
    const { next, commit, effects } = afterItsHost(plugged);
    expect(commit?.rows?.flatMap((one) => ("removed" in one ? one.removed : []))).to.deep.equal(["p1", "p1"]);
    expect(next.instance).to.deep.include({ interfaces: [], settled: false });
    expect(effects).to.deep.equal([{ kind: "place" }]);
    const again = decide(next, { kind: "reconcile", nowMs: 10_000_001, hostAlive: false, leaseEpoch: 0 });
    expect(again.commit).to.equal(undefined);
  });

  it("is none of an instance without a disk", () => {
    const { instance, ...rest } = building();
    const diskless = { ...rest, instance: { ...instance, flavor: { ...instance.flavor, diskGib: 0 } } };
    expect(afterItsHost(diskless).next.instance).to.include({ state: "deleted", settled: true });
  });

  it("of a build whose host has said gone is none: to delete the instance asks no host", () => {
    const failed = decide(building(), observed(building(), { state: "failed", reason: "diskFull" })).next;
    const gone = decide(failed, observed(failed, { state: "gone", intentGeneration: 2 })).next;
    expect(gone.instance).to.include({ hostId: null, storageId: null });
    const deleted = decide(gone, command("delete"));
    expect(deleted.next.instance).to.include({ state: "deleted", settled: true });
    expect(deleted.effects).to.deep.equal([]);
  });
});
