/** How long a copy of a volume may take, by value. */
import { expect } from "chai";
import { copyMsMax } from "../../../../nodes/drivers/volumes/copy.ts";

const [gib, tib, hourMs] = [1024 ** 3, 1024 ** 4, 3_600_000];

describe("the time of a copy into a volume", () => {
  it("is an hour, or as long as its bytes take at 8 MiB a second", () => {
    expect(copyMsMax({ format: "raw", allocatedBytes: 10 * gib }, tib)).to.equal(hourMs);
    expect(copyMsMax({ format: "raw", allocatedBytes: tib }, 2 * tib)).to.be.within(36 * hourMs, 38 * hourMs);
    expect(copyMsMax({ format: "qcow2", allocatedBytes: gib }, tib), "as much as may be in it").to.be.above(
      36 * hourMs,
    );
  });
});
