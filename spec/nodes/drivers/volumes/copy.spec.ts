/** How long a copy of a volume may take, by value. */
import { expect } from "chai";
import { copyMsMax } from "../../../../nodes/drivers/volumes/copy.ts";

const [gib, tib, hourMs] = [1024 ** 3, 1024 ** 4, 3_600_000];

describe("the time of a copy into a volume", () => {
  it("is an hour, or as long as its bytes take at 8 MiB a second", () => {
    expect(copyMsMax({ format: "raw", allocatedBytes: 10 * gib }, tib)).to.equal(hourMs);
    expect(copyMsMax({ format: "raw", allocatedBytes: tib }, 2 * tib)).to.be.within(36 * hourMs, 38 * hourMs);
    const packed = { format: "qcow2", allocatedBytes: 10 * gib } as const;
    expect(copyMsMax(packed, 100 * tib), "of a packed image").to.be.within(11 * hourMs, 12 * hourMs);
    expect(copyMsMax(packed, gib), "no more than the volume has").to.equal(hourMs);
  });
});
