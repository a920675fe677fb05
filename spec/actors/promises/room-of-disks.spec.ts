/** Histories in which an instance takes less than its disks need, by value. */
import { expect } from "chai";
import { roomOfDisks } from "../../../actors/promises/room-of-disks.ts";
import * as rows from "../../support/store-rows.ts";

const gib = 1024 ** 3;

describe("the room of an instance's disks", () => {
  const { flavor } = rows.instance("i");
  const disk = { sha256: "a".repeat(64), sizeBytes: 1, format: "raw" as const, virtualSizeBytes: 2 * gib };
  const faults = (size: Partial<typeof flavor>, expectedVersion = 0) => {
    const row = rows.instance("i", {
      flavor: { ...flavor, ...size },
      image: { ...rows.instance("i").image, disk },
    });
    return roomOfDisks({ instances: [{ expectedVersion, row }] });
  };

  it("is that of all of them", () => {
    expect(faults({ diskGib: 2 })).to.deep.equal([]);
    expect(faults({ diskGib: 6, ephemeralGib: 3, swapMib: 512 })).to.deep.equal([]);
    expect(faults({ diskGib: 5, ephemeralGib: 3, swapMib: 512 })).to.deep.equal([
      "Instance i takes 5 GiB, and its disks may need 6 GiB.",
    ]);
    expect(faults({ diskGib: 3, swapMib: 1_025 })).to.have.length(1);
  });

  it("is judged where an instance begins", () => {
    expect(faults({ diskGib: 0 }, 3)).to.deep.equal([]);
  });
});
