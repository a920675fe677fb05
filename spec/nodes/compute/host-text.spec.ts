/** What tools say of a computer becomes what a controller takes of a host. */
import { expect } from "chai";
import { oneLine } from "../../../nodes/compute/host-text.ts";
import { HostInventory } from "../../../protocol/machine.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import { inventoryOf } from "../../support/scripted-host.ts";

describe("compute: texts of a host about itself", () => {
  for (const text of [
    "no KVM:\n  /dev/kvm is missing\u0007",
    "10.1\u202e\u200b\u2028 (x)",
    "half \ud801",
    `${"x".repeat(1_023)}𝄞 and more`,
    "y".repeat(100_000),
    "",
  ])
    it(`are taken whatever is in them: ${JSON.stringify(text.slice(0, 24))}`, () => {
      const said = { acceleratorReason: oneLine(text), hypervisorVersion: oneLine(text) };
      expect(validatorOf(HostInventory).explain(inventoryOf("h1", said))).to.equal("");
    });

  it("stay what they are when nothing is wrong with them", () => {
    expect(oneLine("QEMU 10.1.0 (Débian)")).to.equal("QEMU 10.1.0 (Débian)");
  });
});
