/** Of which instances an image can be made, by value. */
import { expect } from "chai";
import { copyBytesMax, fromOf } from "../../../../../actors/control/catalog/copies/making.ts";
import { catalogLimits } from "../../../../../actors/control/catalog/limits.ts";
import type { InstanceRecord } from "../../../../../actors/records/instance.ts";
import { StatusError } from "../../../../../protocol/wire/status.ts";

const instance = (given: Partial<InstanceRecord> = {}): InstanceRecord =>
  ({
    ...{ id: "i", hostId: "h", ownerEpoch: 3, desired: "running", built: true, volumes: null },
    ...{ flavor: { diskGib: 1 }, image: { disk: null } },
    ...given,
  }) as InstanceRecord;

function refusalOf(given: Partial<InstanceRecord>): string {
  try {
    fromOf(instance(given));
  } catch (error) {
    if (error instanceof StatusError) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return "none";
}

const refused = (why: string) => `notCopyable: No image can be made of the instance i: it ${why}.`;

describe("images of instances: of which", () => {
  it("of those that a host has, up to their present owner epoch", () => {
    expect(fromOf(instance())).to.deep.equal({ instanceId: "i", hostId: "h", ownerEpoch: 3 });
    expect(refusalOf({ desired: "stopped" })).to.equal("none");
  });

  it("of none that goes, was never there, or has no root disk of its own", () => {
    expect(refusalOf({ desired: "deleted" })).to.equal(refused("is being deleted"));
    for (const given of [{ hostId: null }, { built: false }])
      expect(refusalOf(given)).to.equal(refused("has not run yet, or is on no host"));
    expect(refusalOf({ flavor: { diskGib: 0 } as InstanceRecord["flavor"] })).to.equal(
      refused("has no root disk"),
    );
    const root = { volumeId: "v", bootIndex: 0 } as NonNullable<InstanceRecord["volumes"]>[number];
    const other = { volumeId: "w" } as typeof root;
    expect(refusalOf({ volumes: [other] })).to.equal("none");
    expect(refusalOf({ volumes: [other, root] })).to.equal(refused("has its root disk on a volume"));
  });

  it("claims the room of the whole disk, and what a qcow2 file has beside it", () => {
    const least = catalogLimits.copyOverheadBytesMin;
    expect(copyBytesMax(1)).to.equal(1 + least);
    const large = least * 1_000_000;
    expect(copyBytesMax(large)).to.equal(large + large / catalogLimits.diskBytesPerOverheadByteMin);
  });
});
