/** The steps of an image's states, by value: which lead where, and with what the others are refused. */
import { expect } from "chai";
import { type ImageStep, steppedImage } from "../../../../actors/control/catalog/image-states.ts";
import { type ImageState, imageStates } from "../../../../protocol/image.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { tinyImage } from "../../../support/instances.ts";

const disk = { sha256: "b".repeat(64), sizeBytes: 5, format: "raw", virtualSizeBytes: 512 } as const;
const checksums = { sha256: disk.sha256, sha512: "c".repeat(128), md5: "d".repeat(32) };
const refusal = { reason: "checksumMismatch", message: "It is another one." };
const steps: readonly ImageStep[] = [
  { kind: "save", holder: "one", sizeBytes: 7 },
  { kind: "requeue", refusal },
  ...(["import", "forget", "deactivate", "reactivate"] as const).map((kind) => ({ kind })),
  { kind: "activate", disk, checksums },
];

function after(state: ImageState, step: ImageStep): string {
  try {
    return steppedImage({ ...tinyImage, state }, step).state;
  } catch (thrown) {
    if (thrown instanceof StatusError) return thrown.reason;
    throw thrown;
  }
}

describe("the states of an image", () => {
  it("follow each other as the table says, and no other way", () => {
    const all = Object.fromEntries(
      steps.map((step) => [step.kind, imageStates.map((one) => after(one, step))]),
    );
    const [late, closed] = ["imageNotQueued", "imageNotActive"];
    expect(all).to.deep.equal({
      save: ["saving", "saving", late, late, late],
      import: [late, "importing", late, late, late],
      activate: [late, late, "active", late, late],
      requeue: [late, "queued", "queued", late, late],
      forget: ["queued", "queued", "queued", late, late],
      deactivate: [closed, closed, closed, "deactivated", "deactivated"],
      reactivate: [closed, closed, closed, "active", "active"],
    });
  });

  it("bring the bytes with the step that makes it active", () => {
    const queued = { ...tinyImage, kernel: null, state: "importing" } as const;
    const active = steppedImage(queued, { kind: "activate", disk, checksums });
    expect(active).to.deep.equal({ ...queued, state: "active", disk, checksums, sizeBytes: 5 });
  });

  it("say who has what was sent, how large it may be, and why it was refused", () => {
    const saving = steppedImage(
      { ...tinyImage, state: "queued" },
      { kind: "save", holder: "one", sizeBytes: 7 },
    );
    expect(saving).to.include({ holder: "one", sizeBytes: 7, state: "saving" });
    const queued = steppedImage(saving, { kind: "requeue", refusal });
    expect(queued).to.deep.include({ holder: "one", sizeBytes: 7, state: "queued", refusal });
    expect(steppedImage({ ...queued, state: "saving" }, { kind: "import" }).refusal).to.equal(null);
    expect(steppedImage(queued, { kind: "forget" })).to.deep.include({
      holder: null,
      sizeBytes: null,
      refusal,
    });
  });

  it("leave an upload to the controller that has it", () => {
    const saving = { ...tinyImage, state: "saving", holder: "one" } as const;
    const taken = () => steppedImage(saving, { kind: "save", holder: "two", sizeBytes: 7 });
    expect(taken).to.throw(StatusError, "The controller one").with.property("reason", "imageElsewhere");
  });
});
