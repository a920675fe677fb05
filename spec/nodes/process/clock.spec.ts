/** The ids of this process: one maker for each deployment, whoever asks. */
import { expect } from "chai";
import { systemIds } from "../../../nodes/process/clock.ts";
import { deploymentOf } from "../../../protocol/wire/ids.ts";

describe("the ids of a process", () => {
  it("come from one maker, in the order in which anybody asked, and say the deployment", () => {
    const ids = Array.from({ length: 5_000 }, () => systemIds(12).next());
    expect(ids).to.deep.equal([...ids].sort());
    expect(new Set(ids).size).to.equal(ids.length);
    expect(new Set(ids.map(deploymentOf))).to.deep.equal(new Set([12]));
    expect(systemIds(12)).to.equal(systemIds(12)).and.not.to.equal(systemIds(13));
  });

  it("are of this moment", () => {
    const before = Date.now();
    const time = Number.parseInt(systemIds(14).next().replaceAll("-", "").slice(0, 12), 16);
    expect(time).to.be.within(before, Date.now());
  });
});
