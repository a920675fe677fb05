/** An image's properties from a request: each is stored in one place, also when Nova has a name for it. */
import { expect } from "chai";
import { propertiesOf } from "../../../../actors/control/catalog/image-properties.ts";

describe("the properties of an image", () => {
  const least = { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 };

  it("are the least where nothing is said", () => {
    expect(propertiesOf()).to.deep.equal(least);
    expect(propertiesOf({ extra: {} })).to.deep.equal(least);
    expect(propertiesOf({ memoryMibMin: 64 })).to.deep.equal({ ...least, memoryMibMin: 64 });
  });

  it("keep what is in Nova's names, and take from it what has a field of its own", () => {
    const extra = { hw_architecture: "aarch64", img_hv_type: "KVM", "trait:CUSTOM_GPU": "required" };
    expect(propertiesOf({ extra })).to.deep.equal({
      ...least,
      architecture: "aarch64",
      hypervisor: "qemu",
      extra,
    });
    expect(propertiesOf({ hypervisor: "fake", extra: { img_hv_type: "fake" } }).hypervisor).to.equal("fake");
  });

  const refused: readonly (readonly [string, Parameters<typeof propertiesOf>[0], RegExp])[] = [
    ["a trait that is neither", { extra: { "trait:A": "yes" } }, /can be required or forbidden/],
    ["an unknown architecture", { extra: { hw_architecture: "vax" } }, /can be .*x86_64/],
    [
      "two architectures",
      { architecture: "x86_64", extra: { hw_architecture: "aarch64" } },
      /architecture is x86_64, and .* aarch64/,
    ],
    ["two hypervisors", { hypervisor: "fake", extra: { img_hv_type: "qemu" } }, /hypervisor is fake/],
  ];
  for (const [what, said, sentence] of refused)
    it(`are refused with ${what}`, () => {
      expect(() => propertiesOf(said))
        .to.throw(sentence)
        .with.property("code", "INVALID_ARGUMENT");
    });
});
