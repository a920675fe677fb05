/** What a commit tells: the other controllers, once for commits of one moment. */
import { expect } from "chai";
import * as rows from "../../../support/store-rows.ts";
import { eventOf, operationOf, WaitingWorld } from "./waiting-world.ts";

describe("commits", () => {
  it("tell the others once of commits that come together, with every project", async () => {
    const { clock, commits, told } = new WaitingWorld();
    await Promise.all([commits.commit(eventOf("demo")), commits.commit(eventOf("other"))]);
    await clock.settle();
    expect(told).to.deep.equal([{ lastSequence: 2, ended: [], projects: ["demo", "other"] }]);
  });

  it("tell the others which operations ended", async () => {
    const { clock, commits, told } = new WaitingWorld();
    await commits.commit(rows.catalog);
    await commits.commit(operationOf("o1", 1, true));
    await clock.settle();
    expect(told).to.deep.equal([{ lastSequence: 1, ended: ["o1"], projects: ["demo"] }]);
  });
});
