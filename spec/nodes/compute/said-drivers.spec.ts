/** What a host says of its hypervisor, by value. */
import { expect } from "chai";
import { canHotPlug } from "../../../nodes/compute/said-drivers.ts";

describe("what a host says that its hypervisor can", () => {
  it("is no change of running guests without the verbs for it, whatever the driver says of itself", () => {
    const verb = async () => undefined;
    const both = { rewire: verb, unplugOthers: verb };
    expect(canHotPlug(both, { hotPlug: true })).to.equal(true);
    for (const lacking of [{}, { rewire: verb }, { unplugOthers: verb }])
      expect(canHotPlug(lacking, { hotPlug: true })).to.equal(false);
    expect(canHotPlug(both, { hotPlug: false })).to.equal(false);
  });
});
