/** What an image is said to wait for, by its row. */
import { expect } from "chai";
import { waitOf } from "../../../nodes/cli/nouns/image-wait.ts";

const row = { id: "i", name: "mine", holder: null, sizeBytes: null, refusal: null } as const;
const held = { ...row, holder: "c1", sizeBytes: 2_048 } as const;

describe("what an image waits for", () => {
  it("is its bytes, the rest of them, or whoever verifies them", () => {
    expect(waitOf({ ...row, state: "queued" })).to.equal("its bytes: novact image create mine --file");
    expect(waitOf({ ...held, state: "saving" })).to.match(/^2 KiB at most, which are sent to c1: /);
    expect(waitOf({ ...held, state: "saving" })).to.contain("by a host, of an instance; of a file, whoever");
    expect(waitOf({ ...held, state: "importing" })).to.equal("c1, which verifies what was sent");
  });

  it("is somebody, where what was sent was refused, cut off, or may not be used", () => {
    const refusal = (reason: string) =>
      ({ ...held, state: "queued", refusal: { reason, message: "" } }) as const;
    expect(waitOf(refusal("uploadInterrupted"))).to.contain("once more: c1 has what was sent");
    expect(waitOf(refusal("checksumMismatch")))
      .to.contain("somebody who says")
      .and.to.contain("delete i");
    expect(waitOf({ ...row, state: "deactivated" })).to.contain("novact image reactivate i");
  });

  it("is no file, where the disk of an instance was not copied", () => {
    for (const reason of ["copyLost", "operationTimeout", "hypervisorRefused"]) {
      const said = waitOf({ ...row, state: "queued", refusal: { reason, message: "" } });
      expect(said).to.contain("novact image create mine --instance").and.to.contain("image delete i");
      expect(said).not.to.contain("--file");
    }
  });

  it("is nothing, where it is active, also by the word of an older controller", () => {
    expect(waitOf({ ...row, state: "active" })).to.equal(undefined);
    expect(waitOf({ id: "i", name: "mine" })).to.equal(undefined);
  });
});
