/**
 * Follows protocol/adding-a-noun.md in a copy of the tree, to the letter: its files are written, its changes
 * made, and then the types must fit and the new noun must work. spec/live/added-noun.spec.ts does the same
 * with PostgreSQL.
 */
import { rmSync } from "node:fs";
import { expect } from "chai";
import { followGuide, runIn } from "./support/follow-guide.ts";

describe("protocol/adding-a-noun.md", function () {
  this.timeout(180_000);
  let directory = "";
  before(() => {
    directory = followGuide("protocol/adding-a-noun.md");
  });
  after(() => {
    if (directory !== "") rmSync(directory, { recursive: true, force: true });
  });

  it("makes a noun that compiles, works, and has commands", async () => {
    const types = runIn(directory, "node_modules/.bin/tsc", ["--noEmit"]);
    expect(await types).to.deep.equal({ code: 0, text: "" });
    const works = await runIn(directory, "node_modules/.bin/mocha", [
      ...["--no-config", "--forbid-only", "--exit", "--timeout", "60000", "spec/cluster/bookmarks.spec.ts"],
    ]);
    expect(works.text).to.contain("1 passing");
    const help = await runIn(directory, process.execPath, ["nodes/novact.mjs", "bookmark", "--help"]);
    for (const verb of ["list", "show", "delete", "create"]) expect(help.text).to.contain(verb);
  });
});
