/** Fence proofs: their shapes on the wire, and the sentence that every project may read. */
import { expect } from "chai";
import { fenceSentence, ofPower } from "../../../../actors/control/directory/fence-proof.ts";
import { FenceProof } from "../../../../protocol/fence.ts";
import { validatorOf } from "../../../../protocol/wire/validate.ts";

const atMs = 1_800_000_000_000;
const lease: FenceProof = {
  kind: "lease",
  leaseEpoch: 3,
  silentMs: 12_400,
  guardMs: 5_000,
  observedBy: "controller-1",
  atMs,
};
const power = ofPower(
  { kind: "redfish", at: "https://10.0.0.9/redfish/v1/Systems/1", said: 'PowerState "Off"', tookMs: 4_321 },
  atMs,
);
const operator: FenceProof = {
  kind: "operator",
  by: "ada",
  reason: "its rack burns",
  confirmedName: "node-1",
  atMs,
};

const sentences: readonly (readonly [FenceProof, string])[] = [
  [lease, "the lease of epoch 3 was not renewed for 12.4 s and its guard time of 5 s has passed"],
  [power, 'the controller of its power (Redfish) says that it is off: PowerState "Off"'],
  [operator, "the operator ada confirmed that node-1 is off: its rack burns"],
];

describe("a fence proof", () => {
  for (const [proof, sentence] of sentences) {
    it(`of the kind ${proof.kind} is said in a sentence`, () => {
      expect(fenceSentence(proof)).to.equal(sentence);
    });

    it(`of the kind ${proof.kind} has its shape, and needs each of its fields`, () => {
      const { accepts } = validatorOf(FenceProof);
      expect(accepts(proof)).to.equal(true);
      for (const field of Object.keys(proof)) {
        const { [field as keyof FenceProof]: _, ...less } = proof;
        expect(accepts(less), `without ${field}`).to.equal(false);
      }
    });
  }

  it("of another kind, such as a bare timeout, is none", () => {
    expect(validatorOf(FenceProof).accepts({ kind: "timeout", silentMs: 1_000_000, atMs })).to.equal(false);
  });

  it("keeps the address of a power controller out of its sentence", () => {
    expect(power).to.include({ address: "https://10.0.0.9/redfish/v1/Systems/1" });
    expect(fenceSentence(power)).to.not.include("10.0.0.9");
  });

  const durations: readonly (readonly [number, string])[] = [
    [0, "0 s"],
    [1, "0.1 s"],
    [59_900, "59.9 s"],
    [59_901, "1 min"],
    [60_001, "1 min 1 s"],
    [3_725_000, "62 min 5 s"],
  ];
  for (const [silentMs, text] of durations) {
    it(`says ${silentMs} ms as ${text}`, () => {
      expect(fenceSentence({ ...lease, silentMs })).to.include(`not renewed for ${text} and`);
    });
  }
});
