/**
 * The noun of protocol/adding-a-noun.md on PostgreSQL: its table is what its definition describes, and its
 * rows come and go there as in memory.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { followGuide, runIn } from "../support/follow-guide.ts";
import { postgresUrl } from "../support/services.ts";

describe("the noun of protocol/adding-a-noun.md, on PostgreSQL", function () {
  this.timeout(120_000);
  let directory = "";
  before(() => {
    directory = followGuide("protocol/adding-a-noun.md");
  });
  after(() => {
    if (directory !== "") rmSync(directory, { recursive: true, force: true });
  });

  it("has the table that it describes, and is made, changed, counted and removed there", async function () {
    const url = await postgresUrl(this);
    const ran = await runIn(directory, process.execPath, [
      join(directory, "spec/support/added-noun.ts"),
      url,
    ]);
    expect(ran).to.deep.equal({ code: 0, text: "as it is described\n" });
  });
});
