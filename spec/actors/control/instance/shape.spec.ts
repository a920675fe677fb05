/** The shape of an instance's machine: taken from the host of its first boot, and kept from then on. */
import { expect } from "chai";
import { decide } from "../../../../actors/control/instance/decide.ts";
import type { HostPlacement } from "../../../../actors/control/instance/messages.ts";
import { removalSpec, workEffects } from "../../../../actors/control/instance/state.ts";
import { wishOf } from "../../../../actors/control/placement/placement.ts";
import type { LoadedInstance } from "../../../../actors/records/instance.ts";
import type { OfferedShapes } from "../../../../protocol/shape.ts";
import { newborn, observed } from "../../../support/instances.ts";

const offered = (version: string): OfferedShapes => ({
  ...{ versions: [1], aliases: [{ alias: "q35", machineType: `pc-q35-${version}` }] },
  ...{ machineType: `pc-q35-${version}`, machineTypes: [`pc-q35-${version}`] },
  ...{ cpuModel: "qemu64-v1", cpuModels: ["qemu64-v1"] },
});
const shapeOf = (version: string) => ({
  ...{ version: 1, machineType: `pc-q35-${version}`, cpuModel: "qemu64-v1" },
});
const onA = newborn(1_000, { shapes: offered("7.2") });

const specOf = (loaded: LoadedInstance) => {
  const ensure = workEffects(loaded).find((effect) => effect.kind === "ensure");
  if (ensure === undefined) throw new Error("Its host is told.");
  return ensure.spec;
};

/** The same instance without a host, and with nothing left on the host before. */
const left = (loaded: LoadedInstance): LoadedInstance => ({
  ...loaded,
  instance: { ...loaded.instance, hostId: null },
  ...{ claims: [], machines: [] },
});

function placedOnB(loaded: LoadedInstance, shapes: OfferedShapes | undefined): LoadedInstance {
  const lease = { leaseEpoch: 0, storageId: null, numa: null };
  const placement: HostPlacement = { kind: "host", hostId: "b", hostName: "host-b", ...lease, shapes };
  const { ownerEpoch } = loaded.instance;
  return decide(left(loaded), { kind: "placed", placement, ownerEpoch, nowMs: 5_000 }).next;
}

describe("instance: the shape of its machine", () => {
  it("is what the host of its first boot offers, told to the host in place of a machine type", () => {
    expect(onA.instance.shape).to.deep.equal(shapeOf("7.2"));
    const { image } = onA.instance;
    const typed = { ...image, properties: { ...image.properties, extra: { hw_machine_type: "q35" } } };
    const asked = { ...onA, instance: { ...onA.instance, image: typed } };
    expect(specOf(asked)).to.deep.include({ shape: shapeOf("7.2"), machineType: null });
  });

  it("is none on a host that offers none, and then none is told", () => {
    const born = newborn();
    expect(born.instance.shape).to.equal(null);
    expect(specOf(born)).not.to.have.property("shape");
  });

  it("is that of another host while it was never seen running", () => {
    expect(placedOnB(onA, offered("9.0")).instance.shape).to.deep.equal(shapeOf("9.0"));
    expect(placedOnB(onA, undefined).instance.shape).to.equal(null);
  });

  it("is kept by a machine that has run, whatever its next host would give to a new one", () => {
    const ran = decide(onA, observed(onA)).next;
    expect(ran.instance.built).to.equal(true);
    for (const shapes of [offered("9.0"), undefined]) {
      const moved = placedOnB(ran, shapes);
      expect(moved.instance).to.deep.include({ hostId: "b", shape: shapeOf("7.2") });
      expect(specOf(moved).shape).to.deep.equal(shapeOf("7.2"));
    }
  });

  it("stays none for a machine that ran before there were any", () => {
    const born = newborn();
    const ran = decide(born, observed(born)).next;
    expect(placedOnB(ran, offered("9.0")).instance.shape).to.equal(null);
  });

  it("limits the hosts of a machine that has run, and of no other, nor those that remove a disk", () => {
    const ran = decide(onA, observed(onA)).next;
    expect(wishOf(onA.instance).shape).to.equal(null);
    expect(wishOf(ran.instance).shape).to.deep.equal(shapeOf("7.2"));
    expect(wishOf({ ...ran.instance, desired: "deleted" })).not.to.have.property("shape");
    const { image } = onA.instance;
    const wants = { ...image, properties: { ...image.properties, diskGibMin: 10 } };
    const leastOf = (disk: typeof image.disk) =>
      wishOf({ ...onA.instance, image: { ...wants, disk } }).imageProperties.diskGibMin;
    const disk = { sha256: "a".repeat(64), sizeBytes: 1, format: "raw" as const, virtualSizeBytes: 1 };
    expect([leastOf(disk), leastOf(null)], "no root disk of its own").to.deep.equal([10, 0]);
    expect(removalSpec(ran.instance, { ownerEpoch: 1, leaseEpoch: 0, numa: null })).to.have.property("shape");
  });
});
