/** What a copy of a disk may take of room and of time, and what its end says. */
import { expect } from "chai";
import { copyBytes, copyFailure, copyTimeoutMs } from "../../../../nodes/drivers/copies/bounds.ts";

const mib = 1024 ** 2;
const end = { exitCode: null, endSignal: null, isLate: false, errors: "" } as const;

describe("the bounds of a copy of a disk", () => {
  it("are room for its own bytes and those of its image, and for no more than it can have", () => {
    expect(copyBytes({ own: 5 * mib, base: 0, virtual: 64 * mib })).to.equal(5 * mib);
    expect(copyBytes({ own: 5 * mib, base: 20 * mib, virtual: 64 * mib })).to.equal(25 * mib);
    expect(copyBytes({ own: 50 * mib, base: 60 * mib, virtual: 64 * mib })).to.equal(64 * mib);
    // Tables, and what a guest has freed.
    expect(copyBytes({ own: 70 * mib, base: 60 * mib, virtual: 64 * mib })).to.equal(70 * mib);
  });

  it("are a time that grows with its size", () => {
    expect(copyTimeoutMs(16_384)).to.equal(1_800_001);
    expect(copyTimeoutMs(1024 ** 4)).to.equal(1_800_000 + 67_108_864);
    expect(copyTimeoutMs(1024 ** 5)).to.equal(2_147_483_647);
  });

  it("never call a disk unusable for what is beyond them", () => {
    const reasonOf = (more: object) => copyFailure({ ...end, ...more }).reason;
    expect(reasonOf({ endSignal: "SIGKILL", isLate: true })).to.equal("operationTimeout");
    expect(reasonOf({ endSignal: "SIGXCPU" })).to.equal("operationTimeout");
    expect(reasonOf({ endSignal: "SIGKILL" })).to.equal("toolFailed");
    expect(reasonOf({ exitCode: 1, errors: "write: No space left on device" })).to.equal("diskFull");
    expect(reasonOf({ exitCode: 1, errors: "Image is corrupt" })).to.equal("unusableImage");
  });
});
