/** An image's properties from a request: each is stored in one place, also when Nova has a name for it. */
import { Type } from "@sinclair/typebox";
import { expect } from "chai";
import { propertiesOf } from "../../../../actors/control/catalog/image-properties.ts";
import { hypervisorAliases } from "../../../../nodes/drivers/aliases.ts";

const propertiesFor = (said: Parameters<typeof propertiesOf>[0] = {}) =>
  propertiesOf(said, hypervisorAliases());

describe("the properties of an image", () => {
  const least = { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 };

  it("are the least where nothing is said", () => {
    expect(propertiesFor()).to.deep.equal(least);
    expect(propertiesFor({ extra: {} })).to.deep.equal(least);
    expect(propertiesFor({ memoryMibMin: 64 })).to.deep.equal({ ...least, memoryMibMin: 64 });
  });

  it("keep what is in Nova's names, and take from it what has a field of its own", () => {
    const extra = { hw_architecture: "aarch64", img_hv_type: "KVM", "trait:CUSTOM_GPU": "required" };
    expect(propertiesFor({ extra })).to.deep.equal({
      ...least,
      architecture: "aarch64",
      hypervisor: "qemu",
      extra,
    });
    expect(propertiesFor({ hypervisor: "fake", extra: { img_hv_type: "fake" } }).hypervisor).to.equal("fake");
  });

  it("take a plug-in's hypervisor by its other names, and never in place of ours", () => {
    const xen = { aliases: ["zen", "kvm"], options: Type.Object({}) };
    const named = (type: string) =>
      propertiesOf({ extra: { img_hv_type: type } }, hypervisorAliases({ xen })).hypervisor;
    expect(["zen", "xen", "kvm"].map(named)).to.deep.equal(["xen", "xen", "qemu"]);
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
      expect(() => propertiesFor(said))
        .to.throw(sentence)
        .with.property("code", "INVALID_ARGUMENT");
    });
});
