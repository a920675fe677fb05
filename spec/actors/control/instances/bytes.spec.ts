/** The size of an instance in a list is never below what it takes there. */
import { expect } from "chai";
import { instanceView } from "../../../../actors/control/instance/state.ts";
import { bytesOfInstance } from "../../../../actors/control/instances/bytes.ts";
import { networkLimits } from "../../../../protocol/limits/network.ts";
import { instance } from "../../../support/store-rows.ts";

const id = "01a2289a-9aac-7718-800d-9830698c5c11";
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

describe("the bytes of an instance in a list", () => {
  it("are those of its interfaces, too, as many as it may have", () => {
    const address = { subnetId: id, address: "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" };
    const addresses = many(networkLimits.addressesPerPortMax, address);
    const port = { portId: id, networkId: id, mac: "52:54:00:00:00:01", addresses };
    const interfaces = many(networkLimits.interfacesPerInstanceMax, {
      ...{ ...port, mtuBytes: 1_450, deleteWithInstance: true },
    });
    const viewOf = (row: object) =>
      instanceView({ instance: instance(id, row), machine: undefined }, undefined);
    const [plain, full] = [viewOf({}), viewOf({ interfaces })];
    const grown = JSON.stringify(full).length - JSON.stringify(plain).length;
    expect(grown).to.be.greaterThan(4_096);
    expect(bytesOfInstance(full) - bytesOfInstance(plain)).to.be.within(grown, grown * 1.5);
  });
});
