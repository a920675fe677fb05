/** Names of devices, by value. */
import { expect } from "chai";
import {
  bridgeName,
  clashing,
  isOwnDevice,
  tapName,
  vxlanName,
} from "../../../../nodes/drivers/bridge-network/device-names.ts";

const id = "0190a1b2-c3d4-7e5f-8a9b-0123456789ab";

describe("Names of devices in the fabric", () => {
  it("are our mark and the random end of an id", () => {
    expect(tapName(id)).to.equal("nvt0123456789ab");
    expect(bridgeName(id)).to.equal("nvb0123456789ab");
    expect(vxlanName(id)).to.equal("nvx0123456789ab");
  });

  it("fit Linux, whatever the id is", () => {
    for (const odd of ["", "port-1", id.toUpperCase(), `${id}\n`, "x".repeat(300), "../../etc"])
      expect(tapName(odd)).to.match(/^nvt[0-9a-f]{12}$/);
    expect(tapName("port-1")).not.to.equal(tapName("port-2"));
  });

  it("tell ours from everybody else's", () => {
    for (const name of [tapName(id), bridgeName(id), vxlanName("port-1")])
      expect(isOwnDevice(name)).to.equal(true);
    for (const name of [
      "lo",
      "eth0",
      "nvme0",
      "nvt",
      "nvt0123456789ag",
      "nvt0123456789abc",
      "nva0123456789ab",
    ])
      expect(isOwnDevice(name), name).to.equal(false);
  });

  it("give a name that two ids have to the smaller of them, in whatever order they come", () => {
    const other = "0190a1b2-c3d4-7e5f-8a9c-0123456789ab";
    expect([...clashing([other, id, id, "port-1"])]).to.deep.equal([other]);
    expect([...clashing([id, other])]).to.deep.equal([other]);
    expect([...clashing([id, id])]).to.deep.equal([]);
  });
});
